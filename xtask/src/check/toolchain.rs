//! The checks that Rust's own tools make.

use std::process::Command;

use super::Outcome;
use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;

pub(super) fn fmt(_: &Workspace) -> Result<Outcome, Failure> {
    cargo(&["fmt", "--all", "--check"])?;
    // A workspace of its own.
    let fuzz = "crates/core/fuzz/Cargo.toml";
    cargo(&["fmt", "--manifest-path", fuzz, "--check"])
}

pub(super) fn clippy(_: &Workspace) -> Result<Outcome, Failure> {
    cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ])
}

pub(super) fn doc(_: &Workspace) -> Result<Outcome, Failure> {
    let mut command = Command::new("cargo");
    command
        .args(["doc", "--no-deps", "--workspace"])
        .env("RUSTDOCFLAGS", "-D warnings");
    process::run(&mut command).map(|()| Outcome::Passed)
}

fn cargo(arguments: &[&str]) -> Result<Outcome, Failure> {
    process::run(Command::new("cargo").args(arguments)).map(|()| Outcome::Passed)
}
