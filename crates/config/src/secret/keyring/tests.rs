use prove_token::ErrorKind;

use super::*;

const CANARY: &str = "canary-keyring-19";

/// The text of an error and its hint, after a look for the canary.
fn words(error: &Error) -> (String, String) {
    assert_eq!(error.kind(), ErrorKind::SecretSource);
    let hint = error.hint().expect("a hint").to_owned();
    assert!(!format!("{error} {error:?} {hint}").contains("canary"));
    (error.to_string(), hint)
}

/// An entry that no other test, nor any user, has.
#[cfg(target_os = "linux")]
fn own(name: &str) -> KeyringSecret {
    KeyringSecret::new(format!("test-{name}-{}", std::process::id()), true)
}

/// Whether the kernel lets this process have a keyring. Where it does not (most
/// containers), everything says so in the same words.
#[cfg(target_os = "linux")]
fn has_kernel_keyring(source: &KeyringSecret) -> bool {
    let Err(error) = source.check() else {
        return true;
    };
    let (message, hint) = words(&error);
    let reason = message.strip_prefix("the keyring of the kernel cannot be had: ");
    let reason = reason.unwrap_or_else(|| panic!("{message}"));
    assert!(
        ["permission denied", "this kernel has none"].contains(&reason),
        "{message}"
    );
    assert!(hint.starts_with("containers often forbid it"), "{hint}");
    let secret = ClientSecret::new(CANARY).unwrap();
    let name = &source.name;
    for refused in [
        source.read().map(drop),
        source.save(&secret),
        source.remove().map(drop),
    ] {
        assert_eq!(
            words(&refused.unwrap_err()).0,
            format!("the kernel keyring entry {name:?} cannot be had: {reason}")
        );
    }
    false
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernel_keeps_an_entry_until_it_is_removed() {
    let source = own("kept");
    if !has_kernel_keyring(&source) {
        return;
    }
    let absent = format!("the kernel keyring entry {:?} does not exist", source.name);
    assert_eq!(words(&source.read().unwrap_err()).0, absent);
    assert!(!source.remove().unwrap());
    for secret in [CANARY, "another-canary"] {
        source.save(&ClientSecret::new(secret).unwrap()).unwrap();
        // Another thread has no link to the keyring yet, as another process has none.
        let read = std::thread::scope(|scope| scope.spawn(|| source.read()).join().unwrap());
        assert_eq!(read.unwrap().expose_secret(), secret);
    }
    assert!(source.remove().unwrap());
    assert_eq!(words(&source.read().unwrap_err()).0, absent);
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_kernel_has_no_room_for_is_refused() {
    let source = own("full");
    if !has_kernel_keyring(&source) {
        return;
    }
    let secret = ClientSecret::new("canary".repeat(6_000)).unwrap();
    let (message, _) = words(&source.save(&secret).unwrap_err());
    assert!(
        message.ends_with("does not fit into the keyring"),
        "{message}"
    );
    assert!(!source.remove().unwrap());
}

#[cfg(not(any(target_os = "macos", windows, all(unix, feature = "secret-service"))))]
#[test]
fn a_build_without_a_keyring_says_what_to_do() {
    let source = KeyringSecret::new("prove-uat", false);
    let secret = ClientSecret::new(CANARY).unwrap();
    for refused in [
        source.read().map(drop),
        source.save(&secret),
        source.remove().map(drop),
    ] {
        let (message, hint) = words(&refused.unwrap_err());
        assert_eq!(
            message,
            "the keyring entry \"prove-uat\" cannot be had: this build has no support for it"
        );
        assert!(hint.contains("--features secret-service"), "{hint}");
    }
    assert_eq!(
        words(&source.check().unwrap_err()).0,
        "the keyring of this system cannot be had: this build has no support for it"
    );
}

#[test]
fn a_keyring_that_never_answers_is_left_alone() {
    let (release, never) = std::sync::mpsc::channel::<()>();
    let limit = Duration::from_millis(20);
    let waited = worker::within(limit, move || {
        // Ends with the test.
        let _ = never.recv();
        Ok(())
    });
    assert_eq!(waited, Err(Trouble::TooSlow(limit)));
    assert_eq!(
        Trouble::TooSlow(limit).to_string(),
        "gave no answer within 20ms"
    );
    drop(release);
    let panicked = worker::within::<()>(Duration::from_secs(60), || panic!("a library of others"));
    assert_eq!(
        panicked,
        Err(Trouble::Unreachable("speaking to it panicked".to_owned()))
    );
}

#[test]
fn an_entry_is_told_from_another() {
    let identity = |name, until_reboot| KeyringSecret::new(name, until_reboot).identity();
    // Fixed for ever: stored tokens are found by them.
    assert_eq!(identity("a", false), "keyring:a");
    assert_eq!(identity("a", true), "kernel-keyring:a");
    // How long it may take does not make another secret of it.
    let patient = KeyringSecret::new("a", false).time_limit(Duration::from_secs(60));
    assert_eq!(patient.identity(), "keyring:a");
    assert_eq!(patient.time_limit, Duration::from_secs(60));
    let shortest = patient.time_limit(Duration::ZERO);
    assert_eq!(shortest.time_limit, Duration::from_secs(1));
}
