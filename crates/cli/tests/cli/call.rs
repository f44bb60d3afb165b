use prove_token_emulator::{Emulator, Fault};

use crate::harness::{SECRET, emulator, run, run_at, run_with};

const START: &str = r#"{"flowType":"mobile","phoneNumber":"2001001695"}"#;

#[test]
fn an_operation_answers_on_stdout() {
    let emulator = emulator().start().unwrap();
    let answer = run_at(&emulator, &["call", "POST", "/v3/start", "-d", START])
        .outcome()
        .success();
    assert!(
        answer.contains("\"correlationId\"") && answer.contains("v3-validate"),
        "{answer}"
    );
    assert_eq!(emulator.token_requests(), 1);
}

#[test]
fn data_makes_it_a_post_and_may_come_from_a_file() {
    let emulator = emulator().start().unwrap();
    run_at(&emulator, &["call", "v3/start", "-d", "@start.json"])
        .file("start.json", START)
        .outcome()
        .success();
    let included = run_at(&emulator, &["call", "/v3/start", "-i", "-d", START])
        .outcome()
        .success();
    assert!(included.starts_with("HTTP/1.1 200 OK\n"), "{included}");
}

#[test]
fn prove_codes_are_explained() {
    let emulator = Emulator::builder().start().unwrap();
    for (args, code, words) in [
        (
            &["call", "POST", "/v3/start", "-d", "{}"][..],
            6,
            "malformed",
        ),
        (
            &["call", "POST", "/v3/start", "-d", "{"][..],
            6,
            "malformed",
        ),
        (
            &[
                "call",
                "POST",
                "/v3/validate",
                "-d",
                r#"{"correlationId":"nope"}"#,
            ][..],
            6,
            "start again",
        ),
        (&["call", "/v3/nowhere"][..], 6, "status 40"),
    ] {
        let outcome = run(&[args, &["--environment", "emulator"]].concat())
            .env("PROVE_EMULATOR", emulator.url())
            .outcome();
        assert_eq!(outcome.code, Some(code), "{outcome:?}");
        assert!(outcome.stderr.contains(words), "{outcome:?}");
        assert!(
            outcome.stdout.contains("message"),
            "the body is still the result: {outcome:?}"
        );
    }
}

/// A token that the API no longer knows is replaced once.
#[test]
fn a_rejected_token_is_renewed_once() {
    let emulator = emulator()
        .fault(
            Fault::status(401)
                .body(r#"{"code":8002,"message":"not authorized"}"#)
                .path("/v3/start"),
        )
        .start()
        .unwrap();
    run_at(&emulator, &["call", "/v3/start", "-d", START])
        .outcome()
        .success();
    assert_eq!(emulator.token_requests(), 2);
    emulator.inject(Fault::status(401).path("/v3/start").times(0));
    let outcome = run_at(&emulator, &["call", "/v3/start", "-d", START]).outcome();
    assert_eq!(outcome.code, Some(4), "{outcome:?}");
    assert_eq!(emulator.token_requests(), 4, "once more, and no third time");
}

#[test]
fn the_token_goes_nowhere_else() {
    let (emulator, elsewhere) = (emulator().start().unwrap(), emulator().start().unwrap());
    for path in [
        &format!("{}/v3/start", elsewhere.url())[..],
        "//evil.example/x",
        "/../x",
        "/%2e%2e/x",
    ] {
        run_at(&emulator, &["call", path]).outcome().failure(2);
    }
    run_at(
        &emulator,
        &["call", "/v3/start", "-H", "Authorization: Bearer x"],
    )
    .outcome()
    .failure(2);
    let target = format!("{}/v3/start", elsewhere.url());
    emulator.inject(
        Fault::status(307)
            .header("Location", &target)
            .path("/v3/start"),
    );
    let outcome = run_at(&emulator, &["call", "/v3/start", "-d", START]).outcome();
    assert_eq!(outcome.code, Some(9), "{outcome:?}");
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn an_echoed_token_is_not_printed() {
    let token = "eyJhbGciOiJub25lIn0.e30.echoed";
    let emulator = emulator()
        .fault(Fault::token_member(
            "access_token",
            serde_json::json!(token),
        ))
        .fault(
            Fault::status(200)
                .body(format!("{{\"you\":\"{token}\"}}"))
                .path("/v3/start"),
        )
        .start()
        .unwrap();
    let answer = run_at(&emulator, &["call", "/v3/start", "-d", START])
        .outcome()
        .success();
    assert_eq!(answer, "{\"you\":\"[redacted]\"}");
}

#[test]
fn a_profile_without_an_api_base_says_so() {
    let emulator = emulator().start().unwrap();
    let endpoint = emulator.token_endpoint();
    let words = run(&[
        "call",
        "/v3/start",
        "--token-endpoint",
        &endpoint,
        "--client-id",
        "x",
        "--client-secret-stdin",
    ])
    .stdin(SECRET)
    .outcome()
    .failure(3);
    assert!(words.contains("api_base"), "{words}");
    let gone = run_with(
        &endpoint,
        "http://127.0.0.1:9",
        SECRET,
        &["call", "/v3/start"],
    )
    .outcome()
    .failure(7);
    assert!(gone.contains("no answer from 127.0.0.1:9"), "{gone}");
}

#[test]
fn other_apis_are_not_spoken_for() {
    let emulator = emulator()
        .fault(
            Fault::status(429)
                .header("Retry-After", "7")
                .body(r#"{"code":8008}"#)
                .path("/v3/start"),
        )
        .start()
        .unwrap();
    let outcome = run_at(&emulator, &["call", "/v3/start"]).outcome();
    assert_eq!(outcome.code, Some(8), "{outcome:?}");
    assert!(
        outcome.stderr.contains("the API asks to wait 7s"),
        "{outcome:?}"
    );
    assert!(!outcome.stderr.contains("Prove"), "{outcome:?}");
}

#[test]
fn verbose_names_the_request_without_its_query() {
    let emulator = emulator().start().unwrap();
    let outcome = run_at(
        &emulator,
        &["call", "-v", "/v3/start?q=canary", "-d", START],
    )
    .outcome();
    let line = format!("> POST {}/v3/start\n", emulator.url());
    assert!(outcome.stderr.contains(&line), "{outcome:?}");
    let args = [
        "call",
        "-v",
        "--log-format",
        "json",
        "/v3/start",
        "-d",
        START,
    ];
    let outcome = run_at(&emulator, &args).outcome();
    assert!(
        outcome
            .stderr
            .contains("{\"event\":\"api_request\",\"method\":\"POST\""),
        "{outcome:?}"
    );
    assert!(
        outcome
            .stderr
            .lines()
            .all(|line| line.starts_with("{\"event\":")),
        "{outcome:?}"
    );
}

#[test]
fn data_that_cannot_be_read_is_wrong_usage() {
    let emulator = emulator().start().unwrap();
    let words = run_at(&emulator, &["call", "/v3/start", "-d", "@nofile"])
        .outcome()
        .failure(2);
    assert!(
        words.contains("cannot read nofile: no such file"),
        "{words}"
    );
    let words = run_at(&emulator, &["call", "/v3/start", "-d", "-"])
        .outcome()
        .failure(2);
    assert!(
        words.contains("both the data and the client secret"),
        "{words}"
    );
    assert_eq!(emulator.connections(), 0);
}

/// What a person sees whose terminal is both standard streams, or the error's only.
#[cfg(unix)]
#[test]
fn a_terminal_gets_no_orders() {
    let body = "\u{1b}[2J\u{9b}31m\u{202e}evil";
    let emulator = Emulator::builder()
        .fault(
            Fault::status(400)
                .header("Content-Type", "text/plain")
                .body(body)
                .path("/v3/start")
                .times(0),
        )
        .start()
        .unwrap();
    let command = format!(
        "'{}' call -i /v3/start --color never --environment emulator",
        env!("CARGO_BIN_EXE_prove-token")
    );
    let home = tempfile::tempdir().unwrap();
    let at_terminal = |command: &str| {
        let script = "import os, pty, sys; pty.spawn(['sh', '-c', sys.argv[1]])";
        let output = std::process::Command::new("python3")
            .args(["-c", script, command])
            .env_clear()
            .env("HOME", home.path())
            .env("PROVE_EMULATOR", emulator.url())
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        String::from_utf8(output.stdout)
            .unwrap()
            .replace("\r\n", "\n")
    };
    let seen = at_terminal(&command);
    assert!(seen.contains("HTTP/1.1 400 "), "{seen:?}");
    assert!(
        seen.contains("\n\\u001b[2J\\u009b31m\\u202eevil\nerror: "),
        "{seen:?}"
    );
    assert!(!seen.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{seen:?}");
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let said = at_terminal(&format!("{command} | cat > '{}'", copy.display()));
    assert!(said.starts_with("\nerror: "), "{said:?}");
    let piped = std::fs::read_to_string(copy).unwrap();
    assert!(piped.ends_with(body), "a pipe gets every byte: {piped:?}");
}

/// An API may answer at length; a token endpoint may not, and the one limit does not
/// widen the other.
#[test]
fn only_the_api_may_answer_at_length() {
    use prove_token_emulator::Fault;
    let long = format!("{{\"message\":\"{}\"}}", "x".repeat(300_000));
    let emulator = emulator()
        .fault(Fault::status(200).body(long.clone()).path("/v3/start"))
        .start()
        .unwrap();
    let answer = run_at(&emulator, &["call", "/v3/start", "-d", START])
        .outcome()
        .success();
    assert_eq!(answer.len(), long.len());
    emulator.inject(Fault::status(401).body(long));
    let words = run_at(&emulator, &["call", "/v3/start", "-d", START])
        .outcome()
        .failure(4);
    assert!(words.contains("(status 401)"), "{} characters", words.len());
}
