//! Licences, bans, sources and advisories of the dependencies, by cargo-deny.
//!
//! Nothing is fetched but crates that the lock file names: advisories are checked
//! only when a database is already on the disk, and otherwise named as skipped.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::Outcome;
use crate::environment;
use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;

const INSTALL: &str =
    "cargo-deny is not on PATH; `.ci/run` shows how to install it without building it";

pub(super) fn run(workspace: &Workspace) -> Result<Outcome, Failure> {
    let Some(program) = program(workspace) else {
        // Where everything must be there, a check that did not run is a failure.
        return if environment::is_ci() {
            Err(Failure::failed(INSTALL))
        } else {
            Ok(Outcome::Skipped(INSTALL.to_owned()))
        };
    };
    // cargo-deny reads the manifests of the crates of every platform.
    process::run(Command::new("cargo").args(["fetch", "--locked"]))?;
    let mut command = Command::new(program);
    command.args(["--offline", "--config", ".config/deny.toml", "check"]);
    command
        .args(["bans", "licenses", "sources"])
        .current_dir(&workspace.root);
    let database = has_database();
    if database {
        command.arg("advisories");
    }
    process::run(&mut command)?;
    Ok(if database {
        Outcome::Passed
    } else {
        Outcome::Skipped(
            "advisories only, there is no database on this disk; the rest is ok".to_owned(),
        )
    })
}

/// cargo-deny on `PATH`, or where `.ci/run` installs it.
fn program(workspace: &Workspace) -> Option<PathBuf> {
    process::find("cargo-deny").or_else(|| {
        let tools = workspace.target.join("ci/venv/bin");
        Some(process::executable(&tools, "cargo-deny")).filter(|path| path.is_file())
    })
}

fn has_database() -> bool {
    environment::cargo_home()
        .and_then(|home| fs::read_dir(home.join("advisory-dbs")).ok())
        .is_some_and(|entries| entries.flatten().any(|entry| entry.path().is_dir()))
}
