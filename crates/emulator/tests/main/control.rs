//! The control paths.

use serde_json::{Value, json};

use crate::client::{ask, ask_token, operation, start, start_with, token};
use prove_token_emulator::{Emulator, Fault};

fn control(emulator: &Emulator, line: &str, body: &str) -> (u16, Value) {
    let answer = ask(emulator, line, &[], body);
    (answer.status, answer.json())
}

#[test]
fn health_is_ok() {
    let emulator = start();
    let (status, body) = control(&emulator, "GET /_emulator/health", "");
    assert_eq!((status, body), (200, json!({ "status": "ok" })));
}

#[test]
fn requests_are_listed_counted_and_forgotten() {
    let emulator = start_with(|builder| builder.fault(Fault::status(503)));
    ask_token(&emulator);
    ask_token(&emulator);
    ask(&emulator, "GET /nowhere", &[], "");
    let (_, body) = control(&emulator, "GET /_emulator/requests", "");
    assert_eq!(body["token_requests"], 2);
    assert_eq!(
        body["counts"],
        json!({ "/token": { "200": 1, "503": 1 }, "/nowhere": { "403": 1 } })
    );
    let first = &body["requests"][0];
    assert_eq!(first["method"], "POST");
    assert_eq!(first["path"], "/token");
    assert_eq!(first["status"], 503);
    assert_eq!(first["fault"], "status=503");
    assert_eq!(first["client_authentication"], "client_secret_post");
    assert_eq!(first["secret_matches"], true);
    assert_eq!(first["client_id"], "emulator-client-id");
    assert_eq!(
        first["body_fields"],
        json!(["grant_type", "client_id", "client_secret"])
    );
    assert!(first["arrived_seconds"].is_f64());
    assert!(first.get("raw_body").is_none());

    let (status, _) = control(&emulator, "DELETE /_emulator/requests", "");
    assert_eq!(status, 200);
    assert_eq!(emulator.token_requests(), 0);
    assert!(emulator.requests().is_empty());
}

#[test]
fn faults_are_appended_and_cleared() {
    let emulator = start();
    let faults = r#"[{"status":503,"times":2},{"token_member":{"expires_in":"3600"}}]"#;
    let appended = control(&emulator, "POST /_emulator/faults", faults);
    assert_eq!(appended, (200, json!({ "pending": 2 })));
    assert_eq!(ask_token(&emulator).status, 503);
    assert_eq!(ask_token(&emulator).status, 503);
    assert_eq!(ask_token(&emulator).json()["expires_in"], "3600");
    control(&emulator, "POST /_emulator/faults", faults);
    assert_eq!(control(&emulator, "DELETE /_emulator/faults", "").0, 200);
    assert_eq!(ask_token(&emulator).status, 200);
}

#[test]
fn a_bad_script_is_refused_as_a_whole() {
    let emulator = start();
    for (faults, message) in [
        ("{}", "the body is no JSON array of faults"),
        ("[1]", "fault 0: a fault is a JSON object"),
        (
            r#"[{"status":503},{"status":"CANARY"}]"#,
            "fault 1: `status` takes a status code from 100 to 999",
        ),
    ] {
        let answer = control(&emulator, "POST /_emulator/faults", faults);
        assert_eq!(answer, (400, json!({ "message": message })));
    }
    assert_eq!(ask_token(&emulator).status, 200);
}

#[test]
fn tokens_are_revoked() {
    let emulator = start();
    let token = token(&emulator);
    assert_eq!(control(&emulator, "POST /_emulator/revoke", "").0, 200);
    assert_eq!(
        operation(&emulator, &token, "GET /v3/domain/id", "").status,
        401
    );
}

#[test]
fn only_loopback_names_may_control() {
    let emulator = start();
    let get = |headers: &str| {
        let mut client = crate::client::Client::connect(&emulator);
        client.write(format!(
            "POST /_emulator/revoke HTTP/1.1\r\n{headers}\r\n\r\n"
        ));
        client.answer().status
    };
    assert_eq!(get("Host: evil.example"), 403);
    assert_eq!(get("Host: localhost\r\nOrigin: https://evil.example"), 403);
    assert_eq!(
        get("Host: 127.0.0.1:1\r\nOrigin: http://localhost:3000"),
        200
    );
}

#[test]
fn control_requests_are_neither_recorded_nor_faulted_nor_limited() {
    let emulator = start_with(|builder| {
        builder
            .rate_limit(1)
            .fault(Fault::status(500).path("/").times(0))
    });
    for _ in 0..30 {
        assert_eq!(control(&emulator, "GET /_emulator/health", "").0, 200);
    }
    assert!(emulator.requests().is_empty());
    assert_eq!(ask_token(&emulator).status, 500);
}

#[test]
fn unknown_control_paths_and_methods_are_explained() {
    let emulator = start();
    assert_eq!(control(&emulator, "GET /_emulator/nothing", "").0, 404);
    assert_eq!(control(&emulator, "PUT /_emulator/faults", "").0, 405);
}
