//! Virtual environments of Python below the target folder, and the wheel that is built in
//! one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::disk;
use crate::environment;
use crate::failure::Failure;
use crate::process;

/// What the interpreter of this machine is called.
pub(crate) const NAME: &str = if cfg!(windows) { "python" } else { "python3" };

/// The interpreter of the environment in a folder.
pub(crate) fn interpreter(folder: &Path) -> PathBuf {
    let scripts = if cfg!(windows) {
        "venv/Scripts"
    } else {
        "venv/bin"
    };
    process::executable(&folder.join(scripts), "python")
}

/// Makes an environment in a folder, with what the list `requirements.txt` in there says.
pub(crate) fn install(folder: &Path) -> Result<(), Failure> {
    let mut venv = Command::new(NAME);
    venv.args(["-m", "venv", "--clear"]);
    process::run(venv.arg(folder.join("venv")))?;
    let list = folder.join("requirements.txt");
    process::run(pip(folder, &["install", "-r"]).arg(list))
}

/// As [`install`], from a list elsewhere, and once for a version of the list and of Python,
/// which must be one that the package takes.
pub(crate) fn prepare(list: &Path, folder: &Path) -> Result<(), Failure> {
    const ASK: &str = "import ensurepip, sys, venv; print(sys.version); \
                       assert sys.version_info >= (3, 10), 'Python 3.10 or later is needed'";
    let version = process::capture(Command::new(NAME).args(["-c", ASK]))?;
    fs::create_dir_all(folder).map_err(|error| disk::failure("create", folder, &error))?;
    let stamp = folder.join("installed");
    let wanted = version + &disk::read(list)?;
    let current = fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted);
    if current && interpreter(folder).is_file() {
        return Ok(());
    }
    let copy = folder.join("requirements.txt");
    fs::copy(list, &copy).map_err(|error| disk::failure("copy", list, &error))?;
    install(folder)?;
    fs::write(&stamp, wanted).map_err(|error| disk::failure("write", &stamp, &error))
}

/// Builds the wheel of the package at `source`, by Cargo's profile of that name, and
/// installs it in the environment in `folder`.
pub(crate) fn install_package(
    source: &Path,
    folder: &Path,
    profile: &str,
) -> Result<PathBuf, Failure> {
    let wheels = folder.join("wheels");
    if wheels.exists() {
        fs::remove_dir_all(&wheels).map_err(|error| disk::failure("empty", &wheels, &error))?;
    }
    process::run(&mut build(source, folder, &wheels, profile)?)?;
    let wheel = only_wheel(&wheels)?;
    process::run(pip(folder, &["install", "--force-reinstall", "--no-deps"]).arg(&wheel))?;
    Ok(wheel)
}

fn build(source: &Path, folder: &Path, wheels: &Path, profile: &str) -> Result<Command, Failure> {
    let mut pip = pip(folder, &["wheel", "--no-deps", "--no-build-isolation"]);
    pip.arg("--wheel-dir").arg(wheels).arg(source);
    pip.env("MATURIN_PEP517_ARGS", format!("--profile {profile}"));
    // Without an environment of its own, pip looks for maturin where a shell would.
    let mut path = environment::path();
    path.extend(interpreter(folder).parent().map(Path::to_owned));
    path.rotate_right(1);
    let path = std::env::join_paths(path)
        .map_err(|error| Failure::failed(format!("cannot extend PATH: {error}")))?;
    pip.env("PATH", path);
    Ok(pip)
}

fn pip(folder: &Path, arguments: &[&str]) -> Command {
    let mut pip = Command::new(interpreter(folder));
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
    let entries = fs::read_dir(folder).map_err(|error| disk::failure("read", folder, &error))?;
    let mut wheels = entries.filter_map(|entry| Some(entry.ok()?.path()));
    match (wheels.next(), wheels.next()) {
        (Some(wheel), None) => Ok(wheel),
        _ => Err(Failure::failed("pip did not build one wheel")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pip_builds_with_the_maturin_of_the_environment() {
        let folder = Path::new("/f");
        let build = build(Path::new("/s"), folder, Path::new("/w"), "dev").unwrap();
        let path = build
            .get_envs()
            .find(|(name, _)| *name == "PATH")
            .unwrap()
            .1;
        let first = std::env::split_paths(path.unwrap()).next().unwrap();
        assert_eq!(first, interpreter(folder).parent().unwrap());
        assert!(process::line(&build).contains("--no-build-isolation"));
    }
}
