//! Without a terminal.

use std::fs;

use snapbox::str;

use crate::harness::{ID, Outcome, SECRET, emulator, run, run_in};

fn init(args: &[&str]) -> Outcome {
    run(&[&["init"][..], args].concat()).outcome()
}

#[test]
fn flags_say_it_all() {
    let home = tempfile::tempdir().unwrap();
    let emulator = emulator().start().unwrap();
    let endpoint = emulator.token_endpoint();
    let mut args = vec!["init", "acme", "--token-endpoint", &endpoint];
    args.extend(["--api-base", emulator.url(), "--client-id", ID]);
    args.extend(["--client-secret-stdin", "--keep", "file", "--no-input"]);
    run_in(home.path(), &args)
        .stdin(SECRET)
        .outcome()
        .transcript(
            0,
            str![[""]],
            str![[r#"
requesting a token, to see whether the credentials work …
they do: a token for [..]
wrote the profile "acme" to [HOME]/.config/prove-token/config.toml
next:
  prove-token token

"#]],
        );
    // What it made works.
    let token = run_in(home.path(), &["token"]).outcome().success();
    assert!(token.starts_with("eyJ"), "{token}");
    let check = run_in(home.path(), &["secret", "check", "--try"]).outcome();
    assert_eq!(check.code, Some(0), "{check:?}");
}

#[test]
fn what_would_be_asked_is_named() {
    let all = [
        "--environment=uat-us",
        "--client-id=x",
        "--client-secret-file=s",
        "--keep=file",
    ];
    for missing in all {
        let given: Vec<_> = all.into_iter().filter(|flag| *flag != missing).collect();
        let words = init(&given).failure(2);
        let name = missing.split('=').next().unwrap();
        assert!(words.starts_with("error: "), "{words}");
        assert!(words.contains(name), "{words}");
        assert!(
            words.contains("without a terminal nothing can be asked"),
            "{words}"
        );
    }
    init(&["--no-input"]).transcript(
        2,
        str![[""]],
        str![[r#"
error: --environment is missing
hint: with --no-input nothing is asked

"#]],
    );
    let words = init(&["--environment=uat-us", "--client-id=x", "--keep=env"]).failure(2);
    assert!(words.contains("--secret-env is missing"), "{words}");
    let words = init(&[
        "--token-endpoint=https://idp.example.com/t",
        "--client-id=x",
    ])
    .failure(2);
    assert!(words.contains("the profile's name is missing"), "{words}");
}

#[test]
fn flags_without_an_effect_are_refused() {
    for args in [
        &["--environment=emulator", "--client-id=x"][..],
        &["--environment=emulator", "--keep=file"],
        &["--environment=emulator", "--client-secret-stdin"],
        &[
            "--environment=uat-us",
            "--client-id=x",
            "--client-secret-stdin",
            "--keep=file",
            "--secret-env=A",
        ],
    ] {
        let words = init(args).failure(2);
        assert!(words.contains("has no effect here"), "{words}");
    }
}

#[test]
fn a_rejection_writes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let emulator = emulator().start().unwrap();
    let endpoint = emulator.token_endpoint();
    let mut args = vec!["init", "acme", "--token-endpoint", &endpoint];
    args.extend(["--client-id", ID, "--client-secret-stdin", "--keep", "file"]);
    run_in(home.path(), &args)
        .stdin("canary-wrong")
        .outcome()
        .transcript(4, str![[""]], str![[r#"
requesting a token, to see whether the credentials work …
error: http://127.0.0.1:[PORT]/token rejected the client credentials (status 401, code 8002: not authorized)
hint: check the client id and secret for stray characters, and that they belong to this server
hint: nothing was written; --no-try writes the profile without a test

"#]]);
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    args.push("--no-try");
    let outcome = run_in(home.path(), &args).stdin("canary-wrong").outcome();
    assert_eq!(outcome.success(), "");
    assert!(
        home.path()
            .join(".config/prove-token/secrets/acme")
            .exists()
    );
}

#[test]
fn a_secret_that_is_there_is_not_written_over_unasked() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".config/prove-token/secrets/acme");
    let args = [
        "init",
        "acme",
        "--environment=uat-us",
        "--client-id=x",
        "--client-secret-stdin",
        "--keep=file",
        "--no-try",
    ];
    let again = |more: &[&str], secret: &str| {
        run_in(home.path(), &[&args[..], more].concat())
            .stdin(secret)
            .outcome()
    };
    again(&[], "canary-one").success();
    let words = again(&[], "canary-two").failure(2);
    assert!(
        words.contains("there is already a profile \"acme\""),
        "{words}"
    );
    run_in(home.path(), &["profile", "remove", "acme"])
        .outcome()
        .success();
    let words = again(&[], "canary-two").failure(2);
    assert!(words.contains("a secret is kept in the file"), "{words}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "canary-one");
    again(&["--force"], "canary-two").success();
    assert_eq!(fs::read_to_string(&file).unwrap(), "canary-two");
}

#[test]
fn a_step_that_fails_takes_the_one_before_back() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/prove-token");
    fs::create_dir_all(folder.join("secrets")).unwrap();
    fs::write(folder.join("config.toml"), "version = 1\n").unwrap();
    let private = fs::Permissions::from_mode(0o600);
    fs::set_permissions(folder.join("config.toml"), private).unwrap();
    // The lock cannot be opened, which shows when the file is written, and not before.
    symlink("nowhere", folder.join(".config.toml.lock")).unwrap();
    let args = [
        "init",
        "acme",
        "--environment=uat-us",
        "--client-id=x",
        "--client-secret-stdin",
        "--keep=file",
        "--no-try",
        "--force",
    ];
    let secret = folder.join("secrets/acme");
    for old in [None, Some("canary-old")] {
        if let Some(old) = old {
            fs::write(&secret, old).unwrap();
            fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let words = run_in(home.path(), &args)
            .stdin("canary-new")
            .outcome()
            .failure(3);
        assert!(words.contains("cannot be locked"), "{words}");
        assert_eq!(fs::read_to_string(&secret).ok().as_deref(), old);
    }
    let config = fs::read_to_string(folder.join("config.toml")).unwrap();
    assert_eq!(config, "version = 1\n");
}

#[test]
fn a_file_with_problems_is_told_before_anything_is_asked() {
    let outcome = run(&["init", "--environment", "emulator"])
        .config("version = 1\nmore = 2\n")
        .outcome();
    assert!(
        outcome
            .failure(3)
            .contains("config.toml:2:1: more: unknown key")
    );
}
