//! What is done on change.

use std::fs::{self, File};
use std::io::Read as _;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;
use snapbox::str;

use crate::store::Place;

#[test]
fn a_command_runs_on_change_and_gets_neither_token_nor_secret() {
    let place = Place::new();
    let all = "tr '\\0' '\\n' < /proc/$$/environ | sort >&2; echo to stdout";
    let watch = |options: &[&str]| {
        place
            .watch(options)
            .env("NOTIFY_SOCKET", "/run/none")
            .env("PROVE_ACCESS_TOKEN", "canary-old")
            .env("PROVE_CLIENT_SECRET", "canary-variable")
            .outcome()
    };
    let options = ["--once", "--run", "sh", "-c", all];
    watch(&options).transcript(
        0,
        str![],
        str![[r#"
[HOME]/sink holds a new token, which lives 59m [..]
HOME=[HOME]
PATH=/usr/bin:/bin
to stdout

"#]],
    );
    // Nothing has changed.
    watch(&options).transcript(
        0,
        str![],
        str![[r#"
[HOME]/sink holds the token already, which lives 59m [..]

"#]],
    );
    fs::remove_file(place.sink()).unwrap();
    watch(&["--once", "--run", "--", "echo", "-q", "--", "x"]).transcript(
        0,
        str![],
        str![[r#"
[HOME]/sink holds a new token, which lives 59m [..]
-q -- x

"#]],
    );
}

#[test]
fn a_command_that_fails_is_told_and_survived() {
    let place = Place::new();
    let mut watch = place.watch(&["--run", "sh", "-c", "exit 3"]).start();
    for _ in 0..2 {
        watch.has_written();
        assert_eq!(
            watch.stderr_line(),
            "error: the command to run on change failed with exit code 3"
        );
        watch.signal(Signal::HUP);
        assert!(watch.stderr_line().starts_with("SIGHUP: "));
    }
    watch.has_written();
    watch.stderr_line();
    watch.end();
    let once = |command: &[&str]| {
        fs::remove_file(place.sink()).unwrap();
        let run = place.watch(&[&["--once", "--run"], command].concat());
        run.outcome()
    };
    once(&["no-such-program"]).transcript(
        127,
        str![],
        str![[r#"
[HOME]/sink holds a new token, which lives 59m [..]
error: no-such-program was not found
hint: name a program on PATH or by its path; no shell is involved

"#]],
    );
    once(&["sh", "-c", "kill -9 $$"]).transcript(
        1,
        str![],
        str![[r#"
[HOME]/sink holds a new token, which lives 59m [..]
error: the command to run on change was ended: signal: 9 (SIGKILL)

"#]],
    );
}

/// Changes while the command runs are one change after it.
#[test]
fn a_burst_of_changes_is_one_run_with_the_last_token() {
    let place = Place::new();
    let (begun, go) = (place.pipe("begun"), place.pipe("go"));
    let script = "echo begun > begun; read go < go; cat sink > seen; echo run >> runs";
    let mut watch = place.watch(&["--run", "sh", "-c", script]).start();
    watch.has_written();
    assert_eq!(fs::read_to_string(&begun).unwrap(), "begun\n");
    for number in 0..3 {
        watch.signal(Signal::HUP);
        assert!(watch.stderr_line().starts_with("SIGHUP: "));
        watch.has_written();
        if number == 0 {
            let line = watch.stderr_line();
            assert!(line.contains("is running still"), "{line}");
        }
    }
    fs::write(&go, "go\n").unwrap();
    assert_eq!(fs::read_to_string(&begun).unwrap(), "begun\n");
    fs::write(&go, "go\n").unwrap();
    // One more, to know that there was none in between.
    watch.signal(Signal::HUP);
    watch.stderr_line();
    watch.has_written();
    assert_eq!(fs::read_to_string(&begun).unwrap(), "begun\n");
    assert_eq!(
        fs::read_to_string(place.home().join("runs")).unwrap(),
        "run\nrun\n"
    );
    watch.signal(Signal::TERM);
    let outcome = watch.outcome();
    // Whether the second command had ended before the last change is the machine's affair.
    let said: Vec<_> = outcome.stderr.lines().collect();
    assert!(
        said.iter().all(|line| line.contains("is running still")),
        "{said:?}"
    );
    assert_eq!(outcome.success(), "");
}

#[test]
fn a_command_ends_with_the_watch_and_takes_its_children_along() {
    let place = Place::new();
    let pipe = place.pipe("pipe");
    let script = "exec 3>pipe; echo up >&3; sleep 600 & trap '' TERM; sleep 600; wait";
    let mut watch = place.watch(&["--run", "sh", "-c", script]).start();
    watch.has_written();
    let mut held = File::open(&pipe).unwrap();
    let mut up = [0; 3];
    held.read_exact(&mut up).unwrap();
    watch.end();
    // Ends when the last that holds it has ended.
    assert_eq!(held.read_to_end(&mut Vec::new()).unwrap(), 0);
}

/// Tells its number, and then each signal.
fn listener() -> (Child, String) {
    let script = "trap 'echo HUP' HUP; trap 'echo USR1' USR1; \
                  mkfifo wait; exec 3<>wait; echo $$; while :; do read nothing <&3; done";
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let id = line(&mut child);
    // The folder goes, and the pipe stays open.
    (child, id)
}

fn line(child: &mut Child) -> String {
    crate::harness::next_line(child.stdout.as_mut().unwrap())
}

#[test]
fn a_process_is_signalled_by_its_number_or_a_file() {
    let place = Place::new();
    let (mut child, id) = listener();
    fs::write(place.home().join("pid"), format!("{id}\nmore\n")).unwrap();
    for (flags, said) in [
        (["--signal", "HUP", "--pid", &id], "HUP"),
        (["--signal", "sigusr1", "--pid-file", "pid"], "USR1"),
    ] {
        let mut watch = place.watch(&flags).start();
        watch.has_written();
        assert_eq!(line(&mut child), said);
        watch.end();
        fs::remove_file(place.sink()).unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let once = |flags: [&str; 4]| {
        let _ = fs::remove_file(place.sink());
        place.watch(&[&["--once"], &flags[..]].concat()).outcome()
    };
    let said = once(["--signal", "HUP", "--pid", &id]);
    assert!(
        said.stderr
            .contains("nobody was signalled: there is no process"),
        "{said:?}"
    );
    said.success();
    once(["--signal", "HUP", "--pid-file", "none"]).transcript(
        0,
        str![],
        str![[r#"
[HOME]/sink holds a new token, which lives 59m [..]
nobody was signalled: none cannot be read: entity not found

"#]],
    );
    fs::write(place.home().join("pid"), "-1\n").unwrap();
    once(["--signal", "HUP", "--pid-file", "pid"]).transcript(
        0,
        str![],
        str![[r#"
[HOME]/sink holds a new token, which lives 59m [..]
nobody was signalled: pid does not begin with the number of a process

"#]],
    );
}
