//! `curl`, as Prove's tutorial has it, and a program that knows one base URL and nothing
//! else.

use std::process::Command;

use serde_json::Value;

use super::broker::{Broker, KEY, NAME, emulator, served};

const START: &str = r#"{"flowType":"desktop","phoneNumber":"2001001695","finalTargetUrl":"https://www.example.com"}"#;

/// The JSON that comes back with a 200; `words` are those of the command line.
#[track_caller]
fn curl(words: &[&str]) -> Value {
    let output = Command::new("curl")
        // Nothing of whoever runs this: no `.curlrc`, no proxy.
        .args(["--disable", "--silent", "--show-error"])
        .args(["--write-out", "\n%{http_code}"])
        .args(words)
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let (body, status) = said.rsplit_once('\n').unwrap();
    assert_eq!(status, "200", "{body}");
    serde_json::from_str(body).unwrap()
}

/// The words that reach `broker` by TCP, and those that do by its socket.
fn ways(broker: &Broker) -> [(Vec<String>, String); 2] {
    let socket = broker.socket().display().to_string();
    [
        (Vec::new(), broker.address.clone()),
        (
            vec!["--unix-socket".to_owned(), socket],
            "http://localhost".to_owned(),
        ),
    ]
}

/// As on the page about authentication: another URL, id and secret.
#[test]
fn the_tutorial_works_with_another_url() {
    let emulator = emulator();
    let broker = Broker::start(&emulator, "token");
    let (id, secret) = (format!("client_id={NAME}"), format!("client_secret={KEY}"));
    let in_body = ["--data", &*id, "--data", &*secret];
    let user = format!("{NAME}:{KEY}");
    let by_basic = ["--user", &*user];
    for (way, base) in ways(&broker) {
        for credentials in [&in_body[..], &by_basic] {
            let url = format!("{base}/token");
            let mut words: Vec<&str> = way.iter().map(String::as_str).collect();
            words.extend(["--request", "POST", "--url", &*url]);
            words.extend([
                "--header",
                "Content-Type: application/x-www-form-urlencoded",
            ]);
            words.extend(["--data", "grant_type=client_credentials"]);
            words.extend(credentials);
            let granted = curl(&words);
            assert_eq!(granted["token_type"], "Bearer");
            assert!(granted["expires_in"].as_u64() > Some(60), "{granted}");
            // And the next page, with what was got.
            let token = granted["access_token"].as_str().unwrap();
            start(&[], &format!("{}/v3/start", emulator.url()), token);
        }
    }
    assert_eq!((emulator.token_requests(), served(&emulator)), (1, 4));
}

#[test]
fn a_base_url_is_all_that_a_program_needs_to_know() {
    let emulator = emulator();
    let broker = Broker::start(&emulator, "proxy");
    for (way, base) in ways(&broker) {
        start(&way, &format!("{base}/proxy/local/v3/start"), KEY);
    }
    assert_eq!((emulator.token_requests(), served(&emulator)), (1, 2));
}

#[track_caller]
fn start(way: &[String], url: &str, bearer: &str) {
    let authorization = format!("Authorization: Bearer {bearer}");
    let mut words: Vec<&str> = way.iter().map(String::as_str).collect();
    words.extend(["--request", "POST", "--url", url]);
    words.extend(["--header", "Content-Type: application/json"]);
    words.extend(["--header", &*authorization, "--data", START]);
    let started = curl(&words);
    assert!(started["correlationId"].is_string(), "{started}");
}
