//! `cargo xtask bench`: the performance goals, measured against other people's
//! programs in the same run.
//!
//! What is measured, and those it is measured against, is a workspace of its own below
//! `xtask/bench-peers`: nothing else compiles other clients. Only ratios within one run
//! count, so CI never runs this.

mod figure;
mod goal;
mod machine;
mod report;

use std::path::{Path, PathBuf};
use std::process::Command;

use self::figure::Figures;
use self::goal::{GOALS, Verdict};
use self::machine::Machine;
use crate::failure::Failure;
use crate::process;
use crate::python;
use crate::suggestion;
use crate::workspace::Workspace;

/// Measures the rows that are named, or all, and judges them.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let wish = Wish::parse(arguments)?;
    if wish.lists {
        return process::print(report::listing(&GOALS));
    }
    let workspace = Workspace::load()?;
    let programs = Programs::build(&workspace, &wish.rows)?;
    let mut figures = Figures::default();
    for row in &wish.rows {
        process::say(format_args!("measuring row {row}"));
        figures.read(&process::capture(&mut programs.measure(row))?)?;
    }
    let wanted = GOALS.iter().filter(|goal| wish.rows.contains(&goal.row));
    let verdicts: Vec<Verdict> = wanted.map(|goal| goal.judge(&figures)).collect();
    process::print(report::table(&verdicts).trim_end())?;
    if let Some(path) = &wish.json {
        let json = report::json(&Machine::this()?, &figures, &verdicts);
        std::fs::write(path, format!("{json:#}\n")).map_err(|error| {
            Failure::failed(format!("cannot write {}: {error}", path.display()))
        })?;
    }
    close(&verdicts)
}

/// A hard goal that is missed fails the run; one that could not be measured does not.
fn close(verdicts: &[Verdict]) -> Result<(), Failure> {
    let missed: Vec<String> = verdicts
        .iter()
        .filter(|verdict| verdict.goal.is_hard && verdict.is_met() == Some(false))
        .map(|verdict| format!("{} {}", verdict.goal.row, verdict.goal.what))
        .collect();
    if missed.is_empty() {
        return Ok(());
    }
    let count = missed.len();
    let list = missed.join("; ");
    Err(Failure::failed(format!(
        "{count} hard goals missed: {list}"
    )))
}

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
struct Wish {
    rows: Vec<&'static str>,
    json: Option<PathBuf>,
    lists: bool,
}

impl Wish {
    fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let known = goal::rows();
        let (mut rows, mut json, mut lists) = (Vec::new(), None, false);
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--list" => lists = true,
                "--json" => {
                    let file = words.next();
                    let missing = || Failure::Usage("--json needs the file to write".to_owned());
                    json = Some(PathBuf::from(file.ok_or_else(missing)?));
                }
                row => match known.iter().find(|known| **known == row) {
                    Some(row) => rows.push(*row),
                    None => return Err(suggestion::unknown("row", row, &known)),
                },
            }
        }
        if rows.is_empty() {
            rows = known;
        }
        Ok(Self { rows, json, lists })
    }
}

/// The rows that Python measures itself.
const OF_PYTHON: [&str; 2] = ["10", "11"];

/// What is built to be measured, as users build it. What no row needs is left out.
struct Programs {
    rows: PathBuf,
    command: PathBuf,
    service: PathBuf,
    /// An interpreter that has the package, and the program that it runs.
    python: (PathBuf, PathBuf),
}

impl Programs {
    fn build(workspace: &Workspace, rows: &[&str]) -> Result<Self, Failure> {
        let program = |folder: &Path, name| process::executable(&folder.join("release"), name);
        let target = workspace.target.join("bench-peers");
        let folder = target.join("python");
        let sources = workspace.root.join("xtask/bench-peers/python");
        if rows.iter().any(|row| OF_PYTHON.contains(row)) {
            python::prepare(&sources.join("requirements.txt"), &folder)?;
            let package = workspace.root.join("bindings/python");
            python::install_package(&package, &folder, "release")?;
        }
        if rows.iter().any(|row| !OF_PYTHON.contains(row)) {
            build_rows(workspace, &target)?;
        }
        Ok(Self {
            rows: program(&target, "rows"),
            command: program(&workspace.target, "prove-token"),
            service: program(&workspace.target, "prove-tokend"),
            python: (python::interpreter(&folder), sources.join("rows.py")),
        })
    }

    fn measure(&self, row: &str) -> Command {
        if OF_PYTHON.contains(&row) {
            let (interpreter, program) = &self.python;
            let mut command = Command::new(interpreter);
            command.arg(program).arg(row);
            return command;
        }
        let mut command = Command::new(&self.rows);
        command.arg(row).arg(&self.command).arg(&self.service);
        command
    }
}

/// Builds what measures all other rows, the peers, the command and the service.
fn build_rows(workspace: &Workspace, target: &Path) -> Result<(), Failure> {
    let manifest = workspace.root.join("xtask/bench-peers/Cargo.toml");
    let mut peers = Command::new("cargo");
    peers.args(["build", "--release", "--locked", "--manifest-path"]);
    peers.arg(manifest).arg("--target-dir").arg(target);
    process::run(&mut peers)?;
    let mut ours = Command::new("cargo");
    ours.args(["build", "--release", "--locked", "--package"]);
    ours.args(["prove-token-cli", "--package", "prove-token-service"]);
    process::run(&mut ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Wish, Failure> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Wish::parse(&words)
    }

    #[test]
    fn rows_are_those_that_are_named_or_all() {
        assert_eq!(parse(&["3", "1"]).unwrap().rows, ["3", "1"]);
        assert_eq!(parse(&[]).unwrap().rows, goal::rows());
        assert!(parse(&["--list"]).unwrap().lists);
        let json = parse(&["--json", "out.json", "1"]).unwrap().json;
        assert_eq!(json, Some(PathBuf::from("out.json")));
    }

    #[test]
    fn what_is_no_row_is_a_usage_error() {
        for words in [&["100"][..], &["--json"], &["--lists"]] {
            assert!(matches!(parse(words), Err(Failure::Usage(_))), "{words:?}");
        }
    }

    #[test]
    fn only_a_hard_goal_that_is_missed_fails_the_run() {
        let goal = |is_hard| goal::Goal {
            is_hard,
            ..GOALS[0]
        };
        let (hard, soft) = (goal(true), goal(false));
        let verdict = |goal, ratio| Verdict::for_test(goal, ratio);
        assert!(close(&[verdict(&soft, Some(0.1)), verdict(&hard, Some(100.0))]).is_ok());
        assert!(close(&[verdict(&hard, None)]).is_ok());
        let failure = close(&[verdict(&hard, Some(0.1))]).unwrap_err();
        assert!(failure.to_string().contains(hard.what), "{failure}");
    }
}
