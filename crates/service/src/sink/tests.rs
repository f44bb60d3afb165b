//! One file, written and looked at.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

struct Fixture {
    folder: tempfile::TempDir,
    sink: Sink,
}

fn fixture(mode: u32) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink {
        profile: "acme".to_owned(),
        path: folder.path().join("token"),
        mode,
        group: None,
    };
    Fixture { folder, sink }
}

fn mode(sink: &Sink) -> u32 {
    fs::metadata(&sink.path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_file_is_written_when_something_about_it_is_wrong_and_only_then() {
    let Fixture { sink, folder } = fixture(0o640);
    assert!(sink.write(b"one\n").unwrap());
    assert_eq!(mode(&sink), 0o640);
    assert!(!sink.write(b"one\n").unwrap());
    assert!(sink.write(b"two\n").unwrap(), "another token");
    assert!(sink.write(b"tw\n").unwrap(), "a shorter one");
    fs::set_permissions(&sink.path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(sink.write(b"tw\n").unwrap(), "another mode");
    assert_eq!(mode(&sink), 0o640);
    fs::remove_file(&sink.path).unwrap();
    assert!(sink.write(b"tw\n").unwrap(), "none at all");
    // A link that somebody put there is replaced, and what it leads to left alone.
    let elsewhere = folder.path().join("elsewhere");
    fs::write(&elsewhere, "tw\n").unwrap();
    fs::remove_file(&sink.path).unwrap();
    symlink(&elsewhere, &sink.path).unwrap();
    assert!(sink.write(b"tw\n").unwrap());
    assert!(!sink.path.is_symlink() && elsewhere.exists());
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing_behind() {
    let Fixture { sink, folder } = fixture(0o600);
    fs::create_dir(&sink.path).unwrap();
    fs::write(sink.path.join("inside"), "x").unwrap();
    let error = sink.write(b"canary\n").unwrap_err();
    assert!(!error.to_string().contains("canary"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_sink_is_checked_before_it_is_kept() {
    let of = |path: &str, group: Option<&str>| ServiceSink::new("acme", path, 0o600, group);
    let refusal = |sinks: &[ServiceSink]| Sink::all(sinks).unwrap_err().message().to_owned();
    assert_eq!(
        Sink::all(&[of("/none/t", Some("0"))]).unwrap()[0].group,
        Some(0)
    );
    assert_eq!(
        refusal(&[of("/dev/null", None)]),
        "the sink /dev/null is there and not a file"
    );
    assert_eq!(
        refusal(&[of("/t", Some("no\ngroup"))]),
        "the sink /t is for a group that is not known: \"no\\ngroup\""
    );
    assert_eq!(
        refusal(&[of("/t", None), of("/t", None)]),
        "two sinks are of the file /t"
    );
}
