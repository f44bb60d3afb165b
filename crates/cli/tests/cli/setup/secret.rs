//! Secrets in their places.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use snapbox::str;

use super::{CONFIG, add_acme, in_home};
use crate::harness::{SECRET, emulator, run, run_in};
#[cfg(target_os = "linux")]
use crate::terminal::Terminal;

#[test]
fn a_secret_is_kept_checked_tried_and_removed() {
    let home = tempfile::tempdir().unwrap();
    let emulator = emulator().start().unwrap();
    add_acme(home.path(), &emulator.token_endpoint());
    in_home(home.path(), "secret check").transcript(
        5,
        str![[""]],
        str![[r#"
error: the secret file [HOME]/kept does not exist
hint: write the client secret to [HOME]/kept, or name another file

"#]],
    );
    run_in(home.path(), &["secret", "set", "acme"])
        .stdin(&format!("{SECRET}\n"))
        .outcome()
        .transcript(
            0,
            str![[""]],
            str![[r#"
kept the client secret of "acme" in the file [HOME]/kept
try it: prove-token secret check --try acme

"#]],
        );
    let kept = home.path().join("kept");
    assert_eq!(fs::read_to_string(&kept).unwrap(), SECRET);
    assert_eq!(
        fs::metadata(&kept).unwrap().permissions().mode() & 0o7777,
        0o600
    );
    in_home(home.path(), "secret check").transcript(
        0,
        str![[r#"
the client secret of "acme" can be read from the file [HOME]/kept

"#]],
        str![[""]],
    );
    let tried = in_home(home.path(), "secret check --try acme");
    assert!(
        tried.stdout.contains("the authorization server accepts it"),
        "{tried:?}"
    );
    in_home(home.path(), "secret remove").transcript(
        0,
        str![[""]],
        str![[r#"
removed the client secret of "acme" from the file [HOME]/kept

"#]],
    );
    assert!(!kept.exists());
    in_home(home.path(), "secret remove").transcript(
        0,
        str![[""]],
        str![[r#"
no client secret of "acme" is in the file [HOME]/kept

"#]],
    );
}

#[test]
fn a_secret_that_is_readable_and_wrong_is_told_by_trying() {
    let home = tempfile::tempdir().unwrap();
    let emulator = emulator().start().unwrap();
    add_acme(home.path(), &emulator.token_endpoint());
    let set = run_in(home.path(), &["secret", "set"])
        .stdin("canary")
        .outcome();
    assert!(set.stderr.contains("fewer than 8 characters"), "{set:?}");
    let tried = in_home(home.path(), "secret check --try");
    assert_eq!(tried.code, Some(4), "{tried:?}");
    assert!(tried.stdout.contains("can be read from"), "{tried:?}");
}

#[test]
fn places_that_are_not_ours_to_write_say_whose_they_are() {
    let text = "version = 1\n[profiles.v]\nenvironment = \"uat-us\"\nclient_id = \"x\"\n\
        client_secret = { env = \"A\" }\n[profiles.c]\nenvironment = \"uat-us\"\n\
        client_id = \"x\"\nclient_secret = { command = [\"pass\", \"canary\"] }\n\
        [profiles.s]\nenvironment = \"uat-us\"\nclient_id = \"x\"\n\
        client_secret = { credential = \"prove\" }\n[profiles.e]\nenvironment = \"emulator\"\n";
    let set = |name: &str| {
        let args = ["secret", "set", name];
        run(&args).config(text).stdin("canary-secret").outcome()
    };
    set("v").transcript(5, str![[""]], str![[r#"
error: the environment variable A cannot be changed from here: it belongs to whoever starts prove-token
hint: set A there, or keep the secret elsewhere

"#]]);
    set("c").transcript(
        5,
        str![[""]],
        str![[r#"
error: the command pass cannot be told a secret: it only prints one
hint: change the secret in the program that the command asks

"#]],
    );
    set("s").transcript(
        5,
        str![[""]],
        str![[r#"
error: the systemd credential "prove" is handed over by systemd
hint: change what the unit's LoadCredential=prove:… takes it from

"#]],
    );
    set("e").transcript(
        3,
        str![[""]],
        str![[r#"
error: client_secret: the profile "e" does not say where its secret is kept
hint: it needs none: the emulator brings its own credentials

"#]],
    );
}

#[test]
fn no_umask_lets_others_look() {
    let home = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_prove-token");
    let script = "umask 000\n\
        \"$0\" profile add p --environment uat-us --client-id x --client-secret-file new/kept\n\
        printf canary-secret | \"$0\" secret set p";
    let done = std::process::Command::new("sh")
        .args(["-c", script, program])
        .env_clear()
        .env("HOME", home.path())
        .current_dir(home.path())
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    for path in ["new/kept", CONFIG, ".config/prove-token/.config.toml.lock"] {
        let mode = fs::metadata(home.path().join(path))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o600, "{path}");
    }
    for path in ["new", ".config/prove-token"] {
        let mode = fs::metadata(home.path().join(path))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o700, "{path}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_secret_is_typed_at_a_terminal_and_does_not_show() {
    let home = tempfile::tempdir().unwrap();
    let emulator = emulator().start().unwrap();
    add_acme(home.path(), &emulator.token_endpoint());
    let mut terminal = Terminal::start(home.path(), 80, &["secret", "set"]);
    terminal.expect_hidden("Client secret of \"acme\"");
    // A slip, corrected.
    terminal.answer(&format!("{SECRET}x\u{7f}"));
    terminal.end().screen(
        0,
        str![[r#"
Client secret of "acme" (it does not show):
kept the client secret of "acme" in the file [HOME]/kept
try it: prove-token secret check --try acme

"#]],
    );
    assert_eq!(
        fs::read_to_string(home.path().join("kept")).unwrap(),
        SECRET
    );
    let mut terminal = Terminal::start(home.path(), 80, &["secret", "set"]);
    terminal.expect_hidden("Client secret of \"acme\"");
    terminal.press("canary-half\u{3}");
    let ended = terminal.end();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(ended.shows_what_is_typed, "{ended:?}");
    assert_eq!(
        fs::read_to_string(home.path().join("kept")).unwrap(),
        SECRET
    );
    let ended = Terminal::start(home.path(), 80, &["secret", "set", "--no-input"]).end();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.text.contains("there is nobody to ask"), "{ended:?}");
}

#[test]
fn a_secret_is_never_an_argument() {
    for args in [
        &["secret", "set", "acme", "canary"][..],
        &["init", "--client-secret", "canary"],
        &["profile", "add", "x", "--client-secret=canary"],
    ] {
        run(args).outcome().failure(2);
    }
}
