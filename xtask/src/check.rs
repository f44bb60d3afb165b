//! `cargo xtask check`: what must hold beside the tests.

mod deny;
mod direction;
mod features;
mod function;
mod map;
mod publish;
mod rust_version;
mod size;
mod source;
mod surface;
mod toolchain;
mod unsafety;

use crate::failure::Failure;
use crate::process;
use crate::suggestion;
use crate::workspace::Workspace;

/// How a check that found nothing wrong ended.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    /// Something was left out, by name and with the reason.
    Skipped(String),
}

struct Check {
    name: &'static str,
    about: &'static str,
    run: fn(&Workspace) -> Result<Outcome, Failure>,
}

// The quick ones first: a person waits for the first complaint.
const CHECKS: [Check; 12] = [
    Check {
        name: "fmt",
        about: "rustfmt changes nothing",
        run: toolchain::fmt,
    },
    Check {
        name: "direction",
        about: "crates depend only on those they may know",
        run: direction::run,
    },
    Check {
        name: "size",
        about: "files and functions stay small",
        run: size::run,
    },
    Check {
        name: "unsafe",
        about: "the core forbids unsafe code",
        run: unsafety::run,
    },
    Check {
        name: "map",
        about: "crates/README.md names every crate",
        run: map::run,
    },
    Check {
        name: "publish",
        about: "the crates say what their registry shows",
        run: publish::run,
    },
    Check {
        name: "rust-version",
        about: "no dependency needs a newer compiler than we say",
        run: rust_version::run,
    },
    Check {
        name: "deny",
        about: "licences, bans and sources of dependencies",
        run: deny::run,
    },
    Check {
        name: "clippy",
        about: "no lint fires",
        run: toolchain::clippy,
    },
    Check {
        name: "features",
        about: "packages build with each of their features",
        run: features::run,
    },
    Check {
        name: "doc",
        about: "the documentation builds without a warning",
        run: toolchain::doc,
    },
    Check {
        name: "surface",
        about: "the core shows no foreign types but http's and bytes'",
        run: surface::run,
    },
];

// It builds everything once more: minutes, and nothing of it depends on most changes. CI
// runs it beside the others.
const BY_NAME: [Check; 1] = [Check {
    name: "packages",
    about: "the crates build from their packages alone; only if it is named",
    run: publish::rehearse,
}];

/// Runs the named checks, or all of the list; goes on after a failure and then tells them all.
pub(crate) fn run(names: &[String]) -> Result<(), Failure> {
    let chosen = choose(names)?;
    let workspace = Workspace::load()?;
    let mut report = Vec::new();
    let mut failed = Vec::new();
    for check in chosen {
        process::say(format_args!("check {}: {}", check.name, check.about));
        report.push(match (check.run)(&workspace) {
            Ok(Outcome::Passed) => format!("ok       {}", check.name),
            Ok(Outcome::Skipped(why)) => format!("skipped  {}: {why}", check.name),
            Err(failure) => {
                failed.push(check.name);
                format!("FAILED   {}: {failure}", check.name)
            }
        });
    }
    process::print(report.join("\n"))?;
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "failed checks: {}",
        failed.join(", ")
    )))
}

/// The names of all checks with their meaning, one a line.
pub(crate) fn listing() -> String {
    let lines = every().map(|check| format!("  {:<12} {}", check.name, check.about));
    lines.collect::<Vec<_>>().join("\n")
}

fn choose(names: &[String]) -> Result<Vec<&'static Check>, Failure> {
    if names.is_empty() {
        return Ok(CHECKS.iter().collect());
    }
    names.iter().map(|name| find(name)).collect()
}

fn find(name: &str) -> Result<&'static Check, Failure> {
    every().find(|check| check.name == name).ok_or_else(|| {
        let known: Vec<_> = every().map(|check| check.name).collect();
        suggestion::unknown("check", name, &known)
    })
}

fn every() -> impl Iterator<Item = &'static Check> {
    CHECKS.iter().chain(&BY_NAME)
}

/// No problem is a pass; otherwise all of them are told, one a line.
fn verdict(problems: &[String]) -> Result<Outcome, Failure> {
    if problems.is_empty() {
        return Ok(Outcome::Passed);
    }
    let lines: String = problems
        .iter()
        .map(|problem| format!("\n  {problem}"))
        .collect();
    Err(Failure::failed(lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_chosen_by_name() {
        let chosen = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            choose(&names).map(|checks| checks.iter().map(|check| check.name).collect::<Vec<_>>())
        };
        assert_eq!(chosen(&["size", "fmt"]).unwrap(), ["size", "fmt"]);
        assert_eq!(chosen(&["packages"]).unwrap(), ["packages"]);
        assert_eq!(chosen(&[]).unwrap().len(), CHECKS.len());
        let failure = chosen(&["fmt", "sise"]).unwrap_err();
        assert_eq!(failure.exit_code(), 2);
        assert!(failure.to_string().contains("`size`"), "{failure}");
    }

    #[test]
    fn one_problem_is_a_failure() {
        assert_eq!(verdict(&[]), Ok(Outcome::Passed));
        assert!(
            verdict(&["too long".to_owned()])
                .unwrap_err()
                .to_string()
                .contains("too long")
        );
    }
}
