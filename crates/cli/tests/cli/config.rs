use crate::harness::run;

const GOOD: &str = "version = 1\ndefault_profile = \"a\"\n\
    [profiles.a]\nenvironment = \"uat-eu\"\nclient_id = \"abc\"\nclient_secret = { env = \"A\" }\n\
    [profiles.b]\nenvironment = \"emulator\"\n";

const BAD: &str = "version = 1\n\
    [profiles.a]\nenvironmnet = \"uat-eu\"\nclient_id = 5\nclient_secret = \"canary-literal\"\n\
    [profiles.b]\ntoken_endpoint = \"http://example.com/token\"\nclient_id = \"x\"\nclient_secret = { env = \"B\" }\n";

#[test]
fn a_good_file_is_valid_and_explained() {
    let path = run(&["config", "path"]).config(GOOD).outcome().success();
    assert!(path.ends_with("/prove-token/config.toml\n"), "{path}");
    let valid = run(&["config", "validate"])
        .config(GOOD)
        .outcome()
        .success();
    assert!(valid.ends_with("is valid: 2 profiles\n"), "{valid}");
    for args in [&["config", "show"][..], &["profile", "show", "a"]] {
        let shown = run(args)
            .config(GOOD)
            .env("A", "canary")
            .outcome()
            .success();
        assert!(
            shown.contains("platform.uat.eu.proveapis.com/token"),
            "{shown}"
        );
        assert!(shown.contains("environment variable A"), "{shown}");
    }
    let list = run(&["profile", "list"]).config(GOOD).outcome().success();
    assert!(list.contains("* a") && list.contains("  b"), "{list}");
    let list = run(&["profile", "list", "-o", "json"])
        .config(GOOD)
        .outcome()
        .success();
    assert!(list.contains("\"name\":\"a\",\"default\":true"), "{list}");
}

#[test]
fn all_problems_of_a_file_come_at_once_with_their_places() {
    let words = run(&["config", "validate"])
        .config(BAD)
        .outcome()
        .failure(3);
    for part in [
        ":3:1",
        "environmnet",
        "environment",
        ":4:",
        "client_id",
        ":5:",
        "client_secret",
        ":7:",
        "https",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    let json = run(&["config", "validate", "-o", "json"])
        .config(BAD)
        .outcome()
        .failure(3);
    assert!(
        json.contains("\"problems\":[{") && json.lines().count() == 1,
        "{json}"
    );
    let outcome = run(&["profile", "list"]).config(BAD).outcome();
    assert_eq!(outcome.code, Some(3));
    assert!(
        outcome.stdout.contains("3 problems") && outcome.stdout.contains("1 problem"),
        "{outcome:?}"
    );
}

#[test]
fn without_a_file_the_places_are_named() {
    let words = run(&["config", "path"]).outcome().failure(3);
    assert!(words.contains(".config/prove-token/config.toml"), "{words}");
    let words = run(&["config", "validate", "--config", "nowhere.toml"])
        .outcome()
        .failure(3);
    assert!(words.contains("nowhere.toml"), "{words}");
}

#[test]
fn a_hostile_name_gives_a_terminal_no_orders() {
    let config = "version = 1\n[profiles.\"a\\u001b[2J\\nb\\u202e\"]\nenvironment = \"emulator\"\n";
    let outcome = run(&["profile", "list"]).config(config).outcome();
    assert!(
        !outcome.stdout.contains(['\u{1b}', '\u{202e}']),
        "{outcome:?}"
    );
    assert_eq!(outcome.stdout.lines().count(), 1, "{outcome:?}");
}

#[test]
fn flags_that_would_do_nothing_are_refused() {
    let words = run(&["config", "show", "--timeout", "5s"])
        .config(GOOD)
        .outcome()
        .failure(2);
    assert!(words.contains("--timeout"), "{words}");
}

#[test]
fn credentials_without_a_place_are_told_how_to_name_one() {
    let words = run(&["token", "--client-id", "x", "--client-secret-file", "s"])
        .outcome()
        .failure(3);
    assert!(
        words.contains("add --environment uat-us (or --token-endpoint URL)"),
        "{words}"
    );
}
