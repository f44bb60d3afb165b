//! Every shape of fault, as it looks on the wire.

use std::io::ErrorKind;
use std::time::Duration;

use prove_token_emulator::{Emulator, Fault, Stage};
use serde_json::{Value, json};

use crate::client::{
    Client, FORM, NEVER, ask, ask_token, operation, start, start_with, token, token_body,
};

/// The bytes that answer one token request, and how the connection ends.
fn outcome(fault: Fault) -> (String, Result<(), ErrorKind>) {
    let emulator = start_with(|builder| builder.fault(fault));
    let mut client = Client::connect(&emulator);
    client.send("POST /token", &[FORM], &token_body());
    let (bytes, end) = client.rest();
    assert_eq!(ask_token(&emulator).status, 200, "once, and then no more");
    let text = String::from_utf8(bytes).unwrap();
    (text, end.map_err(|error| error.kind()))
}

/// What a fault that leaves a token request hanging sends before, up to `end`.
fn hanging(fault: Fault, end: &str) -> String {
    let emulator = start_with(|builder| builder.fault(fault));
    let mut client = Client::connect(&emulator);
    client.send("POST /token", &[FORM], &token_body());
    assert!(emulator.wait_for_requests(1, NEVER));
    let sent = client.until(end);
    assert!(client.is_silent(), "more, or the end of the connection");
    emulator.stop();
    let (rest, _) = client.rest();
    assert!(rest.is_empty());
    sent
}

fn member(fault: Fault, name: &str) -> Option<Value> {
    let emulator = start_with(|builder| builder.fault(fault));
    let answer = ask_token(&emulator);
    assert_eq!(answer.status, 200);
    answer.json().get(name).cloned()
}

#[test]
fn a_status_comes_with_its_documented_body() {
    for (status, body) in [
        (400, json!({ "code": 8001, "message": "malformed request" })),
        (401, json!({ "code": 8002, "message": "not authorized" })),
        (403, json!({ "message": "Forbidden" })),
        (
            404,
            json!({ "code": 8011, "message": "identity not found" }),
        ),
        (429, json!({ "message": "Too Many Requests" })),
        (500, json!({ "code": 8000, "message": "internal error" })),
        (503, json!({ "message": "Service Unavailable" })),
    ] {
        let emulator = start_with(|builder| builder.fault(Fault::status(status)));
        let answer = ask_token(&emulator);
        assert_eq!((answer.status, answer.json()), (status, body));
    }
}

#[test]
fn a_status_keeps_the_connection_and_says_what_it_is_told() {
    let fault = Fault::status(503)
        .header("Retry-After", "1")
        .header("Retry-After", "2");
    let emulator = start_with(|builder| builder.fault(fault.body("<down>").times(2)));
    let mut client = Client::connect(&emulator);
    for _ in 0..2 {
        let answer = client.ask("POST /token", &[FORM], &token_body());
        assert_eq!((answer.status, answer.body.as_str()), (503, "<down>"));
        assert_eq!(answer.head.matches("retry-after: ").count(), 2);
    }
    assert_eq!(
        client.ask("POST /token", &[FORM], &token_body()).status,
        200
    );
    assert_eq!(emulator.connections(), 1);
}

#[test]
fn redirects_and_odd_statuses_are_possible() {
    for status in [201, 204, 206, 301, 302, 303, 304, 307, 308, 418, 599, 999] {
        let fault = Fault::status(status).header("Location", "http://127.0.0.1:1/");
        let emulator = start_with(|builder| builder.fault(fault));
        let mut client = Client::connect(&emulator);
        client.send("POST /token", &[FORM], &token_body());
        let head = client.head();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert!(head.contains("location: http://127.0.0.1:1/\r\n"), "{head}");
    }
}

#[test]
fn faults_are_played_in_order() {
    let emulator = start_with(|builder| {
        builder
            .fault(Fault::status(500).times(2))
            .fault(Fault::status(429).skip(1))
    });
    let statuses: Vec<_> = (0..5).map(|_| ask_token(&emulator).status).collect();
    assert_eq!(statuses, [500, 500, 200, 429, 200]);
}

#[test]
fn a_fault_without_end_lasts_until_it_is_cleared() {
    let emulator = start_with(|builder| builder.fault(Fault::status(500).times(0)));
    assert!((0..5).all(|_| ask_token(&emulator).status == 500));
    emulator.clear_faults();
    assert_eq!(ask_token(&emulator).status, 200);
}

#[test]
fn a_fault_may_be_for_operations() {
    let emulator = start();
    let token = token(&emulator);
    emulator.inject(Fault::status(502).path("/v3/"));
    assert_eq!(ask_token(&emulator).status, 200);
    let call = || operation(&emulator, &token, "GET /v3/domain/id", "").status;
    assert_eq!([call(), call()], [502, 200]);
}

#[test]
fn raw_bytes_are_written_as_they_are() {
    let lines = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(10_000);
    let long = format!("HTTP/1.1 200 OK\r\nX-Long: {}\r\n\r\n", "x".repeat(100_000));
    for raw in [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        "\0\r\n",
        "",
        &lines,
        &long,
    ] {
        assert_eq!(outcome(Fault::raw(raw)), (raw.to_owned(), Ok(())));
    }
}

#[test]
fn headers_that_http_forbids_are_written_too() {
    let lying = Fault::status(200)
        .body("{}")
        .header("Content-Length", "100");
    let (answer, end) = outcome(lying);
    assert!(
        answer.ends_with("\r\nContent-Length: 100\r\n\r\n{}"),
        "{answer}"
    );
    assert_eq!(end, Ok(()));
    let (answer, _) = outcome(Fault::status(200).header("bad name", "a\nb"));
    assert!(answer.contains("\r\nbad name: a\nb\r\n"), "{answer}");
    let (answer, _) = outcome(Fault::status(103));
    assert!(
        answer.starts_with("HTTP/1.1 103 Early Hints\r\n"),
        "{answer}"
    );
}

#[test]
fn a_reset_comes_at_its_stage() {
    let reset = Err(ErrorKind::ConnectionReset);
    let (answer, end) = outcome(Fault::reset(Stage::Request));
    assert_eq!((answer.as_str(), end), ("", reset));

    let (answer, end) = outcome(Fault::reset(Stage::Headers));
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(!answer.contains("\r\n\r\n"), "{answer}");
    assert_eq!(end, reset);

    let (answer, end) = outcome(Fault::reset(Stage::Body));
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        body.starts_with("{\"access_token\"") && !body.ends_with('}'),
        "{body}"
    );
    assert_eq!(end, reset);
}

#[test]
fn a_reset_at_accept_counts_connections() {
    let emulator = start_with(|builder| builder.fault(Fault::reset(Stage::Accept).times(2)));
    for _ in 0..2 {
        let (bytes, end) = Client::connect(&emulator).rest();
        assert!(bytes.is_empty());
        assert_eq!(
            end.map_err(|error| error.kind()),
            Err(ErrorKind::ConnectionReset)
        );
    }
    assert_eq!(ask_token(&emulator).status, 200);
    assert_eq!((emulator.connections(), emulator.token_requests()), (3, 1));
}

#[test]
fn closing_sends_nothing() {
    assert_eq!(outcome(Fault::close()), (String::new(), Ok(())));
}

#[test]
fn silence_holds_the_connection() {
    assert_eq!(hanging(Fault::silence(), ""), "");
}

#[test]
fn headers_come_and_then_silence() {
    let head = hanging(Fault::headers_then_silence(), "\r\n\r\n");
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
}

#[test]
fn a_short_answer_may_be_held_open() {
    let raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}";
    assert_eq!(hanging(Fault::raw(raw).hold(), "{}"), raw);
}

#[test]
fn a_silent_connection_is_given_up_when_its_client_is() {
    let emulator = start_with(|builder| builder.fault(Fault::silence()));
    let mut client = Client::connect(&emulator);
    client.send("POST /token", &[FORM], &token_body());
    assert!(emulator.wait_for_requests(1, NEVER));
    drop(client);
    assert_eq!(ask_token(&emulator).status, 200);
}

#[test]
fn a_drip_is_complete_in_the_end() {
    let (answer, end) = outcome(Fault::drip(7, Duration::from_millis(1)));
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(end, Ok(()));
}

#[test]
fn faults_combine() {
    let fault = Fault::status(503)
        .delay(Duration::from_millis(20))
        .and(Fault::drip(1, Duration::from_micros(10)));
    let emulator = start_with(|builder| builder.fault(fault));
    let answer = ask_token(&emulator);
    assert_eq!(answer.status, 503);
    let fault = emulator.requests()[0].fault.clone();
    assert_eq!(fault.as_deref(), Some("delay=20ms,status=503,drip"));
}

#[test]
fn a_delay_passes_before_the_answer_and_after_the_arrival() {
    let emulator = start_with(|builder| builder.fault(Fault::default().delay(NEVER * 100)));
    let mut client = Client::connect(&emulator);
    client.send("POST /token", &[FORM], &token_body());
    assert!(emulator.wait_for_requests(1, NEVER));
    assert!(client.is_silent());
    assert_eq!(emulator.requests()[0].status, None);
    assert_eq!(ask_token(&emulator).status, 200, "others are not held up");
}

#[test]
fn token_members_are_bent() {
    let bent = |value: Value| member(Fault::token_member("expires_in", value), "expires_in");
    for value in [
        json!("3600"),
        json!(0),
        json!(-1),
        json!(1e20),
        json!(3599.7),
        json!(null),
        json!({ "a": [1] }),
        json!(true),
    ] {
        assert_eq!(bent(value.clone()), Some(value));
    }
    assert_eq!(
        member(Fault::without_token_member("token_type"), "token_type"),
        None
    );
    let two = Fault::without_token_member("refresh_token").and(Fault::token_member("x", "y"));
    assert_eq!(member(two.clone(), "refresh_token"), None);
    assert_eq!(member(two, "x"), Some(json!("y")));
}

#[test]
fn a_refusal_has_no_token_members_to_bend() {
    let emulator = start_with(|builder| builder.fault(Fault::token_member("expires_in", 1)));
    let answer = ask(&emulator, "POST /token", &[FORM], "");
    let expected = json!({ "code": 1001, "message": "field 'grant_type' is missing" });
    assert_eq!(answer.json(), expected);
}

#[test]
fn a_header_may_be_added_to_a_normal_answer() {
    let fault = Fault::default().header("Content-Encoding", "gzip");
    let emulator = start_with(|builder| builder.fault(fault));
    let answer = ask_token(&emulator);
    assert_eq!(
        (answer.status, answer.header("content-encoding")),
        (200, Some("gzip"))
    );
}

#[test]
fn tokens_may_be_revoked_by_a_fault() {
    let emulator = start();
    let old = token(&emulator);
    emulator.inject(Fault::revoke_all());
    let new = token(&emulator);
    let call = |token: &str| operation(&emulator, token, "GET /v3/domain/id", "").status;
    assert_eq!([call(&old), call(&new)], [401, 200]);
}

#[test]
fn a_revocation_during_a_call_reaches_that_call() {
    let emulator: Emulator = start();
    let token = token(&emulator);
    emulator.inject(Fault::revoke_all().path("/v3/"));
    assert_eq!(
        operation(&emulator, &token, "GET /v3/domain/id", "").status,
        401
    );
}

#[test]
fn the_text_form_does_what_it_says() {
    let fault = r"status=503,times=2,header=Retry-After: 1,body={\,}"
        .parse()
        .unwrap();
    let emulator = start_with(|builder| builder.fault(fault));
    for expected in [503, 503, 200] {
        let answer = ask_token(&emulator);
        assert_eq!(answer.status, expected);
        assert_eq!(answer.body == "{,}", expected == 503);
    }
}
