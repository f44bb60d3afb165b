//! Profiles in the configuration file.

use snapbox::str;

use super::{config, in_home};
use crate::harness::{run, run_in};

#[test]
fn profiles_are_added() {
    let home = tempfile::tempdir().unwrap();
    in_home(
        home.path(),
        "profile add acme --environment uat-eu --client-id abc --client-secret-file kept",
    )
    .transcript(
        0,
        str![[""]],
        str![[r#"
added the profile "acme" to [HOME]/.config/prove-token/config.toml
if its secret is not there yet: prove-token secret set acme
use it: prove-token -p acme token

"#]],
    );
    in_home(
        home.path(),
        "profile add other --token-endpoint https://idp.example.com/token --client-id abc \
         --api-base https://api.example.com --client-authentication client_secret_basic \
         --scope read --scope write --audience a --default \
         --client-secret-command pass show --clip other",
    )
    .transcript(
        0,
        str![[""]],
        str![[r#"
added the profile "other" to [HOME]/.config/prove-token/config.toml

"#]],
    );
    snapbox::assert_data_eq!(
        config(home.path()).replace(home.path().to_str().unwrap(), "[HOME]"),
        str![[r#"
version = 1
default_profile = "other"

[profiles.acme]
environment = "uat-eu"
client_id = "abc"
client_secret = { file = "[HOME]/kept" }

[profiles.other]
token_endpoint = "https://idp.example.com/token"
api_base = "https://api.example.com"
client_id = "abc"
client_secret = { command = ["pass", "show", "--clip", "other"] }
client_authentication = "client_secret_basic"
scope = ["read", "write"]
audience = "a"

"#]]
    );
}

#[test]
fn profiles_are_used_and_removed() {
    let home = tempfile::tempdir().unwrap();
    in_home(home.path(), "profile add acme --environment emulator").success();
    in_home(
        home.path(),
        "profile add other --environment emulator --default",
    )
    .success();
    in_home(home.path(), "profile use acme").transcript(
        0,
        str![[""]],
        str![[r#"
"acme" is the default profile now

"#]],
    );
    in_home(home.path(), "profile remove acme").transcript(
        0,
        str![[""]],
        str![[r#"
removed the profile "acme" from [HOME]/.config/prove-token/config.toml
no profile is the default now; to choose one: prove-token profile use NAME

"#]],
    );
    in_home(home.path(), "profile use --none").transcript(
        0,
        str![[""]],
        str![[r#"
no profile is the default now

"#]],
    );
    in_home(home.path(), "profile list").transcript(
        0,
        str![[r#"
  other  ok  [HOME]/.config/prove-token/config.toml:3:1

"#]],
        str![[""]],
    );
}

#[test]
fn every_place_of_a_secret_can_be_named() {
    for (flags, written) in [
        ("--client-secret-env A", "{ env = \"A\" }"),
        ("--client-secret-keyring k", "{ keyring = \"k\" }"),
        (
            "--client-secret-keyring k --until-reboot",
            "{ keyring = \"k\", until_reboot = true }",
        ),
        ("--client-secret-credential c", "{ credential = \"c\" }"),
        ("--client-secret-file /f", "{ file = \"/f\" }"),
        (
            "--client-secret-command p -x",
            "{ command = [\"p\", \"-x\"] }",
        ),
    ] {
        let home = tempfile::tempdir().unwrap();
        let line = format!("profile add p --environment uat-us --client-id x {flags}");
        in_home(home.path(), &line).success();
        let text = config(home.path());
        assert!(
            text.contains(&format!("client_secret = {written}\n")),
            "{text}"
        );
    }
}

#[test]
fn a_profile_that_cannot_be_added_says_what_is_missing() {
    let add = |flags: &str| {
        run(&format!("profile add p {flags}")
            .split(' ')
            .collect::<Vec<_>>())
    };
    add("--client-id x").outcome().transcript(
        2,
        str![[""]],
        str![[r#"
error: nothing says where the tokens come from
hint: give --environment, or the --token-endpoint of another provider

"#]],
    );
    add("--environment uat-us --client-id x")
        .outcome()
        .transcript(2, str![[""]], str![[r#"
error: nothing says where the client secret is
hint: give --client-secret-file, or another flag of where it is, which --help lists; prove-token init asks for the secret, and keeps it

"#]]);
    let words = add("--environment uat-us").outcome().failure(2);
    assert!(words.contains("--client-id is missing"), "{words}");
    let line = "--environment uat-us --client-id x --client-secret-env A --client-secret-file f";
    let words = add(line).outcome().failure(2);
    assert!(words.contains("cannot be used with"), "{words}");
    let words = add("--environment emulator --api-base https://a.example.com")
        .outcome()
        .failure(3);
    assert!(words.contains("api_base has no effect"), "{words}");
    let line = "--environment uat-us --client-id x --client-secret-env not-a-name";
    let words = add(line).outcome().failure(3);
    assert!(
        words.contains("not the name of an environment variable"),
        "{words}"
    );
    let words = run(&["profile", "add", "Canary!", "--environment", "emulator"])
        .outcome()
        .failure(3);
    assert!(words.contains("not a name for a profile"), "{words}");
}

#[test]
fn a_profile_of_that_name_is_replaced_only_if_asked() {
    let home = tempfile::tempdir().unwrap();
    in_home(home.path(), "profile add p --environment emulator").success();
    let before = config(home.path());
    in_home(home.path(), "profile add p --environment emulator").transcript(
        2,
        str![[""]],
        str![[r#"
error: there is already a profile "p" in [HOME]/.config/prove-token/config.toml
hint: choose another name, or replace it with --force

"#]],
    );
    assert_eq!(config(home.path()), before);
    let line = "profile add p --environment uat-us --client-id x --client-secret-env A --force";
    in_home(home.path(), line).success();
    assert!(config(home.path()).contains("uat-us"));
}

#[test]
fn what_is_not_there_cannot_be_used_or_removed() {
    let home = tempfile::tempdir().unwrap();
    in_home(home.path(), "profile add acme --environment emulator").success();
    in_home(home.path(), "profile use acne").transcript(
        3,
        str![[""]],
        str![[r#"
error: there is no profile "acne"
hint: did you mean acme?

"#]],
    );
    in_home(home.path(), "profile remove acne").transcript(
        3,
        str![[""]],
        str![[r#"
error: there is no profile "acne"
hint: did you mean acme?

"#]],
    );
    let words = in_home(home.path(), "profile use").failure(2);
    assert!(words.contains("is missing"), "{words}");
}

#[test]
fn a_secret_that_another_profile_needs_is_not_removed() {
    let home = tempfile::tempdir().unwrap();
    for name in ["one", "two"] {
        let add = format!(
            "profile add {name} --environment uat-us --client-id x --client-secret-file kept"
        );
        in_home(home.path(), &add).success();
    }
    std::fs::write(home.path().join("kept"), "canary-secret").unwrap();
    in_home(home.path(), "profile remove one --with-secret").transcript(
        3,
        str![],
        str![[r#"
error: the profile "two" keeps its client secret in the file [HOME]/kept, too
hint: leave out --with-secret, or remove that profile first

"#]],
    );
    assert!(config(home.path()).contains("[profiles.one]"));
    in_home(home.path(), "profile remove one").success();
    in_home(home.path(), "profile remove two --with-secret").success();
    assert!(!home.path().join("kept").exists());
}

#[test]
fn a_variable_that_overrules_the_default_is_named() {
    let outcome = run(&["profile", "use", "e"])
        .config("version = 1\n[profiles.e]\nenvironment = \"emulator\"\n")
        .env("PROVE_CLIENT_ID", "x")
        .outcome();
    assert!(
        outcome.stderr.contains("PROVE_CLIENT_ID is set here"),
        "{outcome:?}"
    );
}

#[test]
fn profiles_added_by_processes_at_once_are_all_there() {
    let home = tempfile::tempdir().unwrap();
    let running: Vec<_> = (0..12)
        .map(|number| {
            let name = format!("p{number}");
            run_in(
                home.path(),
                &["profile", "add", &name, "--environment", "emulator"],
            )
            .start()
        })
        .collect();
    for run in running {
        run.outcome().success();
    }
    let list = in_home(home.path(), "profile list").success();
    assert_eq!(
        list.lines().filter(|line| line.contains(" p")).count(),
        12,
        "{list}"
    );
}
