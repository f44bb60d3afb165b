//! The tests of a feature that is off by default: in a build of their own, so that the
//! others run in what most people build.

use std::process::Command;

use super::summary::Summary;
use crate::failure::Failure;
use crate::process::{self, line};

/// `cargo test` of a package with one of its features.
pub(super) fn command(package: &str, feature: &str) -> Command {
    let mut command = Command::new("cargo");
    command.args(["test", "--package", package, "--features", feature]);
    command
}

/// Runs such a command, and adds what came of it.
pub(super) fn run(command: &mut Command, summary: &mut Summary) -> Result<(), Failure> {
    let mut own = Summary::default();
    let status = process::stream(command, |line| own.add_line(line))?;
    if !status.success() && own.failed == 0 {
        process::say(format_args!("{} ended with {status}", line(command)));
        own.failed = 1;
    }
    summary.passed += own.passed;
    summary.failed += own.failed;
    summary.skipped += own.skipped;
    Ok(())
}
