//! The Python package: the wheel of this platform, and the source distribution.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use super::Job;
use crate::disk;
use crate::failure::Failure;
use crate::process;
use crate::python;

const MANIFEST: &str = "bindings/python/Cargo.toml";

/// The list that the tests install, and in it the version of maturin.
const LIST: &str = "bindings/python/tests/requirements.txt";

/// What pip calls the builder.
const BUILDER: &str = "maturin";

/// Gets maturin into an environment of its own below the target folder.
pub(super) fn prepare(job: &Job<'_>) -> Result<(), Failure> {
    let tools = job.workspace.target.join("tools");
    fs::create_dir_all(&tools).map_err(|error| disk::failure("create", &tools, &error))?;
    let pin = pin(&disk::read(&job.workspace.root.join(LIST))?)?;
    let list = tools.join("maturin.txt");
    fs::write(&list, pin).map_err(|error| disk::failure("write", &list, &error))?;
    python::prepare(&list, &tools.join(BUILDER)).map_err(|why| {
        Failure::failed(format!(
            "{why}; it takes Python 3.10 or later with venv, and maturin from PyPI"
        ))
    })
}

/// Builds both beside the folder, so that only what is whole comes into it.
pub(super) fn build(job: &Job<'_>) -> Result<(), Failure> {
    let target = &job.workspace.target;
    let place = tempfile::tempdir_in(target)
        .map_err(|error| disk::failure("make a folder in", target, &error))?;
    // The features of wheels.yml.
    let wheel = [
        "build",
        "--release",
        "--locked",
        "--features",
        "secret-service",
    ];
    process::run(&mut maturin(job, &wheel, place.path()))?;
    process::run(&mut maturin(job, &["sdist"], place.path()))?;
    let unreadable = |error| disk::failure("read", place.path(), &error);
    for entry in fs::read_dir(place.path()).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let mut built = fs::File::open(entry.path()).map_err(unreadable)?;
        job.folder
            .add(&name, |out| io::copy(&mut built, out).map(drop))?;
    }
    Ok(())
}

fn maturin(job: &Job<'_>, arguments: &[&str], out: &Path) -> Command {
    let tools = job.workspace.target.join("tools").join(BUILDER);
    let mut maturin = Command::new(python::interpreter(&tools));
    maturin.args(["-m", BUILDER]).args(arguments);
    maturin
        .arg("--manifest-path")
        .arg(job.workspace.root.join(MANIFEST));
    maturin.arg("--out").arg(out);
    job.dated(&mut maturin);
    maturin
}

/// The line of the list that says which maturin.
fn pin(list: &str) -> Result<String, Failure> {
    list.lines()
        .find(|line| line.starts_with("maturin=="))
        .map(|line| format!("{line}\n"))
        .ok_or_else(|| Failure::failed(format!("{LIST} names no version of maturin")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builder_is_that_of_the_tests() {
        let list = "# What builds.\nmaturin-import-hook==1\nmaturin==1.2\nmypy==2\n";
        assert_eq!(pin(list), Ok("maturin==1.2\n".to_owned()));
        assert!(pin("mypy==2").is_err());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        assert!(pin(&disk::read(&root.join(LIST)).unwrap()).is_ok());
        assert!(root.join(MANIFEST).is_file());
    }
}
