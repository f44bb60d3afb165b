//! Canaries: no secret and no token in any text.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use prove_token_emulator::{Emulator, Fault};

use crate::client::{Client, FORM, JSON, ask, ask_token, operation, start_with};

const SECRET: &str = "CANARY-secret";

/// An emulator whose client secret is a canary, and its log.
fn watched() -> (Emulator, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&lines);
    let emulator = start_with(|builder| {
        builder
            .client("my-id", SECRET)
            .log(move |line| log.lock().unwrap().push(format!("{line}\n{line:?}")))
    });
    (emulator, lines)
}

/// Everything that the emulator shows after `traffic`.
fn shown(traffic: impl FnOnce(&Emulator)) -> String {
    let (emulator, lines) = watched();
    traffic(&emulator);
    let requests = emulator.requests();
    let control = ask(&emulator, "GET /_emulator/requests", &[], "").body;
    let lines = lines.lock().unwrap().join("\n");
    format!("{lines}\n{requests:?}\n{control}\n{emulator:?}")
}

fn assert_clean(shown: &str, secret: &str) {
    let forms = [
        secret.to_owned(),
        BASE64_STANDARD.encode(secret),
        BASE64_STANDARD.encode(format!("my-id:{secret}")),
        secret.replace('-', "%2D"),
    ];
    for form in forms {
        assert!(!shown.contains(&form), "{form} in {shown}");
    }
}

#[test]
fn a_secret_is_shown_nowhere_wherever_it_is_put() {
    let form = format!("grant_type=client_credentials&client_id=my-id&client_secret={SECRET}");
    let basic = BASE64_STANDARD.encode(format!("my-id:{SECRET}"));
    let text = shown(|emulator| {
        ask(emulator, "POST /token", &[FORM], &form);
        ask(
            emulator,
            "POST /token",
            &[FORM, &format!("Authorization: Basic {basic}")],
            "",
        );
        ask(
            emulator,
            "POST /token",
            &[FORM, &format!("Authorization: {SECRET}")],
            &form,
        );
        ask(
            emulator,
            "POST /token",
            &[FORM, &format!("X-Api-Key: {SECRET}")],
            SECRET,
        );
        ask(
            emulator,
            "POST /token",
            &[JSON],
            &format!("{{\"client_secret\":\"{SECRET}\"}}"),
        );
        ask(
            emulator,
            "POST /token",
            &[FORM],
            &format!("{{\"client_secret\":\"{SECRET}\"}}"),
        );
        ask(
            emulator,
            "POST /token",
            &[FORM],
            &format!("client_id={SECRET}&a&{SECRET}=x"),
        );
        ask(
            emulator,
            &format!("POST /token?client_secret={SECRET}"),
            &[FORM],
            &form,
        );
        emulator.inject(Fault::status(500).body(SECRET).header("X-Echo", SECRET));
        ask(emulator, "POST /token", &[FORM], &form);
        emulator.inject(Fault::raw(SECRET));
        let mut client = Client::connect(emulator);
        client.send("POST /token", &[FORM], &form);
        assert_eq!(client.rest().0, SECRET.as_bytes());
        emulator.inject(Fault::token_member("access_token", SECRET).times(2));
        ask(emulator, "POST /token", &[FORM], &form);
    });
    assert_eq!(text.matches(" ms POST /token ").count(), 11, "{text}");
    assert_clean(&text, SECRET);
}

#[test]
fn a_token_is_shown_nowhere() {
    let mut seen = Vec::new();
    let text = shown(|emulator| {
        let form = format!("grant_type=client_credentials&client_id=my-id&client_secret={SECRET}");
        let answer = ask(emulator, "POST /token", &[FORM], &form).json();
        let token = answer["access_token"].as_str().unwrap();
        let started = operation(
            emulator,
            token,
            "POST /v3/start",
            r#"{"flowType":"mobile"}"#,
        );
        seen.push(token.to_owned());
        seen.push(answer["refresh_token"].as_str().unwrap().to_owned());
        seen.push(started.json()["authToken"].as_str().unwrap().to_owned());
    });
    assert!(text.contains("POST /v3/start 200 client=my-id"), "{text}");
    for token in seen {
        assert_clean(&text, &token);
    }
}

#[test]
fn raw_recording_is_a_choice_and_stays_out_of_texts() {
    let form = format!("grant_type=client_credentials&client_id=my-id&client_secret={SECRET}");
    let emulator = start_with(|builder| builder.client("my-id", SECRET).record_raw());
    ask(&emulator, "POST /token?x=1", &[FORM, "X-Test: 1"], &form);
    let requests = emulator.requests();
    assert_eq!(requests[0].raw_body, form.as_bytes());
    let head = str::from_utf8(&requests[0].raw_head).unwrap();
    assert!(
        head.starts_with("POST /token?x=1 HTTP/1.1\r\nhost: localhost\r\n"),
        "{head}"
    );
    assert!(head.contains("\r\nx-test: 1\r\n"), "{head}");
    let control = ask(&emulator, "GET /_emulator/requests", &[], "").body;
    assert_clean(&format!("{requests:?}{control}{emulator:?}"), SECRET);
}

#[test]
fn a_line_is_logged_per_request_and_none_for_control() {
    let (emulator, lines) = watched();
    let form = format!("grant_type=client_credentials&client_id=my-id&client_secret={SECRET}");
    ask(&emulator, "POST /token", &[FORM], &form);
    ask_token(&emulator);
    ask(&emulator, "GET /_emulator/health", &[], "");
    let lines = lines.lock().unwrap();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].contains(" ms POST /token 200 client=my-id\n"),
        "{}",
        lines[0]
    );
    assert!(
        lines[1].contains(" ms POST /token 401 client=-\n"),
        "{}",
        lines[1]
    );
}
