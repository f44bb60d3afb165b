//! A program with the token in its environment: what it gets, what it does not, and how
//! its end comes out.

mod beside;
mod broker;

use prove_token_emulator::{Emulator, Fault};
use rustix::process::Signal;
use snapbox::str;

use crate::harness::{ID, Run, SECRET, emulator, run};

/// A run of `words` with a token of `emulator`, which is not kept yet.
fn exec(emulator: &Emulator, options: &[&str], words: &[&str]) -> Run {
    let endpoint = emulator.token_endpoint();
    let flags = [
        "exec",
        "--token-endpoint",
        &endpoint,
        "--client-id",
        ID,
        "--client-secret-stdin",
    ];
    let run = run(&[&flags[..], options, &["--"], words].concat());
    run.stdin(SECRET).env("PATH", "/usr/bin:/bin")
}

#[test]
fn the_program_gets_the_token() {
    let emulator = emulator().start().unwrap();
    let script = "printf '%s\\n' \"$PROVE_ACCESS_TOKEN\"";
    exec(&emulator, &[], &["sh", "-c", script])
        .outcome()
        .transcript(
            0,
            str![[r#"
[TOKEN]

"#]],
            str![],
        );
    let script = "echo ${PROVE_ACCESS_TOKEN-unset} $A $B";
    exec(
        &emulator,
        &["--env", "A", "--env", "B"],
        &["sh", "-c", script],
    )
    .outcome()
    .transcript(
        0,
        str![[r#"
unset [TOKEN] [TOKEN]

"#]],
        str![],
    );
}

#[test]
fn a_token_that_is_kept_is_taken() {
    let emulator = emulator().start().unwrap();
    let home = tempfile::tempdir().unwrap();
    let config = format!(
        "version = 1\ndefault_profile = \"mine\"\n[profiles.mine]\ntoken_endpoint = \"{}\"\n\
         client_id = \"{ID}\"\nclient_secret = {{ env = \"MY_SECRET\" }}\n",
        emulator.token_endpoint()
    );
    let exec = |options: &[&str]| {
        let words = ["--", "sh", "-c", "echo $PROVE_ACCESS_TOKEN"];
        let run = crate::harness::run_in(home.path(), &[&["exec"], options, &words].concat());
        run.config(&config)
            .env("MY_SECRET", SECRET)
            .env("PATH", "/usr/bin:/bin")
            .outcome()
    };
    exec(&["--cached-only"]).transcript(
        125,
        str![],
        str![[r#"
error: no usable token is kept
hint: leave out --cached-only to request one

"#]],
    );
    let first = exec(&[]).success();
    for kept in [&[][..], &["--cached-only"], &["--min-validity", "5m"]] {
        assert_eq!(exec(kept).success(), first);
    }
    assert_eq!(emulator.token_requests(), 1);
    assert_ne!(exec(&["--no-cache"]).success(), first);
    assert_ne!(exec(&["--force"]).success(), first);
    assert_eq!(emulator.token_requests(), 3);
}

/// Of any profile, whatever it is called; and nothing of ours on its command line.
#[test]
fn no_secret_is_in_the_environment_of_the_program() {
    let emulator = emulator().start().unwrap();
    let config = format!(
        "version = 1\ndefault_profile = \"mine\"\n[profiles.mine]\ntoken_endpoint = \"{}\"\n\
         client_id = \"{ID}\"\nclient_secret = {{ env = \"MY_SECRET\" }}\n\
         [profiles.other]\nenvironment = \"uat-us\"\nclient_id = \"other\"\n\
         client_secret = {{ env = \"OTHER_SECRET\" }}\n",
        emulator.token_endpoint()
    );
    let all = "tr '\\0' '\\n' < /proc/$$/environ | sort; tr '\\0' ' ' < /proc/$$/cmdline";
    for emulated in [false, true] {
        let flags: &[&str] = if emulated {
            &["--environment", "emulator"]
        } else {
            &[]
        };
        run(&[&["exec"], flags, &["--", "sh", "-c", all]].concat())
            .config(&config)
            .env("MY_SECRET", SECRET)
            .env("OTHER_SECRET", "canary-other")
            .env("PROVE_CLIENT_SECRET", "canary-variable")
            .env("PROVE_CLIENT_SECRET_FILE", "/canary")
            .env("PROVE_ACCESS_TOKEN", "canary-old")
            .env("PATH", "/usr/bin:/bin")
            .env("KEPT", "as it is")
            .outcome()
            .transcript(
                0,
                match emulated {
                    false => str![[r#"
HOME=[HOME]
KEPT=as it is
PATH=/usr/bin:/bin
PROVE_ACCESS_TOKEN=[TOKEN]
sh -c tr '/0' '/n' < /proc/$$/environ | sort; tr '/0' ' ' < /proc/$$/cmdline 
"#]],
                    true => str![[r#"
HOME=[HOME]
KEPT=as it is
PATH=/usr/bin:/bin
PROVE_ACCESS_TOKEN=[TOKEN]
PROVE_EMULATOR=http://127.0.0.1:[PORT]
sh -c tr '/0' '/n' < /proc/$$/environ | sort; tr '/0' ' ' < /proc/$$/cmdline 
"#]],
                },
                str![],
            );
    }
}

/// Without it nobody knows which variables hold secrets.
#[test]
fn a_file_that_is_not_understood_is_no_reason_to_pass_secrets_on() {
    run(&["exec", "--environment", "emulator", "--", "env"])
        .config("[profiles")
        .env("MY_SECRET", SECRET)
        .outcome()
        .transcript(
            125,
            str![],
            str![[r#"
error: [HOME]/.config/prove-token/config.toml:1:10: not TOML: unclosed table, expected `]`
hint: strings need quotes, and each key stands on a line of its own

"#]],
        );
}

#[test]
fn the_end_of_the_program_is_the_end() {
    let emulator = emulator().start().unwrap();
    let end = |script: &str| exec(&emulator, &[], &["sh", "-c", script]).outcome();
    for code in [0, 1, 2, 10, 125, 255] {
        assert_eq!(end(&format!("exit {code}")).code, Some(code));
    }
    for signal in [9, 13, 15] {
        assert_eq!(end(&format!("kill -{signal} $$")).signal, Some(signal));
    }
}

#[test]
fn a_program_that_cannot_be_run() {
    let emulator = emulator().start().unwrap();
    exec(&emulator, &[], &["no-such-program", "--client-secret=x"])
        .outcome()
        .transcript(
            127,
            str![],
            str![[r#"
error: no-such-program was not found
hint: name a program on PATH or by its path; no shell is involved

"#]],
        );
    exec(&emulator, &[], &["./script"])
        .file("script", "#!/no/such/interpreter\n")
        .below(&["sh", "-c", "chmod +x script; exec \"$0\" \"$@\""])
        .outcome()
        .transcript(
            127,
            str![],
            str![[r#"
error: ./script cannot be run: the program that is to run it was not found
hint: its first line, after #!, names an interpreter that is not there

"#]],
        );
    exec(&emulator, &[], &["./script"])
        .file("script", "#!/bin/sh\n")
        .outcome()
        .transcript(
            126,
            str![],
            str![[r#"
error: ./script cannot be run: permission denied
hint: see whether it may be executed, and for this machine: ls -l shows the former

"#]],
        );
}

#[test]
fn every_failure_of_our_own_is_125() {
    let emulator = emulator().start().unwrap();
    exec(&emulator, &[], &["true"])
        .stdin("canary-wrong")
        .outcome()
        .transcript(125, str![], str![[r#"
error: http://127.0.0.1:[PORT]/token rejected the client credentials (status 401, code 8002: not authorized)
hint: check the client id and secret for stray characters, and that they belong to this server

"#]]);
    emulator.inject(Fault::status(503).times(0));
    exec(&emulator, &["--timeout", "20s"], &["true"])
        .outcome()
        .transcript(
            125,
            str![],
            str![[r#"
error: http://127.0.0.1:[PORT]/token is not available (status 503: Service Unavailable)

"#]],
        );
    for (args, words) in [
        (&["exec"][..], "<CMD>... is missing"),
        (&["exec", "true"], "argument 2 is not expected here"),
        (&["exec", "--sink", "x", "--", "true"], "no option --sink"),
        (
            &["-p", "x", "exec", "-p", "y", "--", "true"],
            "no profile \"y\"",
        ),
        (
            &["exec", "--env", "PATH", "--", "true"],
            "means something else",
        ),
        (
            &["exec", "--client-secret", "x", "--", "true"],
            "never goes on the command line",
        ),
    ] {
        let said = run(args).outcome().failure(125);
        assert!(said.contains(words), "{args:?}: {said}");
    }
    // Of another command, 2 as ever.
    run(&["token", "exec", "--bad"]).outcome().failure(2);
}

#[test]
fn a_short_life_is_mentioned() {
    let short = emulator().lifetime(std::time::Duration::from_secs(90));
    let emulator = short.start().unwrap();
    exec(&emulator, &[], &["true"]).outcome().transcript(
        0,
        str![],
        str![[r#"
the token lives 1m [..] only, and the program gets no other: prove-token watch keeps a file fresh

"#]],
    );
    exec(&emulator, &["-q"], &["true"])
        .outcome()
        .transcript(0, str![], str![]);
}

/// What the program finds is what it would have found without us: files, limits,
/// signals, folder, group.
#[test]
fn nothing_of_ours_is_left_in_the_process() {
    const LOOK: &str = "grep -E '^Sig(Blk|Ign|Cgt)|^Seccomp|^NoNewPrivs|^Umask' /proc/self/status; \
                        ulimit -a; ulimit -H -a; ls /proc/$$/fd; pwd; ps -o tty= -p $$";
    let emulator = emulator().start().unwrap();
    let direct = std::process::Command::new("sh")
        .args(["-c", LOOK])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .current_dir("/")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let expected = String::from_utf8(direct.stdout).unwrap();
    let below = ["sh", "-c", "cd /; exec \"$0\" \"$@\""];
    let look = |options: &[&str]| {
        let run = exec(&emulator, options, &["sh", "-c", LOOK]).below(&below);
        run.outcome().success()
    };
    assert_eq!(look(&[]), expected);
    assert_eq!(emulator.token_requests(), 1, "it was not asked for");
    // Nor where our process stays, and is hardened.
    let api = ["--broker", "--api-base", emulator.url()];
    assert_eq!(look(&api), expected);
}

#[test]
fn what_is_ignored_stays_ignored() {
    let emulator = emulator().start().unwrap();
    let script = "kill -HUP $$; echo alive";
    let nohup = ["sh", "-c", "trap '' HUP; exec \"$0\" \"$@\""];
    let outcome = exec(&emulator, &[], &["sh", "-c", script])
        .below(&nohup)
        .outcome();
    assert_eq!(outcome.success(), "alive\n");
}

#[test]
fn the_process_is_the_program_and_gets_its_signals() {
    let emulator = emulator().start().unwrap();
    let mut running = exec(&emulator, &[], &["sh", "-c", WAIT]).start();
    let id = running.stdout_line();
    assert_eq!(id, running.id().as_raw_nonzero().to_string());
    running.signal(Signal::TERM);
    running.outcome().transcript(
        9,
        str![[r#"
TERM

"#]],
        str![],
    );
}

/// Tells its number, and ends with 9 when it is told to.
const WAIT: &str = "mkfifo wait; exec 3<>wait; trap 'echo TERM; exit 9' TERM; \
                    trap 'echo HUP' HUP; trap 'echo INT' INT; echo $$; \
                    while :; do read nothing <&3; done";

/// A signal before there is a token ends us, and the program is not started.
#[test]
fn a_signal_before_the_program_ends_the_command() {
    let emulator = emulator().fault(Fault::silence()).start().unwrap();
    let running = exec(&emulator, &[], &["echo", "started"]).start();
    assert!(emulator.wait_for_requests(1, std::time::Duration::from_secs(20)));
    running.signal(Signal::TERM);
    running.outcome().transcript(
        143,
        str![],
        str![[r#"
error: interrupted

"#]],
    );
}
