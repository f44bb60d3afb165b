//! Files and functions stay small enough to be read at once.
//!
//! A file has a budget of 400 lines without its unit tests, a function of 40 between
//! its braces. Test functions, which are often one long table, get a warning above
//! 40; above 75 lines no function passes, whatever its reason.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::function::{self, Function};
use super::{Outcome, source, verdict};
use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 40;
const HARD_STOP: usize = 75;

const FOLDERS: [&str; 4] = ["crates", "bindings", "tests", "xtask"];

/// A function that may be longer than 40 lines, and why.
struct Exception {
    file: &'static str,
    function: &'static str,
    reason: &'static str,
}

const EXCEPTIONS: &[Exception] = &[];

/// What was found in one file or in all.
#[derive(Debug, Default, PartialEq, Eq)]
struct Findings {
    problems: Vec<String>,
    warnings: Vec<String>,
    /// The exceptions that were needed, as indices into the table.
    used: BTreeSet<usize>,
}

pub(super) fn run(workspace: &Workspace) -> Result<Outcome, Failure> {
    let mut findings = Findings::default();
    let mut files = Vec::new();
    for folder in FOLDERS {
        collect(&workspace.root.join(folder), &mut files)?;
    }
    if files.is_empty() {
        return Err(Failure::failed("no Rust file found"));
    }
    for file in files {
        let text = fs::read_to_string(&file).map_err(|error| unreadable(&file, &error))?;
        findings.measure(&workspace.relative(&file), &text, EXCEPTIONS);
    }
    findings.refuse_unused(EXCEPTIONS);
    for warning in &findings.warnings {
        process::say(format_args!("warning: {warning}"));
    }
    verdict(&findings.problems)
}

impl Findings {
    fn measure(&mut self, file: &str, text: &str, exceptions: &[Exception]) {
        let code = source::mask(text);
        let tests = function::test_lines(&code);
        let in_tests = |line: usize| tests.iter().any(|lines| lines.contains(&line));

        let lines = (1..=text.lines().count())
            .filter(|line| !in_tests(*line))
            .count();
        if lines > FILE_LINES && !is_unit_test_file(file) {
            self.problems.push(format!(
                "{file}: {lines} lines without its unit tests, at most {FILE_LINES}; split it"
            ));
        }
        for function in function::functions(&code) {
            let test = is_test_file(file) || in_tests(function.line);
            self.measure_function(file, &function, test, exceptions);
        }
    }

    fn measure_function(
        &mut self,
        file: &str,
        found: &Function,
        test: bool,
        exceptions: &[Exception],
    ) {
        let Function { name, line, length } = found;
        if *length <= FUNCTION_LINES {
            return;
        }
        let text = format!("{file}:{line}: fn {name} has {length} lines");
        let excepted = exceptions
            .iter()
            .position(|known| known.file == file && known.function == name);
        if *length > HARD_STOP {
            self.problems
                .push(format!("{text}, never more than {HARD_STOP}; split it"));
        } else if let Some(index) = excepted {
            self.used.insert(index);
            self.warnings
                .push(format!("{text}: {}", exceptions[index].reason));
        } else if test {
            self.warnings
                .push(format!("{text}; a test may, up to {HARD_STOP}"));
        } else {
            self.problems
                .push(format!("{text}, at most {FUNCTION_LINES}; split it"));
        }
    }

    /// An exception that nothing needs any more would excuse the next long function.
    fn refuse_unused(&mut self, exceptions: &[Exception]) {
        for (index, exception) in exceptions.iter().enumerate() {
            if !self.used.contains(&index) {
                let Exception { file, function, .. } = exception;
                self.problems.push(format!(
                    "{file}: the exception for fn {function} is not needed"
                ));
            }
        }
    }
}

/// A sibling of the file it tests: `foo/tests.rs`, or a file in a `tests` module.
fn is_unit_test_file(file: &str) -> bool {
    let below_src = file.split_once("/src/").map_or("", |(_, path)| path);
    below_src == "tests.rs"
        || below_src.ends_with("/tests.rs")
        || below_src.split('/').any(|part| part == "tests")
}

/// Any file of test code: a unit test file, or one of a package's `tests` folder.
fn is_test_file(file: &str) -> bool {
    is_unit_test_file(file) || file.starts_with("tests/") || file.contains("/tests/")
}

/// Every Rust file below a folder, sorted; a folder that does not exist has none.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if !folder.is_dir() {
        return Ok(());
    }
    let entries = fs::read_dir(folder)
        .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
        .map_err(|error| unreadable(folder, &error))?;
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !name.starts_with('.') && !["target", "node_modules"].contains(&name.as_ref()) {
                collect(&path, files)?;
            }
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
