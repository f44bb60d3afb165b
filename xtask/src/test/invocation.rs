//! The `cargo test` command that a command line asks for.

use std::process::Command;

use crate::failure::Failure;

/// Arguments for Cargo and for the test binaries.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    cargo: Vec<String>,
    pub(crate) tests: Vec<String>,
}

impl Invocation {
    /// Splits a command line at the first `--`.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let (cargo, tests) = match arguments.iter().position(|word| word == "--") {
            Some(at) => (&arguments[..at], &arguments[at + 1..]),
            None => (arguments, &[][..]),
        };
        if let Some(word) = cargo
            .iter()
            .find(|word| ["--no-run", "-h", "--help"].contains(&word.as_str()))
        {
            return Err(Failure::Usage(format!(
                "`{word}` runs no test; ask `cargo test {word}` itself"
            )));
        }
        Ok(Self {
            cargo: cargo.to_vec(),
            tests: tests.to_vec(),
        })
    }

    /// Whether nothing was chosen, of packages or of tests.
    pub(crate) fn is_everything(&self) -> bool {
        self.cargo.is_empty() && self.tests.is_empty()
    }

    /// Whether a package was chosen by its name.
    pub(crate) fn names(&self, package: &str) -> bool {
        let short = format!("-p{package}");
        let long = format!("--package={package}");
        let is_flag = |word: &String| word == "-p" || word == "--package";
        let is_one_word = |word: &String| *word == short || *word == long;
        self.cargo.iter().any(is_one_word)
            || self
                .cargo
                .windows(2)
                .any(|pair| is_flag(&pair[0]) && pair[1] == package)
    }

    /// `cargo test` over everything asked for, without the tests below the prefixes.
    ///
    /// One run covers all packages: a run of its own for the package of the skipped
    /// tests would unify features anew and build the dependencies twice.
    pub(crate) fn command<'a>(&self, skip: impl Iterator<Item = &'a str>) -> Command {
        let mut command = self.selection();
        command.arg("--no-fail-fast").arg("--").args(&self.tests);
        for prefix in skip {
            command.args(["--skip", prefix]);
        }
        command
    }

    /// The same selection, built without being run, with its binaries told as JSON.
    pub(crate) fn build(&self) -> Command {
        let mut command = self.selection();
        command.args(["--no-run", "--message-format=json-render-diagnostics"]);
        command
    }

    fn selection(&self) -> Command {
        let mut command = Command::new("cargo");
        command.arg("test");
        if !self.cargo.iter().any(|word| selects_packages(word)) {
            command.arg("--workspace");
        }
        command.args(&self.cargo);
        command
    }
}

fn selects_packages(word: &str) -> bool {
    let long = word.split('=').next().unwrap_or(word);
    ["--package", "--workspace", "--all", "--manifest-path"].contains(&long)
        || (word.starts_with("-p") && !word.starts_with("--"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::line;

    fn parse(words: &[&str]) -> Result<Invocation, Failure> {
        Invocation::parse(
            &words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    fn typed(words: &[&str], skip: &[&str]) -> String {
        line(&parse(words).unwrap().command(skip.iter().copied()))
    }

    #[test]
    fn everything_is_the_default() {
        assert!(parse(&[]).unwrap().is_everything());
        assert!(!parse(&["--", "slot"]).unwrap().is_everything());
        assert!(!parse(&["-pxtask"]).unwrap().is_everything());
        assert_eq!(typed(&[], &[]), "cargo test --workspace --no-fail-fast --");
    }

    #[test]
    fn a_package_is_named_in_every_spelling() {
        let names = |words: &[&str]| parse(words).unwrap().names("a");
        for words in [
            &["-p", "a"][..],
            &["--package", "a"],
            &["-pa"],
            &["--package=a"],
        ] {
            assert!(names(words), "{words:?}");
        }
        for words in [&[][..], &["-p", "b"], &["-pab"], &["--", "-p", "a"]] {
            assert!(!names(words), "{words:?}");
        }
    }

    #[test]
    fn the_double_dash_divides() {
        assert_eq!(
            typed(
                &["-p", "prove-token", "--", "slot", "--nocapture"],
                &["interop::authlib::"]
            ),
            "cargo test -p prove-token --no-fail-fast -- slot --nocapture --skip interop::authlib::"
        );
        assert_eq!(
            typed(&["--", "slot"], &[]),
            "cargo test --workspace --no-fail-fast -- slot"
        );
    }

    #[test]
    fn a_named_package_replaces_the_workspace() {
        for word in ["-pxtask", "--package=xtask", "--workspace"] {
            assert_eq!(
                typed(&[word], &[]),
                format!("cargo test {word} --no-fail-fast --")
            );
        }
        assert!(typed(&["--profile", "ci"], &[]).contains("--workspace --profile"));
    }

    #[test]
    fn a_flag_that_runs_nothing_is_refused() {
        assert_eq!(parse(&["--no-run"]).unwrap_err().exit_code(), 2);
        assert!(parse(&["--", "--no-run"]).is_ok());
    }
}
