//! Killed, or refused by the kernel, at every system call of a change.
//!
//! `cargo xtask test` names these tests as skipped where strace is missing or may not
//! trace.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const HELPER: &str = env!("CARGO_BIN_EXE_edit");
const OLD: &str = "version = 1\n[profiles.old]\nenvironment = \"emulator\"\n";

/// What is done to which file, what it held before (`None`: there was none), and what
/// it holds afterwards.
struct Case {
    command: &'static str,
    before: Option<&'static str>,
    after: String,
}

fn cases() -> Vec<Case> {
    let new = "[profiles.new]\nenvironment = \"emulator\"\n";
    let case = |command, before, after| Case {
        command,
        before,
        after,
    };
    vec![
        case("replace", None, "n".repeat(3000)),
        case("replace", Some("old"), "n".repeat(3000)),
        case("profile", None, format!("version = 1\n\n{new}")),
        case("profile", Some(OLD), format!("{OLD}\n{new}")),
    ]
}

/// A file in a folder of its own.
struct Fixture<'c> {
    folder: TempDir,
    case: &'c Case,
}

impl<'c> Fixture<'c> {
    fn new(case: &'c Case) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fixture = Self { folder, case };
        if let Some(before) = case.before {
            fs::write(fixture.path(), before).unwrap();
            fs::set_permissions(fixture.path(), fs::Permissions::from_mode(0o600)).unwrap();
        }
        fixture
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("file")
    }

    /// Makes the change below strace, with the most careless umask.
    fn change_below(&self, options: &[&str]) -> Output {
        Command::new("strace")
            .args(["-f", "-qqq"])
            .args(options)
            .args(["--", "sh", "-c", "umask 000; exec \"$0\" \"$@\"", HELPER])
            .arg(self.case.command)
            .arg(self.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn inject(&self, (name, number): &(String, usize), what: &str) -> Output {
        let inject = format!("inject={name}:{what}:when={number}");
        self.change_below(&["-o", "/dev/null", "-e", &inject])
    }

    /// Whether the file is the new one; it must be that or the old one.
    fn is_new(&self) -> bool {
        let found = fs::read_to_string(self.path()).ok();
        for name in self.names() {
            let mode = fs::metadata(self.folder.path().join(&name)).unwrap();
            assert_eq!(mode.permissions().mode() & 0o7777, 0o600, "{name}");
        }
        match found {
            Some(text) if text == self.case.after => true,
            found => {
                assert_eq!(found.as_deref(), self.case.before, "a torn file");
                false
            }
        }
    }

    /// The files that are left of a change under way.
    fn half_written(&self) -> usize {
        let is_one = |name: &String| name.ends_with(".new");
        self.names().into_iter().filter(is_one).count()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string());
        names.map(|name| name.unwrap()).collect()
    }
}

/// The calls of a change, from the first that names the folder to the one that tells of
/// success: each a name, and which one of that name in the process it is.
fn calls(case: &Case) -> Vec<(String, usize)> {
    let fixture = Fixture::new(case);
    let around = tempfile::tempdir().unwrap();
    let trace = around.path().join("trace");
    let output = fixture.change_below(&["-o", trace.to_str().unwrap()]);
    assert_eq!(said(&output), "done");
    assert!(fixture.is_new());
    let text = fs::read_to_string(trace).unwrap();
    let (mut numbers, mut calls) = (HashMap::<&str, usize>::new(), Vec::new());
    for line in text.lines() {
        let (_, call) = line.trim_start().split_once(char::is_whitespace).unwrap();
        let Some((name, arguments)) = call.trim_start().split_once('(') else {
            continue;
        };
        let number = numbers.entry(name).or_default();
        *number += 1;
        if name == "write" && arguments.starts_with("1,") {
            return calls;
        }
        // The helper itself is started with the path.
        let begins = name != "execve" && arguments.contains(folder_of(&fixture.path()));
        if begins || !calls.is_empty() {
            calls.push((name.to_owned(), *number));
        }
    }
    panic!("no whole change in {text}");
}

fn folder_of(path: &Path) -> &str {
    path.parent().unwrap().to_str().unwrap()
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim_end().to_owned()
}

#[test]
fn a_file_is_the_old_one_or_the_new_one_wherever_its_change_is_killed() {
    for case in &cases() {
        let (mut half_written, mut new) = (0, 0);
        for call in calls(case) {
            let fixture = Fixture::new(case);
            let output = fixture.inject(&call, "signal=KILL");
            assert!(!output.status.success(), "{call:?} was not reached");
            half_written += fixture.half_written();
            new += usize::from(fixture.is_new());
            // The next change finds no lock, and takes away what was left, if it writes.
            let output = Command::new(HELPER)
                .arg(case.command)
                .arg(fixture.path())
                .output();
            assert_eq!(said(&output.unwrap()), "done", "{call:?}");
            if case.command == "replace" {
                assert_eq!(fixture.half_written(), 0, "{call:?}");
            }
        }
        assert!(half_written > 0, "it was never killed while it wrote");
        assert!(new > 0, "it was never killed after it wrote");
    }
}

#[test]
fn a_change_that_is_refused_any_call_is_made_whole_or_not_at_all() {
    const ERRORS: [&str; 4] = ["ENOSPC", "EIO", "EROFS", "EDQUOT"];
    // Some have another name on some machines.
    const REFUSED: [&str; 10] = [
        "openat",
        "statx",
        "write",
        "fchmod",
        "fchown",
        "fsync",
        "rename",
        "renameat",
        "renameat2",
        "flock",
    ];
    for case in &cases() {
        let mut calls = calls(case);
        calls.retain(|(name, _)| REFUSED.contains(&name.as_str()));
        let mut failures = 0;
        for (error, call) in ERRORS.iter().cycle().zip(calls) {
            let fixture = Fixture::new(case);
            let output = fixture.inject(&call, &format!("error={error}"));
            assert!(output.status.success(), "{call:?} {error}: {output:?}");
            match said(&output).as_str() {
                "done" => assert!(fixture.is_new(), "{call:?} {error}"),
                _ => failures += 1,
            }
            fixture.is_new();
            assert_eq!(fixture.half_written(), 0, "{call:?} {error}");
        }
        assert!(failures > 3, "{failures}");
    }
}
