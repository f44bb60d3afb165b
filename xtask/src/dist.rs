//! `cargo xtask dist`: what a release hands out, for the platform that this runs on.
//!
//! Nothing is taken from the machine but its tools: the files of an archive are as old as
//! the commit, belong to nobody, and stand in one order.

mod archive;
mod folder;
mod licence;
mod package;
mod program;

use std::path::PathBuf;
use std::process::Command;

use crate::environment;
use crate::failure::Failure;
use crate::process;
use crate::suggestion;
use crate::workspace::Workspace;
use folder::Folder;

/// A part of what is handed out.
struct Part {
    name: &'static str,
    /// What it needs beside the Rust toolchain; without it the part is left out.
    prepare: fn(&Job<'_>) -> Result<(), Failure>,
    run: fn(&Job<'_>) -> Result<(), Failure>,
}

const PARTS: [Part; 2] = [
    Part {
        name: "archive",
        prepare: |_| Ok(()),
        run: program::pack,
    },
    Part {
        name: "python",
        prepare: package::prepare,
        run: package::build,
    },
];

/// What every part is given.
struct Job<'a> {
    workspace: &'a Workspace,
    folder: &'a Folder,
    /// How old everything is to be: seconds since 1970.
    seconds: u64,
}

impl Job<'_> {
    /// Tells `command` as well how old everything is to be. All are told: a build script
    /// that looks at it would run again between one that is and one that is not.
    fn dated<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env("SOURCE_DATE_EPOCH", self.seconds.to_string())
    }
}

/// Makes the parts that are named, or all of them, and the checksums of all in the folder.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let request = Request::parse(arguments)?;
    let workspace = Workspace::load()?;
    let folder = match request.out {
        // Somebody's folder may have something in it.
        Some(out) => Folder::open(out)?,
        None if request.parts.len() == PARTS.len() => {
            Folder::open_empty(workspace.target.join("dist"))?
        }
        None => Folder::open(workspace.target.join("dist"))?,
    };
    let job = Job {
        workspace: &workspace,
        folder: &folder,
        seconds: seconds()?,
    };
    let mut left_out = Vec::new();
    for part in request.parts {
        if let Err(why) = (part.prepare)(&job) {
            left_out.push(missing(part, &why)?);
            continue;
        }
        (part.run)(&job).map_err(|failure| of_part(part, &failure))?;
    }
    let made = folder.close()?;
    process::say(folder.path().display());
    let lines = made.iter().map(|(name, size)| line(name, *size));
    process::print(lines.collect::<Vec<_>>().join("\n"))?;
    left_out.iter().for_each(process::say);
    Ok(())
}

/// What was asked for.
struct Request {
    out: Option<PathBuf>,
    parts: Vec<&'static Part>,
}

impl Request {
    fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let (mut out, mut parts) = (None, Vec::new());
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--out" => {
                    let folder = words
                        .next()
                        .ok_or_else(|| Failure::Usage("--out needs a folder".to_owned()))?;
                    out = Some(PathBuf::from(folder));
                }
                name => parts.push(find(name)?),
            }
        }
        if parts.is_empty() {
            parts.extend(&PARTS);
        }
        Ok(Self { out, parts })
    }
}

fn find(name: &str) -> Result<&'static Part, Failure> {
    PARTS.iter().find(|part| part.name == name).ok_or_else(|| {
        let known: Vec<_> = PARTS.iter().map(|part| part.name).collect();
        suggestion::unknown("part", name, &known)
    })
}

/// How old everything is to be: as the variable says that builds of that kind go by, or
/// else as the commit is.
fn seconds() -> Result<u64, Failure> {
    const ASK: &str = "set SOURCE_DATE_EPOCH to the seconds since 1970 that files are to have";
    let (text, source) = match environment::source_date_epoch() {
        Some(text) => (text, "SOURCE_DATE_EPOCH"),
        None => {
            let mut git = Command::new("git");
            let told = process::capture(git.args(["log", "-1", "--format=%ct"]));
            let told = told.map_err(|failure| Failure::failed(format!("{failure}; {ASK}")))?;
            (told, "git")
        }
    };
    text.trim()
        .parse()
        .map_err(|_| Failure::failed(format!("{source} says no number of seconds; {ASK}")))
}

/// What is said of a part that cannot be made here: a failure where everything must be
/// there.
fn missing(part: &Part, why: &Failure) -> Result<String, Failure> {
    let text = format!("the part `{}` was left out: {why}", part.name);
    match environment::is_ci() {
        true => Err(Failure::failed(text)),
        false => Ok(text),
    }
}

fn of_part(part: &Part, failure: &Failure) -> Failure {
    Failure::failed(format!(
        "the part `{0}` failed: {failure}; mend that, and run `cargo xtask dist {0}`",
        part.name
    ))
}

/// A file and its size, as people read it.
fn line(name: &str, bytes: u64) -> String {
    format!("{:>7} kB  {name}", bytes.div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<(Option<PathBuf>, Vec<&'static str>), Failure> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        let request = Request::parse(&words)?;
        let names = request.parts.iter().map(|part| part.name).collect();
        Ok((request.out, names))
    }

    #[test]
    fn all_parts_are_the_default() {
        assert_eq!(parsed(&[]), Ok((None, vec!["archive", "python"])));
        let out = Some(PathBuf::from("/d"));
        assert_eq!(
            parsed(&["--out", "/d", "python"]),
            Ok((out, vec!["python"]))
        );
        for wrong in [&["--out"][..], &["pyhton"], &["--outt", "/d"]] {
            assert_eq!(parsed(wrong).unwrap_err().exit_code(), 2, "{wrong:?}");
        }
    }

    #[test]
    fn a_part_that_failed_says_how_to_go_on() {
        let failure = of_part(&PARTS[0], &Failure::failed("no linker")).to_string();
        assert!(failure.contains("no linker"), "{failure}");
        assert!(failure.contains("cargo xtask dist archive"), "{failure}");
    }

    #[test]
    fn sizes_are_read_by_people() {
        assert_eq!(line("a", 4_812_345), "   4813 kB  a");
        assert_eq!(line("a", 1), "      1 kB  a");
    }
}
