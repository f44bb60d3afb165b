//! Secrets in a keyring, written by the command.

use std::fs;

use prove_token_config::KeyringSecret;

use super::{config, in_home};
use crate::harness::{ID, Outcome, SECRET, emulator, run_in};

/// `init` of a profile of this name, whose secret is kept there.
fn init(home: &std::path::Path, name: &str, endpoint: &str, keep: &str) -> Outcome {
    let line = format!(
        "init {name} --token-endpoint {endpoint} --client-id {ID} --client-secret-stdin \
         --keep {keep}"
    );
    let args: Vec<_> = line.split(' ').collect();
    run_in(home, &args).stdin(SECRET).outcome()
}

#[cfg(not(feature = "secret-service"))]
#[test]
fn a_keyring_that_cannot_be_had_is_not_replaced_by_another_place() {
    let home = tempfile::tempdir().unwrap();
    let emulator = emulator().start().unwrap();
    let outcome = init(home.path(), "acme", &emulator.token_endpoint(), "keyring");
    let words = outcome.failure(5);
    assert!(
        words.contains("the keyring of this system cannot be had: this build"),
        "{words}"
    );
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn the_kernel_keeps_what_init_and_secret_set_write() {
    let home = tempfile::tempdir().unwrap();
    let emulator = emulator().start().unwrap();
    // An entry that no other test, nor any user, has.
    let name = format!("test-setup-{}", std::process::id());
    let entry = KeyringSecret::new(&name, true);
    let outcome = init(
        home.path(),
        &name,
        &emulator.token_endpoint(),
        "until-reboot",
    );
    if let Err(error) = entry.check() {
        // Most containers have none: then the command says the same, and writes nothing.
        let words = outcome.failure(5);
        assert!(words.contains(&error.to_string()), "{words}");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
        return;
    }
    outcome.success();
    let written = format!("client_secret = {{ keyring = \"{name}\", until_reboot = true }}\n");
    assert!(config(home.path()).contains(&written));
    let checked = in_home(home.path(), "secret check --try");
    assert!(checked.stdout.contains("accepts it"), "{checked:?}");
    let again = init(
        home.path(),
        &name,
        &emulator.token_endpoint(),
        "until-reboot",
    );
    assert!(again.failure(2).contains("there is already a profile"));
    let set = run_in(home.path(), &["secret", "set"]).stdin("canary-other");
    assert!(set.outcome().stderr.contains("the kernel's keyring"));
    assert_eq!(in_home(home.path(), "secret check --try").code, Some(4));
    let removed = in_home(home.path(), &format!("profile remove {name} --with-secret"));
    assert!(
        removed.stderr.contains("removed its client secret"),
        "{removed:?}"
    );
    assert!(!entry.remove().unwrap(), "nothing is left there");
}
