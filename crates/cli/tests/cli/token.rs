use std::process::Command;

use snapbox::str;

use crate::harness::{SECRET, emulator, run, run_at};

#[test]
fn what_a_person_sees() {
    run(&["token", "--environment", "emulator"])
        .outcome()
        .transcript(
            0,
            str![[r#"
[TOKEN]

"#]],
            str![],
        );
    run(&["--environment", "emulator", "token", "-o", "header"])
        .outcome()
        .transcript(
            0,
            str![[r#"
Authorization: Bearer [TOKEN]

"#]],
            str![],
        );
    run(&["token"]).outcome().transcript(3, str![], str![[r#"
error: no profile is chosen, and none is configured
hint: let prove-token init ask for what it takes, or set PROVE_CLIENT_ID and PROVE_CLIENT_SECRET; to try it without an account: prove-token token --environment emulator

"#]]);
    run(&["-p", "one", "token", "other"]).outcome().transcript(
        2,
        str![],
        str![[r#"
error: [PROFILE] cannot be used with --profile <NAME>
hint: --help says what there is

"#]],
    );
    run(&["inspect", "--profile", "one"]).outcome().transcript(
        2,
        str![],
        str![[r#"
error: --profile has no effect here
hint: leave out --profile; --help says what there is

"#]],
    );
    let emulator = emulator().start().unwrap();
    run_at(&emulator, &["token"])
        .stdin("canary-wrong")
        .outcome()
        .transcript(4, str![], str![[r#"
error: http://127.0.0.1:[PORT]/token rejected the client credentials (status 401, code 8002: not authorized)
hint: check the client id and secret for stray characters, and that they belong to this server

"#]]);
}

#[test]
fn without_account_file_or_argument_a_token_comes_out() {
    let outcome = run(&["token", "--environment", "emulator"]).outcome();
    assert_eq!(outcome.stderr, "");
    let token = outcome.success();
    assert_eq!(
        token.trim_end().split('.').count(),
        3,
        "a JWT and a newline: {token}"
    );
    assert!(token.ends_with('\n') && token.lines().count() == 1);
}

#[test]
fn verbose_tells_the_story_on_stderr() {
    let outcome = run(&["token", "--environment", "emulator", "-v"]).outcome();
    for words in [
        "environment = emulator (flag)",
        "emulator started at http://127.0.0.1:",
        "> POST http://127.0.0.1:",
        "< access token [redacted], lives 1h",
    ] {
        assert!(outcome.stderr.contains(words), "{words}: {outcome:?}");
    }
    let outcome = run(&[
        "token",
        "--environment",
        "emulator",
        "-v",
        "--log-format",
        "json",
    ])
    .outcome();
    assert!(
        outcome
            .stderr
            .lines()
            .all(|line| line.starts_with("{\"event\":")),
        "{outcome:?}"
    );
}

#[test]
fn a_running_emulator_is_used() {
    let emulator = prove_token_emulator::Emulator::builder().start().unwrap();
    run(&["token", "--environment", "emulator"])
        .env("PROVE_EMULATOR", emulator.url())
        .outcome()
        .success();
    run(&["token"])
        .env("PROVE_EMULATOR", emulator.url())
        .env("PROVE_TOKEN_PROFILE", "local")
        .config("version = 1\n[profiles.local]\nenvironment = \"emulator\"\n")
        .outcome()
        .success();
    assert_eq!(emulator.token_requests(), 2);
    let words = run(&["token", "--environment", "emulator"])
        .env("PROVE_EMULATOR", "http://example.com:1")
        .outcome()
        .failure(3);
    assert!(words.contains("PROVE_EMULATOR"), "{words}");
}

#[test]
fn every_format_says_the_same() {
    let emulator = emulator().start().unwrap();
    let print = |format| {
        run_at(&emulator, &["token", "-o", format])
            .outcome()
            .success()
    };
    assert!(print("raw").starts_with("eyJ"));
    assert!(print("header").starts_with("Authorization: Bearer eyJ"));
    assert!(print("env").starts_with("export PROVE_ACCESS_TOKEN='eyJ"));
    assert!(print("dotenv").starts_with("PROVE_ACCESS_TOKEN=eyJ"));
    assert!(print("fish").starts_with("set -gx PROVE_ACCESS_TOKEN 'eyJ"));
    assert!(print("powershell").starts_with("$env:PROVE_ACCESS_TOKEN = 'eyJ"));
    let json = print("json");
    for part in [
        "\"access_token\":\"eyJ",
        "\"token_type\":\"Bearer\"",
        "\"expires_in\":3",
        "\"expires_at\":1",
        "\"expires_at_rfc3339\":\"2",
        "\"profile\":\"flags\"",
    ] {
        assert!(json.contains(part), "{part}: {json}");
    }
}

#[cfg(unix)]
#[test]
fn a_shell_can_take_it_over() {
    let binary = env!("CARGO_BIN_EXE_prove-token");
    let script = format!(
        "eval \"$('{binary}' token --environment emulator -o env)\"; echo \"$PROVE_ACCESS_TOKEN\""
    );
    let output = Command::new("sh")
        .args(["-c", &script])
        .env_clear()
        .output()
        .unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("eyJ"));
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_panic() {
    use std::process::Stdio;
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_prove-token"))
        .args(["token", "--environment", "emulator"])
        .env_clear()
        .env("HOME", home.path())
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_secret_is_refused_in_argv_and_not_repeated() {
    for args in [
        &["token", "--client-secret", SECRET][..],
        &["token", &format!("--client-secret={SECRET}")],
    ] {
        let words = run(args).outcome().failure(2);
        assert!(words.contains("never goes on the command line"), "{words}");
    }
}

#[test]
fn the_secret_comes_from_a_pipe_a_file_or_the_environment() {
    let emulator = emulator().start().unwrap();
    run_at(&emulator, &["token"])
        .stdin(&format!("{SECRET}\n"))
        .outcome()
        .success();
    let endpoint = emulator.token_endpoint();
    let flags = [
        "token",
        "--token-endpoint",
        &endpoint,
        "--client-id",
        "the-client",
    ];
    run(&[&flags[..], &["--client-secret-file", "secret"]].concat())
        .file("secret", SECRET)
        .outcome()
        .success();
    let config = format!(
        "version = 1\ndefault_profile = \"mine\"\n[profiles.mine]\ntoken_endpoint = \"{endpoint}\"\n\
         client_id = \"the-client\"\nclient_secret = {{ env = \"MY_SECRET\" }}\n"
    );
    run(&["token"])
        .config(&config)
        .env("MY_SECRET", SECRET)
        .outcome()
        .success();
    run(&["token", "mine"])
        .config(&config)
        .env("MY_SECRET", SECRET)
        .outcome()
        .success();
    assert_eq!(emulator.token_requests(), 4);
}

/// A flag that leads elsewhere leaves the profile's secret behind.
#[test]
fn a_secret_goes_only_to_the_place_it_was_given_for() {
    let emulator = emulator().start().unwrap();
    let config = "version = 1\n[profiles.mine]\nenvironment = \"uat-us\"\n\
                  client_id = \"the-client\"\nclient_secret = { env = \"MY_SECRET\" }\n";
    let words = run(&[
        "token",
        "mine",
        "--token-endpoint",
        &emulator.token_endpoint(),
    ])
    .config(config)
    .env("MY_SECRET", SECRET)
    .outcome()
    .failure(3);
    assert!(words.contains("is for another address"), "{words}");
    assert_eq!(emulator.connections(), 0);
}
