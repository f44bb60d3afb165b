//! A sign of life, at a terminal only, and only where there is something to wait for.

use std::path::Path;
use std::process::{Command, Stdio};

use prove_token_emulator::{Emulator, Fault};

/// What a terminal gets of `prove-token token` with these arguments.
fn at_terminal(emulator: &Emulator, home: &Path, args: &str, term: &str) -> String {
    let script = "import pty, sys; pty.spawn(['sh', '-c', sys.argv[1]])";
    let command = format!(
        "'{}' token --environment emulator {args}",
        env!("CARGO_BIN_EXE_prove-token")
    );
    let output = Command::new("python3")
        .args(["-c", script, &command])
        .env_clear()
        .env("PROVE_EMULATOR", emulator.url())
        .env("HOME", home)
        .env("TERM", term)
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_wait_is_shown_and_taken_back() {
    let home = tempfile::tempdir().unwrap();
    let silent = || Fault::silence().times(0);
    let emulator = Emulator::builder().fault(silent()).start().unwrap();
    let seen = at_terminal(&emulator, home.path(), "--timeout 1s", "xterm");
    let line = format!("waiting for {} …", emulator.url());
    assert!(seen.contains(&line), "{seen:?}");
    let (_, last) = seen.rsplit_once("\r\u{1b}[K").unwrap();
    let plain = anstream::adapter::strip_str(last).to_string();
    assert!(plain.starts_with("error: no result within 1s"), "{plain:?}");
    for (args, term) in [("--timeout 1s", "dumb"), ("--timeout 1s -q", "xterm")] {
        let seen = at_terminal(&emulator, home.path(), args, term);
        assert!(!seen.contains("waiting"), "{seen:?}");
        assert!(seen.contains("no result within 1s"), "{seen:?}");
    }
}

#[test]
fn a_token_that_is_kept_is_not_waited_for() {
    let emulator = Emulator::builder().start().unwrap();
    let home = tempfile::tempdir().unwrap();
    let seen = |home: &Path| at_terminal(&emulator, home, "", "xterm");
    // How long the first takes is the machine's affair.
    seen(home.path());
    let kept = seen(home.path());
    assert!(
        kept.starts_with("eyJ") && !kept.contains('\u{1b}'),
        "{}",
        kept.len()
    );
    assert_eq!(emulator.token_requests(), 1);
}
