//! `POST /token` without faults.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use prove_token_emulator::Emulator;
use serde_json::json;

use crate::client::{Client, FORM, JSON, ask, ask_token, request, start, start_with, token_body};

fn refusal(emulator: &Emulator, body: &str) -> (u16, String) {
    let answer = ask(emulator, "POST /token", &[FORM], body);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    (answer.status, answer.body)
}

fn basic(emulator: &Emulator, credentials: &str) -> u16 {
    let value = BASE64_STANDARD.encode(credentials);
    let header = format!("Authorization: Basic {value}");
    let body = "grant_type=client_credentials";
    ask(emulator, "POST /token", &[FORM, &header], body).status
}

#[test]
fn the_answer_is_the_documented_one() {
    let emulator = start();
    let answer = ask_token(&emulator);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3600);
    assert_eq!(body["refresh_expires_in"], 3600);
    assert!(body["refresh_token"].is_string());
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(token.split('.').count(), 3);
    assert_ne!(ask_token(&emulator).json()["access_token"], token);
}

/// `curl -X POST URL/token -H 'Content-Type: …' -d '…'`, byte by byte.
#[test]
fn the_tutorials_command_works() {
    let emulator = start_with(|builder| builder.client("my-id", "my-secret"));
    let body = "grant_type=client_credentials&client_id=my-id&client_secret=my-secret";
    let port = emulator.port();
    let mut client = Client::connect(&emulator);
    client.write(format!(
        "POST /token HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: curl/8.14.1\r\nAccept: */*\r\n{FORM}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    assert_eq!(client.answer().status, 200);
}

#[test]
fn a_missing_field_is_named() {
    let emulator = start();
    for (body, field) in [
        ("", "grant_type"),
        ("grant_type=&client_id=a&client_secret=b", "grant_type"),
        ("grant_type=client_credentials", "client_id"),
        ("grant_type=client_credentials&client_secret=b", "client_id"),
        ("grant_type=client_credentials&client_id=a", "client_secret"),
    ] {
        let message = format!(r#"{{"code":1001,"message":"field '{field}' is missing"}}"#);
        assert_eq!(refusal(&emulator, body), (400, message), "{body}");
    }
}

#[test]
fn a_malformed_request_is_refused() {
    let emulator = start();
    let long = format!("{}&x={}", token_body(), "x".repeat(4096));
    let twice = format!("{}&client_id=again", token_body());
    let refresh = token_body().replace("client_credentials", "refresh_token");
    for (body, message) in [
        (&long, "the body is 4 KB or more"),
        (&twice, "field 'client_id' is given more than once"),
        (&refresh, "field 'grant_type' must be 'client_credentials'"),
    ] {
        let expected = format!(r#"{{"code":8001,"message":"{message}"}}"#);
        assert_eq!(refusal(&emulator, body), (400, expected));
    }
}

#[test]
fn the_longest_body_is_one_byte_below_4_kb() {
    let emulator = start();
    let start = format!("{}&x=", token_body());
    let fitting = format!("{start}{}", "x".repeat(4095 - start.len()));
    assert_eq!(ask(&emulator, "POST /token", &[FORM], &fitting).status, 200);
    assert_eq!(refusal(&emulator, &format!("{fitting}x")).0, 400);
}

#[test]
fn wrong_credentials_are_refused_alike() {
    let emulator = start();
    let expected = (
        401,
        r#"{"code":8002,"message":"not authorized"}"#.to_owned(),
    );
    for (id, secret) in [("emulator-client-id", "wrong"), ("nobody", "wrong")] {
        let body = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        assert_eq!(refusal(&emulator, &body), expected);
    }
}

#[test]
fn a_wrong_place_is_forbidden() {
    let emulator = start();
    for (line, header) in [
        ("POST /v3/token", FORM),
        ("POST /token/", FORM),
        ("POST /", FORM),
        ("GET /token", FORM),
        ("PUT /token", FORM),
        ("POST /token", JSON),
        ("POST /token", "X-No: content type"),
    ] {
        let answer = ask(&emulator, line, &[header], &token_body());
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (403, r#"{"message":"Forbidden"}"#),
            "{line}"
        );
    }
}

#[test]
fn basic_authentication_is_accepted_encoded_and_raw() {
    let emulator = start_with(|builder| builder.client("an id", "a+b &%ü"));
    assert_eq!(basic(&emulator, "an+id:a%2Bb+%26%25%C3%BC"), 200);
    assert_eq!(basic(&emulator, "an id:a+b &%ü"), 200);
    assert_eq!(basic(&emulator, "an id:wrong"), 401);
    let methods: Vec<_> = emulator
        .requests()
        .iter()
        .map(|request| request.client_authentication)
        .collect();
    assert_eq!(
        methods,
        [
            "client_secret_basic",
            "client_secret_basic_raw",
            "client_secret_basic"
        ]
    );
}

#[test]
fn authenticating_twice_is_malformed() {
    let emulator = start();
    let header = format!(
        "Authorization: Basic {}",
        BASE64_STANDARD.encode("emulator-client-id:emulator-client-secret")
    );
    let answer = ask(&emulator, "POST /token", &[FORM, &header], &token_body());
    assert_eq!(
        (answer.status, answer.json()["code"].clone()),
        (400, json!(8001))
    );
}

#[test]
fn several_clients_are_told_apart() {
    let emulator = start_with(|builder| builder.client("a", "1").client("b", "2"));
    for (id, secret, status) in [("a", "1", 200), ("b", "2", 200), ("a", "2", 401)] {
        let body = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        assert_eq!(ask(&emulator, "POST /token", &[FORM], &body).status, status);
    }
    assert_eq!(
        ask_token(&emulator).status,
        401,
        "the default client is gone"
    );
}

/// However slow the machine, sixty requests one after the other do not take a
/// second each.
#[test]
fn the_rate_limit_slides() {
    let emulator = start_with(|builder| builder.rate_limit(2));
    let first = [ask_token(&emulator).status, ask_token(&emulator).status];
    assert_eq!(first, [200, 200]);
    let refused = (0..60)
        .map(|_| ask_token(&emulator))
        .find(|answer| answer.status != 200)
        .unwrap();
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.body, r#"{"message":"Too Many Requests"}"#);
    emulator.advance(Duration::from_secs(1));
    assert_eq!(ask_token(&emulator).status, 200);
}

#[test]
fn no_rate_limit_admits_everything() {
    let emulator = start_with(|builder| builder.rate_limit(0));
    let mut client = Client::connect(&emulator);
    for _ in 0..60 {
        assert_eq!(
            client.ask("POST /token", &[FORM], &token_body()).status,
            200
        );
    }
    assert_eq!(emulator.connections(), 1, "the connection is kept alive");
    assert_eq!(emulator.token_requests(), 60);
}

#[test]
fn upgrade_offers_are_ignored() {
    let emulator = start();
    let headers = [
        FORM,
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
    ];
    let mut client = Client::connect(&emulator);
    for _ in 0..2 {
        assert_eq!(
            client.ask("POST /token", &headers, &token_body()).status,
            200
        );
    }
}

#[test]
fn a_client_may_ask_before_it_sends_the_body() {
    let emulator = start();
    let mut client = Client::connect(&emulator);
    let whole = request(
        "POST /token",
        &[FORM, "Expect: 100-continue"],
        &token_body(),
    );
    let (head, body) = whole.split_once("\r\n\r\n").unwrap();
    client.write(format!("{head}\r\n\r\n"));
    assert_eq!(client.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.write(body);
    assert_eq!(client.answer().status, 200);
}

#[test]
fn chunked_bodies_are_read() {
    let emulator = start();
    let mut client = Client::connect(&emulator);
    client.write(format!(
        "POST /token HTTP/1.1\r\nHost: localhost\r\n{FORM}\r\nTransfer-Encoding: chunked\r\n\r\n"
    ));
    let body = token_body();
    for chunk in body.as_bytes().chunks(7) {
        let chunk = str::from_utf8(chunk).unwrap();
        client.write(format!("{:x}\r\n{chunk}\r\n", chunk.len()));
    }
    client.write("0\r\n\r\n");
    assert_eq!(client.answer().status, 200);
}

#[test]
fn a_huge_body_is_refused_and_the_connection_closed() {
    let emulator = start();
    let head = |framing: &str| {
        format!("POST /token HTTP/1.1\r\nHost: localhost\r\n{FORM}\r\n{framing}\r\n\r\n")
    };
    let mut announced = Client::connect(&emulator);
    announced.write(head("Content-Length: 1048577\r\nExpect: 100-continue"));
    let mut chunked = Client::connect(&emulator);
    chunked.write(head("Transfer-Encoding: chunked"));
    chunked.write(format!("100001\r\n{}", "x".repeat(0x10_0001)));
    for mut client in [announced, chunked] {
        let answer = client.answer();
        assert_eq!(answer.status, 413);
        assert_eq!(answer.header("connection"), Some("close"));
        assert!(client.rest().0.is_empty());
    }
    assert_eq!(emulator.token_requests(), 0);
}

#[test]
fn what_is_not_http_is_answered_400() {
    let emulator = start();
    for bytes in [
        "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n",
        "POST /token HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ] {
        let mut client = Client::connect(&emulator);
        client.write(bytes);
        let (answer, _) = client.rest();
        assert!(answer.starts_with(b"HTTP/1.1 400 Bad Request\r\n"));
    }
    assert_eq!(ask_token(&emulator).status, 200);
}

#[test]
fn a_scope_is_carried_in_the_token() {
    let emulator = start();
    let body = format!("{}&scope=read+write", token_body());
    let answer = ask(&emulator, "POST /token", &[FORM], &body).json();
    let token = answer["access_token"].as_str().unwrap();
    let payload = token.split('.').nth(1).unwrap();
    let claims = base64::prelude::BASE64_URL_SAFE_NO_PAD
        .decode(payload)
        .unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["scope"], "read write");
    assert_eq!(claims["client_id"], "emulator-client-id");
    assert_eq!(
        claims["exp"].as_u64(),
        claims["iat"].as_u64().map(|iat| iat + 3600)
    );
}

#[test]
fn the_lifetime_is_what_was_set() {
    let emulator = start_with(|builder| builder.lifetime(Duration::from_secs(90)));
    assert_eq!(ask_token(&emulator).json()["expires_in"], 90);
}
