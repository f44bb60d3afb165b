//! Forgetting tokens that are kept.

use crate::harness::{ID, run, run_in};
use crate::store::Place;

#[test]
fn a_profile_is_purged_without_its_secret() {
    let place = Place::new();
    let first = place.token();
    place
        .run(&["token", "--audience", "https://a.example"])
        .outcome()
        .success();
    let purge = |args: &[&str]| {
        // Not even the variable of the secret is there.
        let purge = run_in(place.home(), &[&["purge"][..], args].concat());
        let outcome = purge.outcome();
        assert_eq!(outcome.stdout, "", "{outcome:?}");
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        outcome.stderr
    };
    assert_eq!(purge(&["mine"]), "forgot 1 token\n");
    assert_eq!(purge(&["mine"]), "forgot 0 tokens\n");
    assert_eq!(
        purge(&["-p", "mine", "--audience", "https://a.example"]),
        "forgot 1 token\n"
    );
    assert_eq!(purge(&["-q"]), "");
    place.assert_requests(2);
    assert_ne!(place.token(), first);
    place.assert_requests(3);
}

#[test]
fn a_secret_source_is_not_touched() {
    let place = Place::new();
    let marker = place.home().join("read");
    place.configure(&format!(
        "[profiles.printed]\ntoken_endpoint = \"{}\"\nclient_id = \"{ID}\"\n\
         client_secret = {{ command = [\"touch\", \"{}\"] }}\n",
        place.emulator.token_endpoint(),
        marker.display()
    ));
    place.token();
    let purge = || {
        place
            .run(&["purge", "printed"])
            .env("PATH", "/usr/bin:/bin")
    };
    assert_eq!(
        purge().outcome().stderr,
        "forgot 1 token\n",
        "the same slot"
    );
    assert!(!marker.exists());
    assert_eq!(purge().outcome().code, Some(0));
}

#[test]
fn without_a_profile_it_says_what_every_command_says() {
    let purge = run(&["purge"]).outcome().failure(3);
    assert_eq!(purge, run(&["token"]).outcome().failure(3));
}

#[test]
fn all_of_them_go_whatever_the_configuration() {
    let place = Place::new();
    place.token();
    place
        .run(&["token", "--audience", "https://a.example"])
        .outcome()
        .success();
    let all = || {
        run_in(place.home(), &["purge", "--all"])
            .config("this is not TOML")
            .outcome()
    };
    assert_eq!(all().stderr, "forgot 2 tokens\n");
    assert_eq!(all().stderr, "forgot 0 tokens\n");
    let tokens = std::fs::read_dir(place.cache()).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().ends_with(".token")
    });
    assert_eq!(tokens.count(), 0);
    place.configure("");
    place.token();
    place.assert_requests(3);
}

#[test]
fn where_nothing_is_kept_nothing_is_forgotten() {
    for args in [
        &["purge", "--all"][..],
        &["purge", "--environment", "emulator"],
        &["purge", "--environment", "uat-us", "--client-id", "x"],
    ] {
        let outcome = run(args).outcome();
        assert_eq!(outcome.stderr, "forgot 0 tokens\n", "{args:?}");
        assert_eq!(outcome.code, Some(0));
    }
}

#[test]
fn failures_have_their_codes() {
    for args in [
        &["purge", "--all", "mine"][..],
        &["purge", "--all", "--audience", "x"],
        &["purge", "a", "-p", "b"],
    ] {
        let words = run(args).outcome().failure(2);
        assert!(words.contains("cannot be used with"), "{words}");
    }
    let words = run(&["purge"]).outcome().failure(3);
    assert!(words.contains("no profile is chosen"), "{words}");
    let words = run(&["purge", "--all"])
        .without_env("HOME")
        .outcome()
        .failure(3);
    assert!(words.contains("HOME"), "{words}");
    let place = Place::new();
    std::fs::create_dir_all(place.cache()).unwrap();
    let words = place.run(&["purge", "--all"]).outcome().failure(1);
    assert!(words.contains("not every token was forgotten"), "{words}");
}
