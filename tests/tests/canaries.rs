//! No log at TRACE holds the secret or a token. The watch runs over all tests of
//! this binary and ends the process at the first such line; here it is shown to
//! be awake.

use std::process::Command;
use std::sync::{Arc, Mutex};

use prove_token::{ClientAuthentication, Endpoint};
use prove_token_emulator::{Fault, Stage};
use prove_token_tests::canary;
use prove_token_tests::client;
use prove_token_tests::http::{answer, granted};
use prove_token_tests::{emulator, http, log, tls};

/// The crates below us that log, by the target of their lines.
const LOGGING: [&str; 3] = ["hyper_util::", "reqwest::", "rustls::"];

#[test]
fn the_watch_stops_a_process_that_logs_the_secret() {
    let output = Command::new(env!("CARGO_BIN_EXE_leak")).output().unwrap();
    assert!(!output.status.success());
    assert_eq!(output.stdout, b"");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("a log line holds a canary in letters"),
        "{stderr}"
    );
}

#[tokio::test]
async fn a_token_of_the_emulator_would_be_found() {
    let emulator = emulator::builder().start().unwrap();
    let client = client::client(emulator::endpoint(&emulator));
    let token = client.access_token().await.unwrap();
    assert!(canary::leak(token.value()).is_some());
}

/// Each way to authenticate, in clear and over TLS, with success, refusal, an echo, a
/// break and a bad certificate.
#[tokio::test]
async fn everything_below_us_logs_and_keeps_the_secret() {
    let echo = format!(
        r#"{{"error":"invalid_client","error_description":"{}"}}"#,
        canary::SECRET
    );
    let answers = vec![answer(503, &[], ""), answer(401, &[], &echo), granted(60)];
    for authentication in ClientAuthentication::ALL {
        let plain = http::Server::playing(answers.clone(), http::Then::KeepOpen);
        let secure = tls::Server::start(tls::authority(), tls::Flaw::None, granted(60));
        let foreign = tls::Server::start(tls::authority(), tls::Flaw::Expired, granted(60));
        let broken = emulator::with(Fault::reset(Stage::Body));
        for endpoint in [
            plain.endpoint(),
            plain.endpoint(),
            secure.endpoint(),
            foreign.endpoint(),
            emulator::endpoint(&broken),
        ] {
            ask(endpoint, authentication).await;
        }
        assert_eq!(plain.requests().len(), 3);
    }
    let lines = log::lines();
    for target in LOGGING {
        let logged = lines.iter().filter(|line| line.contains(target)).count();
        assert!(logged > 0, "{target} logged nothing that was seen");
    }
}

/// The outcome's texts are searched; what it is does not matter here.
async fn ask(endpoint: Endpoint, authentication: ClientAuthentication) {
    let builder = client::builder(endpoint).client_authentication(authentication);
    let mut shown = format!("{builder:?}");
    let events = Arc::new(Mutex::new(String::new()));
    let sink = Arc::clone(&events);
    let client = builder
        .on_event(move |event| sink.lock().unwrap().push_str(&format!("{event:?}")))
        .build()
        .unwrap();
    let outcome = client.access_token().await;
    shown.push_str(&format!("{client:?} {client:#?} {outcome:?} {outcome:#?}"));
    shown.push_str(&events.lock().unwrap());
    assert!(shown.contains("AttemptStarted"), "{shown}");
    match &outcome {
        Ok(token) => shown.push_str(&format!("{:?}", token.authorization_header())),
        Err(error) => assert_eq!(canary::leak_of(error), None),
    }
    assert_eq!(canary::leak(&shown), None);
}
