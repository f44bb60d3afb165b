//! Files that hold a fresh token: when they are written, who is told, and what an outage
//! does.

mod outage;
mod reaction;
mod refusal;
#[cfg(target_os = "linux")]
mod strace;
#[cfg(target_os = "linux")]
mod systemd;
#[cfg(target_os = "linux")]
mod unit;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use prove_token_emulator::{EmulatorBuilder, Fault};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::process::Signal;
use snapbox::str;

use crate::harness::{Run, Running, emulator};
use crate::store::Place;

impl Place {
    fn with(builder: EmulatorBuilder) -> Self {
        Self::at(builder.start().unwrap())
    }

    fn sink(&self) -> PathBuf {
        self.home().join("sink")
    }

    /// A watch over the file `sink`, with these options.
    fn watch(&self, options: &[&str]) -> Run {
        let run = self.run(&[&["watch", "--sink", "sink"], options].concat());
        run.env("PATH", "/usr/bin:/bin")
    }

    /// What the file holds.
    fn held(&self) -> String {
        fs::read_to_string(self.sink()).unwrap()
    }
}

impl Place {
    /// A named pipe.
    fn pipe(&self, name: &str) -> PathBuf {
        let path = self.home().join(name);
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        path
    }
}

impl Running {
    /// Waits for the next word about the file, and that it is about a new token.
    fn has_written(&mut self) {
        let line = self.stderr_line();
        assert!(
            line.contains("/sink holds a new token, which lives"),
            "{line}"
        );
    }

    /// Ends a watch, as a service manager does.
    fn end(self) {
        self.signal(Signal::TERM);
        let outcome = self.outcome();
        assert_eq!(outcome.stderr, "");
        assert_eq!(outcome.success(), "");
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<_> = entries
        .map(|entry| name(entry).into_string().unwrap())
        .collect();
    names.retain(|name| !name.starts_with(".ca") && !name.starts_with(".config"));
    names.sort();
    names
}

#[test]
fn a_file_is_written_once_for_each_token() {
    let place = Place::new();
    place.watch(&["--once"]).outcome().transcript(
        0,
        str![],
        str![[r#"
[HOME]/sink holds a new token, which lives 59m [..]

"#]],
    );
    let token = place.token();
    assert_eq!(place.held(), token);
    let written = fs::metadata(place.sink()).unwrap();
    assert_eq!(written.mode() & 0o7777, 0o600);
    place.watch(&["--once"]).outcome().transcript(
        0,
        str![],
        str![[r#"
[HOME]/sink holds the token already, which lives 59m [..]

"#]],
    );
    assert_eq!(fs::metadata(place.sink()).unwrap().ino(), written.ino());
    place.assert_requests(1);
    place
        .watch(&["--once", "-q"])
        .outcome()
        .transcript(0, str![], str![]);
}

#[test]
fn every_format_is_the_same_for_the_same_token() {
    let place = Place::new();
    for format in [
        "raw",
        "header",
        "env",
        "dotenv",
        "fish",
        "powershell",
        "json",
    ] {
        place.watch(&["--once", "-o", format]).outcome().success();
        if format != "json" {
            let printed = place.run(&["token", "-o", format]).outcome().success();
            assert_eq!(place.held(), printed);
        }
        let again = place.watch(&["--once", "-o", format]).outcome();
        assert!(
            again.stderr.contains("holds the token already"),
            "{format}: {again:?}"
        );
    }
    let object: serde_json::Value = serde_json::from_str(&place.held()).unwrap();
    let names: Vec<_> = object.as_object().unwrap().keys().collect();
    // What passes, such as expires_in, would be wrong a second later.
    assert_eq!(
        names,
        [
            "access_token",
            "token_type",
            "expires_at",
            "expires_at_rfc3339",
            "profile"
        ]
    );
    place.assert_requests(1);
}

#[test]
fn nobody_else_can_read_it_whatever_the_umask_is() {
    let place = Place::new();
    for umask in ["000", "077", "777"] {
        let below = format!("umask {umask}; exec \"$0\" \"$@\"");
        let options = ["--once", "--sink", "group", "--mode", "0640"];
        let run = place.watch(&options).below(&["sh", "-c", &below]);
        run.outcome().success();
        assert_eq!(mode(&place.sink()), 0o640);
        place
            .watch(&["--once"])
            .below(&["sh", "-c", &below])
            .outcome()
            .success();
        assert_eq!(mode(&place.sink()), 0o600);
        assert_eq!(mode(&place.home().join("group")), 0o640);
        assert_eq!(names(place.home()), ["group", "sink"]);
        fs::remove_file(place.sink()).unwrap();
        fs::remove_file(place.home().join("group")).unwrap();
    }
}

#[test]
fn a_mode_that_is_wrong_is_set_right() {
    let place = Place::new();
    place.watch(&["--once"]).outcome().success();
    fs::set_permissions(place.sink(), fs::Permissions::from_mode(0o644)).unwrap();
    place.watch(&["--once"]).outcome().success();
    assert_eq!(mode(&place.sink()), 0o600);
}

#[test]
fn tokens_are_renewed_and_an_end_that_is_asked_for_is_a_success() {
    let place = Place::with(emulator().lifetime(std::time::Duration::from_secs(2)));
    let mut watch = place.watch(&[]).start();
    let mut held = Vec::new();
    for _ in 0..3 {
        watch.has_written();
        held.push(place.held());
    }
    held.dedup();
    assert_eq!(held.len(), 3);
    watch.signal(Signal::INT);
    assert_eq!(watch.outcome().code, Some(0));
}

#[test]
fn a_hang_up_renews_a_token_that_was_revoked() {
    let place = Place::new();
    let mut watch = place.watch(&[]).start();
    watch.has_written();
    let old = place.held();
    place.emulator.revoke_all_tokens();
    watch.signal(Signal::HUP);
    assert_eq!(
        watch.stderr_line(),
        "SIGHUP: the client secret is read again, and the token renewed"
    );
    watch.has_written();
    assert_ne!(place.held(), old);
    assert_eq!(place.token(), place.held());
    place.assert_requests(2);
    watch.end();
}

/// Whatever is under way.
#[test]
fn a_signal_before_the_first_token_ends_it_at_once() {
    let place = Place::with(emulator().fault(Fault::silence()));
    let watch = place.watch(&[]).start();
    assert!(
        place
            .emulator
            .wait_for_requests(1, std::time::Duration::from_secs(20))
    );
    watch.end();
    assert!(!place.sink().exists());
}

#[test]
fn a_log_that_nobody_reads_holds_up_neither_tokens_nor_the_end() {
    let place = Place::new();
    let told = place.pipe("told");
    let next = || fs::read_to_string(&told).unwrap();
    let (_reader, full) = full_pipe();
    let watch = place.watch(&["-v", "--run", "sh", "-c", "cat sink > told"]);
    let watch = watch.stderr_to(full).start();
    let first = next();
    watch.signal(Signal::HUP);
    assert_ne!(next(), first);
    watch.signal(Signal::TERM);
    assert_eq!(watch.outcome().code, Some(0));
}

/// A pipe that takes no more.
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    rustix::fs::fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
    while writer.write(b"x").is_ok() {}
    rustix::fs::fcntl_setfl(&writer, OFlags::empty()).unwrap();
    (reader, writer)
}

#[test]
fn without_an_account_the_emulator_is_there() {
    crate::harness::run(&[
        "watch",
        "--environment",
        "emulator",
        "--sink",
        "x",
        "--once",
    ])
    .outcome()
    .transcript(
        0,
        str![],
        str![[r#"
the built-in emulator listens at http://127.0.0.1:[PORT]
[HOME]/x holds a new token, which lives 59m [..]

"#]],
    );
}
