use crate::harness::{SECRET, emulator, run_at, run_with};

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
    let emulator = emulator().start().unwrap();
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
        let outcome = run_at(&emulator, args).outcome();
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
    use prove_token_emulator::Fault;
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
    use prove_token_emulator::Fault;
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
    use prove_token_emulator::Fault;
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
    let words = crate::harness::run(&[
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
