//! What people do with the commands, one line each.

/// A line to type.
pub(super) struct Example {
    /// The command whose page it stands in; empty for the program's.
    pub(super) command: &'static str,
    /// What it is for, without a full stop.
    pub(super) purpose: &'static str,
    pub(super) line: &'static str,
}

const fn example(command: &'static str, purpose: &'static str, line: &'static str) -> Example {
    Example {
        command,
        purpose,
        line,
    }
}

/// In the order of the pages. A test reads each as the parser does.
pub(super) static EXAMPLES: &[Example] = &[
    example(
        "",
        "Try it without an account",
        "prove-token token --environment emulator",
    ),
    example(
        "",
        "Print a token of the profile prove-uat",
        "prove-token token prove-uat",
    ),
    example(
        "token",
        "Call an API with another program",
        "curl -H \"$(prove-token token -o header)\" https://api.example.com/v1/things",
    ),
    example(
        "token",
        "Put a token that lives for five minutes at least into a shell's environment",
        "eval \"$(prove-token token -o env --min-validity 5m)\"",
    ),
    example(
        "call",
        "Start an identity check of Prove",
        "prove-token call POST /v3/start -d '{\"phoneNumber\": \"2001004011\", \"flowType\": \"mobile\"}'",
    ),
    example(
        "call",
        "Send a body from standard input",
        "prove-token call /v3/validate -d -",
    ),
    example(
        "exec",
        "Run a job with a token that lives for a quarter of an hour at least",
        "prove-token exec --min-validity 15m -- ./job --all",
    ),
    #[cfg(unix)]
    example(
        "exec",
        "Run a server that calls the API for days, with a token that it never sees",
        "prove-token exec --broker -- ./server",
    ),
    #[cfg(unix)]
    example(
        "serve",
        "Serve tokens to the programs of this machine, with a log for machines",
        "prove-token serve --log-format json",
    ),
    example(
        "watch",
        "Keep a file fresh, and have a server read it again",
        "prove-token watch --sink /run/app/token --signal HUP --pid-file /run/app.pid",
    ),
    example(
        "watch",
        "Write the file, and restart a service if it has changed",
        "prove-token watch --sink /run/app/token --once --run systemctl restart app",
    ),
    example(
        "status",
        "Alert when a profile has no token for the next ten minutes",
        "prove-token status prove-uat --check --min-validity 10m",
    ),
    example(
        "purge",
        "Forget every token after a secret was rotated",
        "prove-token purge --all",
    ),
    example(
        "init",
        "Set up a profile from a script, with a secret that a password manager prints",
        "pass show prove | prove-token init --environment uat-us --client-id abc123 \
         --client-secret-stdin --keep file --no-input",
    ),
    example(
        "profile add",
        "Add a profile whose secret is in a variable, and let it be the default",
        "prove-token profile add ci --environment uat-us --client-id abc123 \
         --client-secret-env CI_SECRET --default",
    ),
    example(
        "secret set",
        "Keep a secret after it was rotated",
        "pass show prove | prove-token secret set prove-uat",
    ),
    example(
        "secret check",
        "See whether the secret can be read, and is accepted",
        "prove-token secret check --try prove-uat",
    ),
    example(
        "inspect",
        "Read the claims of the token that is kept",
        "prove-token token --cached-only | prove-token inspect",
    ),
    example(
        "emulator",
        "Run the emulator on a port, and have it fail twice",
        "prove-token emulator --port 8080 --fault status=503,times=2",
    ),
    example(
        "profile add",
        "Add another provider, whose secret is in the system's keyring",
        "prove-token profile add acme --token-endpoint https://idp.example.com/token --client-id me --client-secret-keyring acme",
    ),
    example(
        "secret set",
        "Replace a secret after its rotation; it is asked for, hidden",
        "prove-token secret set prove-uat",
    ),
    example(
        "doctor",
        "See why a profile gets no token",
        "prove-token doctor prove-uat",
    ),
    example(
        "config schema",
        "Let an editor complete the configuration file",
        "prove-token config schema >~/.config/prove-token/schema.json",
    ),
    example(
        "config validate",
        "Check a file before it is put in its place",
        "prove-token config validate --config new.toml",
    ),
    example(
        "completion",
        "Complete commands, profiles and files in bash, from ~/.bashrc",
        "source <(prove-token completion bash)",
    ),
    example(
        "man",
        "Read the page of a command",
        "prove-token man token | man -l -",
    ),
    example(
        "man",
        "Install all pages, for a package",
        "prove-token man --dir /usr/share/man/man1",
    ),
];

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::Cli;

    /// The words of each call of this program in a line of a shell.
    fn calls(line: &str) -> Vec<Vec<String>> {
        let starts: Vec<_> = line
            .match_indices("prove-token ")
            .map(|(at, _)| at)
            .collect();
        let end = |rest: &str| rest.find([')', '|', '>']).unwrap_or(rest.len());
        let is_call = |at: &usize| !line[..*at].ends_with('/');
        let words = |rest: &str| {
            let mut words = Vec::new();
            let mut parts = rest.split('\'');
            while let Some(plain) = parts.next() {
                words.extend(plain.split_whitespace().map(str::to_owned));
                words.extend(parts.next().map(str::to_owned));
            }
            words
        };
        starts
            .into_iter()
            .filter(is_call)
            .map(|at| words(&line[at..at + end(&line[at..])]))
            .collect()
    }

    #[test]
    fn every_example_is_understood() {
        for example in EXAMPLES {
            let calls = calls(example.line);
            assert!(!calls.is_empty(), "{}", example.line);
            for call in calls {
                let parsed = Cli::try_parse_from(&call);
                assert!(parsed.is_ok(), "{call:?}: {:?}", parsed.err());
            }
        }
    }
}
