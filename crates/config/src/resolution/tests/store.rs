//! Where tokens are kept.

use super::*;

const HOME: (&str, &str) = ("HOME", "/home/x");

fn with_store(text: &str) -> String {
    format!("{FILE}[cache]\nstore = \"{text}\"\n")
}

#[cfg(unix)]
#[test]
fn tokens_are_kept_in_files_of_the_user() {
    let made = resolve(&profile("prove"), &[HOME]).unwrap();
    let folder = Path::new("/home/x/.cache/prove-token");
    assert_eq!(made.store, Store::File);
    assert_eq!(made.cache_folder.as_deref(), Some(folder));
    assert_eq!(made.store_problem, None);
    let shown = row(&made, "cache.store");
    assert_eq!(shown.value, "file, in /home/x/.cache/prove-token");
    assert_eq!(shown.origin, Origin::Default);
    let running = [HOME, ("PROVE_EMULATOR", "http://127.0.0.1:9")];
    let made = resolve(&profile("local"), &running).unwrap();
    assert_eq!(made.cache_folder.as_deref(), Some(folder));
}

#[cfg(unix)]
#[test]
fn without_a_folder_they_are_kept_with_store() {
    let made = resolve(&profile("prove"), &[]).unwrap();
    assert_eq!((made.store, &made.cache_folder), (Store::Memory, &None));
    let problem = made.store_problem.as_ref().unwrap();
    assert!(problem.message.contains("HOME"), "{problem:?}");
    let shown = row(&made, "cache.store").value;
    assert!(shown.starts_with("memory: there is no folder"), "{shown}");
}

#[test]
fn the_file_says_where() {
    for (word, store) in [("memory", Store::Memory), ("none", Store::None)] {
        let file = config(&with_store(word));
        let made = Profile::from_config(&profile("prove"), &env(&[HOME]), Some(&file)).unwrap();
        assert_eq!((made.store, &made.cache_folder), (store, &None));
        assert_eq!(made.store_problem, None);
        let shown = row(&made, "cache.store");
        assert_eq!(shown.value, word);
        assert!(matches!(shown.origin, Origin::File(_)), "{shown:?}");
    }
}

/// Its tokens end with it.
#[test]
fn tokens_of_the_built_in_emulator_are_not_kept() {
    let made = resolve(&profile("local"), &[HOME]).unwrap();
    assert_eq!((made.store, &made.cache_folder), (Store::Memory, &None));
    let made = resolve(&profile("local"), &[]).unwrap();
    assert_eq!(made.store_problem, None);
    let file = config(&with_store("none"));
    let made = Profile::from_config(&profile("local"), &env(&[HOME]), Some(&file)).unwrap();
    assert_eq!(made.store, Store::None);
}

/// Forgetting a token needs what names it, and no secret.
#[test]
fn a_profile_can_do_without_its_secret() {
    let without = |overrides: Overrides| Overrides {
        client_secret: Some(SecretOverride::None),
        ..overrides
    };
    let made = resolve(&without(profile("prove")), &[HOME]).unwrap();
    assert_eq!(row(&made, "client_secret").value, "not looked for");
    assert!(!names(&made, "FILE_SECRET"), "{made:?}");
    let of_variables = [("PROVE_CLIENT_ID", "id"), HOME];
    assert!(resolve(&without(profile("env")), &of_variables).is_ok());
    let elsewhere = Overrides {
        token_endpoint: Some(endpoint("https://idp.example.com/token")),
        client_id: Some(ClientId::new("other").unwrap()),
        ..profile("prove")
    };
    assert!(resolve(&without(elsewhere), &[HOME]).is_ok());
}
