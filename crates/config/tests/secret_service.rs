//! The keyring of a desktop, for real: a D-Bus session of its own, and GNOME's keyring
//! in it.
//!
//! The library that speaks to it finds the session by a variable of the process, so
//! each test starts its own program once more, inside a session, and looks at what came
//! of it.
#![cfg(all(feature = "secret-service", unix, not(target_os = "macos")))]
#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

use std::path::Path;
use std::process::Command;

use prove_token::{ClientSecret, Error, ErrorKind, SecretSource as _};
use prove_token_config::{Env, KeyringSecret};

const CANARY: &str = "canary-service-+&=% ü";

/// Set in the program that runs inside a session.
const INSIDE: &str = "PROVE_TOKEN_TEST_INSIDE";

/// A keyring with one collection, which is unlocked.
const UNLOCKED: &str = "printf password | gnome-keyring-daemon --unlock --components=secrets";

/// Runs the test `name` of this program once more, after `set_up`, in a D-Bus session;
/// `false` if this is that program.
fn runs_inside_a_session(name: &str, set_up: &str) -> bool {
    if Env::from_process().var_os(INSIDE).is_some() {
        return false;
    }
    let home = tempfile::tempdir().unwrap();
    let script = format!("{set_up} >/dev/null && exec \"$0\" --exact {name} --nocapture");
    let session = ["--", "sh", "-c", script.as_str()];
    let output = within(home.path(), "dbus-run-session", &session);
    assert!(output.contains("1 passed"), "{output}");
    true
}

/// Runs `program` in an environment that leads to no session but its own.
fn within(home: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .arg(std::env::current_exe().unwrap())
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .env("XDG_DATA_HOME", home.join("data"))
        .env(INSIDE, "yes")
        .output()
        .unwrap_or_else(|error| panic!("{program} (Debian's dbus and gnome-keyring): {error}"));
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(!text.contains("canary"), "{text}");
    text
}

fn refusal<T: std::fmt::Debug>(refused: Result<T, Error>) -> String {
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SecretSource);
    assert!(error.hint().is_some(), "{error}");
    error.to_string()
}

#[test]
fn an_entry_is_saved_read_and_removed() {
    if runs_inside_a_session("an_entry_is_saved_read_and_removed", UNLOCKED) {
        return;
    }
    let (source, other) = (
        KeyringSecret::new("a b", false),
        KeyringSecret::new("c", false),
    );
    source.check().unwrap();
    let absent = "the keyring entry \"a b\" does not exist";
    assert_eq!(refusal(source.read().map(drop)), absent);
    assert!(!source.remove().unwrap());
    for secret in ["the first one", CANARY] {
        source.save(&ClientSecret::new(secret).unwrap()).unwrap();
        assert_eq!(source.read().unwrap().expose_secret(), secret);
    }
    assert!(other.read().is_err(), "another entry");
    assert!(source.remove().unwrap());
    assert_eq!(refusal(source.read().map(drop)), absent);
}
