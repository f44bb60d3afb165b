//! `cargo xtask test`: every test of the workspace, closed by one line of counts.

mod desktop;
mod feature;
mod invocation;
mod listing;
mod peer;
mod python;
mod summary;
mod tool;
mod traces;

use std::process::ExitStatus;

use crate::environment;
use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;
use invocation::Invocation;
use peer::Missing;
use summary::Summary;

/// Runs the tests; arguments before `--` go to Cargo, those after it to the tests.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let workspace = Workspace::load()?;
    let invocation = Invocation::parse(arguments)?;
    let folder = workspace.target.join("interop");
    let mut missing = peer::prepare_all(&workspace.root.join("tests/interop"), &folder)?;
    missing.extend(tool::missing());

    let mut command = invocation.command(missing.iter().map(|missing| missing.prefix));
    command.env("PROVE_TOKEN_INTEROP_DIR", &folder);
    let mut summary = Summary::default();
    let status = process::stream(&mut command, |line| summary.add_line(line))?;
    if invocation.is_everything() {
        desktop::run(&mut summary)?;
        traces::run(&mut summary)?;
    }
    python::run(&workspace, &invocation, &mut summary)?;

    for missing in &missing {
        let tests = listing::tests_below(missing, &workspace, &invocation);
        count_missing(&mut summary, missing, tests);
    }
    let verdict = close(&mut summary, status);
    process::print(&summary)?;
    verdict
}

/// Names the tests that did not run because their peer or tool is missing, and counts them:
/// as skipped on a developer's machine, as failed where everything must be there.
fn count_missing(summary: &mut Summary, missing: &Missing, tests: Result<Vec<String>, Failure>) {
    let ci = environment::is_ci();
    let word = if ci { "failed" } else { "skipped" };
    process::say(format_args!("{word}: no {}: {}", missing.name, missing.why));
    let tests = tests.unwrap_or_else(|failure| {
        process::say(format_args!("cannot name its tests: {failure}"));
        Vec::new()
    });
    for test in &tests {
        process::say(format_args!("{word}: {test}"));
    }
    if ci {
        // What is missing fails the run even before there is a test for it.
        summary.failed += tests.len().max(1);
    } else {
        summary.skipped += tests.len();
    }
}

/// Decides from the counts and Cargo's exit whether the run was good.
fn close(summary: &mut Summary, status: ExitStatus) -> Result<(), Failure> {
    if !status.success() && summary.failed == 0 {
        // A build error, or a test binary that died before its closing line.
        summary.failed = 1;
        return Err(Failure::failed(format!(
            "a build or a test binary ended with {status} and no result"
        )));
    }
    if summary.failed > 0 {
        return Err(Failure::failed("the tests failed"));
    }
    if summary.passed == 0 {
        let why = match summary.skipped {
            0 => "no test ran; check the name you asked for",
            _ => "no test ran; all that were asked for are skipped",
        };
        return Err(Failure::failed(why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn ended(success: bool) -> ExitStatus {
        let flag = if success {
            "--version"
        } else {
            "--no-such-flag"
        };
        Command::new("cargo").arg(flag).output().unwrap().status
    }

    #[test]
    fn a_run_is_good_only_if_something_passed_and_nothing_failed() {
        let counts = |passed, failed| Summary {
            passed,
            failed,
            skipped: 0,
        };
        assert!(close(&mut counts(3, 0), ended(true)).is_ok());
        assert!(close(&mut counts(3, 1), ended(true)).is_err());
        assert!(close(&mut counts(0, 0), ended(true)).is_err());
    }

    #[test]
    fn a_binary_that_died_counts_as_a_failure() {
        let mut summary = Summary {
            passed: 3,
            failed: 0,
            skipped: 0,
        };
        assert!(close(&mut summary, ended(false)).is_err());
        assert_eq!(summary.to_string(), "3 passed, 1 failed, 0 skipped");
    }
}
