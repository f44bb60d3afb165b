//! The keyring of a desktop, for real: a D-Bus session of its own, and GNOME's keyring
//! in it.
//!
//! The library that speaks to it finds the session by a variable of the process, so
//! each test starts its own program once more, inside a session, and looks at what came
//! of it.
#![cfg(all(feature = "secret-service", unix, not(target_os = "macos")))]
#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

use std::process::Command;
use std::time::Duration;

use prove_token::{ClientSecret, Error, ErrorKind, SecretSource as _};
use prove_token_config::{Env, KeyringSecret};

const CANARY: &str = "canary-service-+&=% ü";

/// Set in the program that runs inside a session.
const INSIDE: &str = "PROVE_TOKEN_TEST_INSIDE";

/// A D-Bus session for one test.
struct Session {
    /// What its daemon is told; by default that of the system.
    configuration: Option<&'static str>,
    /// What runs in it before the test.
    set_up: &'static str,
}

/// A keyring with one collection, which is unlocked.
const UNLOCKED: Session = Session {
    configuration: None,
    set_up: "printf password | gnome-keyring-daemon --unlock --components=secrets",
};

/// A session in which no program offers a keyring.
const BARE: Session = Session {
    configuration: Some(
        "<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen>\
         <policy context=\"default\"><allow send_destination=\"*\"/>\
         <allow receive_sender=\"*\"/></policy></busconfig>",
    ),
    set_up: "true",
};

/// No session at all.
const NONE: Session = Session {
    configuration: None,
    set_up: "export DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere",
};

impl Session {
    /// Runs the test `name` of this program once more, in this session; `false` if this
    /// is that program.
    fn runs(&self, name: &str) -> bool {
        if Env::from_process().var_os(INSIDE).is_some() {
            return false;
        }
        let home = tempfile::tempdir().unwrap();
        let mut session = Command::new("dbus-run-session");
        if let Some(text) = self.configuration {
            let path = home.path().join("bus.conf");
            std::fs::write(&path, text).unwrap();
            session.arg("--config-file").arg(path);
        }
        let set_up = self.set_up;
        let script = format!("{set_up} >&2 && exec \"$0\" --exact {name} --nocapture");
        let output = session
            .args(["--", "sh", "-c", &script])
            .arg(std::env::current_exe().unwrap())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", home.path())
            .env("XDG_RUNTIME_DIR", home.path())
            .env(INSIDE, "yes")
            .output()
            .unwrap_or_else(|error| panic!("dbus-run-session (Debian: dbus): {error}"));
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        assert!(text.contains("1 passed"), "{text}");
        assert!(!text.contains("canary"), "{text}");
        true
    }
}

fn refusal<T: std::fmt::Debug>(refused: Result<T, Error>) -> String {
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SecretSource);
    assert!(error.hint().is_some(), "{error}");
    error.to_string()
}

#[test]
fn an_entry_is_saved_read_and_removed() {
    if UNLOCKED.runs("an_entry_is_saved_read_and_removed") {
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

#[test]
fn a_locked_keyring_that_nobody_unlocks_is_an_error() {
    if UNLOCKED.runs("a_locked_keyring_that_nobody_unlocks_is_an_error") {
        return;
    }
    // Time enough for a slow machine, and short of the flight it would be a part of.
    let source = KeyringSecret::new("locked", false).time_limit(Duration::from_secs(20));
    source.save(&ClientSecret::new(CANARY).unwrap()).unwrap();
    let locked = Command::new("dbus-send")
        .args([
            "--session",
            "--print-reply",
            "--dest=org.freedesktop.secrets",
        ])
        .arg("/org/freedesktop/secrets")
        .arg("org.freedesktop.Secret.Service.Lock")
        .arg("array:objpath:/org/freedesktop/secrets/collection/login")
        .output()
        .unwrap();
    assert!(locked.status.success(), "{locked:?}");
    assert_eq!(
        refusal(source.read().map(drop)),
        "the keyring entry \"locked\" is locked, or access to it was refused"
    );
    // To look at the keyring asks nobody.
    source.check().unwrap();
}

#[test]
fn a_session_without_a_keyring_says_so() {
    if BARE.runs("a_session_without_a_keyring_says_so") {
        return;
    }
    let refused = refusal(KeyringSecret::new("a", false).check());
    assert!(
        refused.starts_with("the keyring of this system cannot be had: "),
        "{refused}"
    );
    assert!(refused.contains("org.freedesktop.secrets"), "{refused}");
}

#[test]
fn without_a_session_there_is_no_keyring() {
    if NONE.runs("without_a_session_there_is_no_keyring") {
        return;
    }
    let source = KeyringSecret::new("a", false);
    let secret = ClientSecret::new(CANARY).unwrap();
    for refused in [
        source.read().map(drop),
        source.save(&secret),
        source.remove().map(drop),
    ] {
        let refused = refusal(refused);
        assert!(
            refused.starts_with("the keyring entry \"a\" cannot be had: "),
            "{refused}"
        );
        assert!(refused.contains("/nowhere"), "{refused}");
    }
}
