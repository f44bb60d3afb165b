//! `cargo xtask fuzz`: what must hold for any input, looked for by libFuzzer.
//!
//! What it finds interesting stays below the target folder, so the next run goes on
//! from there; an input that breaks a promise is below `crates/core/fuzz/artifacts`.

mod seed;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;

const TARGETS: [&str; 2] = ["wire", "seal"];

/// How long each target runs.
const SECONDS: u32 = 60;

/// The version that is installed when there is none.
const CARGO_FUZZ: &str = "cargo-fuzz@0.13.1";

/// What libFuzzer can be built with.
const COMPILERS: [&str; 3] = ["c++", "g++", "clang++"];

/// No input is larger: the parts of an answer that matter fit, and small ones are fast.
const LARGEST_INPUT: usize = 16 * 1024;

/// Runs every target; the one argument is for how many seconds.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let seconds = seconds(arguments)?;
    let workspace = Workspace::load()?;
    if !COMPILERS.iter().any(|name| process::find(name).is_some()) {
        return Err(Failure::failed(
            "there is no C++ compiler, and libFuzzer is written in C++; install g++",
        ));
    }
    let program = cargo_fuzz(&workspace)?;
    let folder = workspace.target.join("fuzz");
    let seeds = folder.join("seeds");
    seed::write_all(&workspace.root.join("tests/fixtures/wire"), &seeds)?;
    for target in TARGETS {
        let corpus = folder.join("corpus").join(target);
        seed::make_folder(&corpus)?;
        // What it finds goes into the first folder, and the second is only read.
        let mut command = command(&program, &workspace);
        command
            .args([target.as_ref(), corpus.as_os_str(), seeds.as_os_str()])
            .arg("--")
            .args(options(seconds));
        process::run(&mut command)?;
    }
    Ok(())
}

fn seconds(arguments: &[String]) -> Result<u32, Failure> {
    let wrong =
        |what: &str| Failure::Usage(format!("{what}; say for how many seconds each target runs"));
    match arguments {
        [] => Ok(SECONDS),
        // libFuzzer takes 0 for no limit.
        [word] => match word.parse() {
            Ok(seconds @ 1..) => Ok(seconds),
            _ => Err(wrong(&format!("`{word}` is no number of seconds"))),
        },
        _ => Err(wrong("too many arguments")),
    }
}

/// cargo-fuzz on `PATH`, or below the target folder, where it is installed.
fn cargo_fuzz(workspace: &Workspace) -> Result<PathBuf, Failure> {
    if let Some(program) = process::find("cargo-fuzz") {
        return Ok(program);
    }
    let tools = workspace.target.join("tools");
    let ours = process::executable(&tools.join("bin"), "cargo-fuzz");
    if !ours.is_file() {
        let mut install = Command::new("cargo");
        install.args(["install", "--locked", "--quiet", CARGO_FUZZ, "--root"]);
        process::run(install.arg(&tools))?;
    }
    Ok(ours)
}

/// The core has no unsafe code, so no sanitizer is asked for: what is looked for are
/// panics, and promises that do not hold.
fn command(program: &Path, workspace: &Workspace) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(&workspace.root)
        // The flags that count branches are not stable, though this compiler has them.
        .env("RUSTC_BOOTSTRAP", "1")
        .args([
            "run",
            "--sanitizer",
            "none",
            "--fuzz-dir",
            "crates/core/fuzz",
        ])
        .arg("--target-dir")
        .arg(workspace.target.join("fuzz/build"));
    command
}

fn options(seconds: u32) -> [String; 3] {
    [
        format!("-max_total_time={seconds}"),
        format!("-max_len={LARGEST_INPUT}"),
        "-verbosity=0".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_the_default_and_no_limit_is_none() {
        let parsed = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
            seconds(&words)
        };
        assert_eq!(parsed(&[]), Ok(60));
        assert_eq!(parsed(&["5"]), Ok(5));
        for wrong in [&["0"][..], &["-1"], &["wire"], &["5", "6"]] {
            assert_eq!(parsed(wrong).unwrap_err().exit_code(), 2, "{wrong:?}");
        }
    }

    #[test]
    fn every_target_is_run() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/core/fuzz/fuzz_targets");
        let entries = std::fs::read_dir(folder).unwrap();
        let stem = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut found: Vec<_> = entries.map(|entry| stem(entry.unwrap().path())).collect();
        found.sort();
        let mut known = TARGETS.map(str::to_owned);
        known.sort();
        assert_eq!(found, known);
    }
}
