//! The tests of the Python package: a wheel that is built as pip builds it, in a virtual
//! environment below the target folder.
//!
//! pytest's plugin beside the tests closes its run with the line that Rust's test binaries
//! print, so both are counted alike.

use std::path::Path;
use std::process::Command;

use super::invocation::Invocation;
use super::summary::Summary;
use crate::environment;
use crate::failure::Failure;
use crate::process;
use crate::python;
use crate::workspace::Workspace;

/// The package, by whose name the tests can be asked for alone.
const PACKAGE: &str = "prove-token-python";

/// Builds and tests the package, if it was asked for, and adds what came of it. Where
/// Python or the packages of the tests are missing, the tests are skipped by name, and a
/// failure where everything must be there.
pub(super) fn run(
    workspace: &Workspace,
    invocation: &Invocation,
    summary: &mut Summary,
) -> Result<(), Failure> {
    if !invocation.is_everything() && !invocation.names(PACKAGE) {
        return Ok(());
    }
    let source = workspace.root.join("bindings/python");
    let folder = workspace.target.join("python");
    if let Err(why) = python::prepare(&source.join("tests/requirements.txt"), &folder) {
        let (word, count) = match environment::is_ci() {
            true => ("failed", &mut summary.failed),
            false => ("skipped", &mut summary.skipped),
        };
        process::say(format_args!("{word}: no Python for the package: {why}"));
        process::say(format_args!("{word}: the tests in bindings/python/tests"));
        *count += 1;
        return Ok(());
    }
    let mut own = Summary::default();
    if let Err(failure) = build_and_test(&source, &folder, invocation, &mut own) {
        process::say(format_args!("the Python package: {failure}"));
        // A build that failed, or a run that ended before its closing line.
        own.failed = own.failed.max(1);
    }
    summary.passed += own.passed;
    summary.failed += own.failed;
    summary.skipped += own.skipped;
    Ok(())
}

fn build_and_test(
    source: &Path,
    folder: &Path,
    invocation: &Invocation,
    own: &mut Summary,
) -> Result<(), Failure> {
    // A release takes minutes.
    let wheel = python::install_package(source, folder, "dev")?;
    let mut tests = Command::new(python::interpreter(folder));
    // From the folder of the tests: in that of the package, its source would be imported.
    tests.current_dir(source.join("tests"));
    tests.args(["-m", "pytest"]).args(&invocation.tests);
    tests.env("PROVE_TOKEN_WHEEL", &wheel);
    let status = process::stream(&mut tests, |line| own.add_line(line))?;
    match status.success() || own.failed > 0 {
        true => Ok(()),
        false => Err(Failure::failed(format!("pytest ended with {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_where_the_commands_look() {
        let workspace = Workspace::load().unwrap();
        let package = workspace.package(PACKAGE).unwrap();
        let source = workspace.root.join("bindings/python");
        assert_eq!(package.manifest.parent(), Some(&*source));
        assert!(source.join("tests/requirements.txt").is_file());
    }
}
