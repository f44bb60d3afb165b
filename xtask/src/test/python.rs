//! The tests of the Python package: a wheel that is built as pip builds it, in a virtual
//! environment below the target folder.
//!
//! pytest's plugin beside the tests closes its run with the line that Rust's test binaries
//! print, so both are counted alike.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::invocation::Invocation;
use super::peer::{self, PYTHON};
use super::summary::Summary;
use crate::environment;
use crate::failure::Failure;
use crate::process;
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
    if let Err(why) = prepare(&source, &folder) {
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

/// The environment with all that building and testing take, made once for a version of
/// the list and of Python.
fn prepare(source: &Path, folder: &Path) -> Result<(), Failure> {
    const ASK: &str = "import ensurepip, sys, venv; print(sys.version); assert sys.version_info >= (3, 10), 'Python 3.10 or later is needed'";
    let version = process::capture(Command::new(PYTHON).args(["-c", ASK]))?;
    fs::create_dir_all(folder).map_err(|error| peer::disk("create", folder, &error))?;
    let list = source.join("tests/requirements.txt");
    let stamp = folder.join("installed");
    let wanted = version + &peer::read(&list)?;
    let current = fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted);
    if current && peer::venv_python(folder).is_file() {
        return Ok(());
    }
    let copy = folder.join("requirements.txt");
    fs::copy(&list, &copy).map_err(|error| peer::disk("copy", &list, &error))?;
    peer::pip_install(folder)?;
    fs::write(&stamp, wanted).map_err(|error| peer::disk("write", &stamp, &error))
}

fn build_and_test(
    source: &Path,
    folder: &Path,
    invocation: &Invocation,
    own: &mut Summary,
) -> Result<(), Failure> {
    let wheels = folder.join("wheels");
    if wheels.exists() {
        fs::remove_dir_all(&wheels).map_err(|error| peer::disk("empty", &wheels, &error))?;
    }
    process::run(&mut build(source, folder, &wheels)?)?;
    let wheel = only_wheel(&wheels)?;
    process::run(pip(folder, &["install", "--force-reinstall", "--no-deps"]).arg(&wheel))?;
    let mut tests = Command::new(peer::venv_python(folder));
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

/// As users build it, but for the profile: a release takes minutes.
fn build(source: &Path, folder: &Path, wheels: &Path) -> Result<Command, Failure> {
    let mut pip = pip(folder, &["wheel", "--no-deps", "--no-build-isolation"]);
    pip.arg("--wheel-dir").arg(wheels).arg(source);
    pip.env("MATURIN_PEP517_ARGS", "--profile dev");
    // Without an environment of its own, pip looks for maturin where a shell would.
    let mut path = environment::path();
    path.extend(peer::venv_python(folder).parent().map(Path::to_owned));
    path.rotate_right(1);
    let path = std::env::join_paths(path)
        .map_err(|error| Failure::failed(format!("cannot extend PATH: {error}")))?;
    pip.env("PATH", path);
    Ok(pip)
}

fn pip(folder: &Path, arguments: &[&str]) -> Command {
    let mut pip = Command::new(peer::venv_python(folder));
    pip.args([
        "-m",
        "pip",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ]);
    pip.args(arguments);
    pip
}

fn only_wheel(folder: &Path) -> Result<PathBuf, Failure> {
    let entries = fs::read_dir(folder).map_err(|error| peer::disk("read", folder, &error))?;
    let mut wheels = entries.filter_map(|entry| Some(entry.ok()?.path()));
    match (wheels.next(), wheels.next()) {
        (Some(wheel), None) => Ok(wheel),
        _ => Err(Failure::failed("pip did not build one wheel")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::line;

    #[test]
    fn the_package_is_where_the_commands_look() {
        let workspace = Workspace::load().unwrap();
        let package = workspace.package(PACKAGE).unwrap();
        let source = workspace.root.join("bindings/python");
        assert_eq!(package.manifest.parent(), Some(&*source));
        assert!(source.join("tests/requirements.txt").is_file());
        let build = line(&build(&source, Path::new("f"), Path::new("w")).unwrap());
        assert!(build.contains("wheel"), "{build}");
    }
}
