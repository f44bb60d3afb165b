//! `prove-token profile add|remove|use` and `secret set|remove|check`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use snapbox::str;

use crate::harness::{ID, Outcome, SECRET, emulator, run, run_in};
#[cfg(target_os = "linux")]
use crate::terminal::Terminal;

const CONFIG: &str = ".config/prove-token/config.toml";

fn config(home: &Path) -> String {
    fs::read_to_string(home.join(CONFIG)).unwrap()
}

fn in_home(home: &Path, line: &str) -> Outcome {
    run_in(home, &line.split(' ').collect::<Vec<_>>()).outcome()
}

/// A profile of the emulator at this address, whose secret is to be in the file `kept`.
fn add_acme(home: &Path, endpoint: &str) {
    let line = format!(
        "profile add acme --token-endpoint {endpoint} --client-id {ID} \
         --client-secret-file kept --default"
    );
    in_home(home, &line).success();
}

#[test]
fn profiles_are_added_used_and_removed() {
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
