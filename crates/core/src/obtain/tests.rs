use std::sync::Mutex;

use super::*;
use crate::testing::{Act, HOUR, SECRET, Script, TOKEN, TestClock, builder};
use crate::{AccessTokenRequest, ClientId, SecretSource};

const BAD_GATEWAY: Act = Act::Answer(502, "");

async fn obtain(script: &Script) -> Result<crate::AccessToken, Error> {
    builder(script, &TestClock::new())
        .build()?
        .access_token()
        .await
}

#[tokio::test(start_paused = true)]
async fn transient_failures_are_tried_again_up_to_three_requests() {
    let script = Script::new([BAD_GATEWAY, BAD_GATEWAY, Act::Answer(200, HOUR)]);
    assert_eq!(obtain(&script).await.unwrap().value(), TOKEN);
    assert_eq!(script.requests(), 3);

    let script = Script::new([BAD_GATEWAY]);
    assert_eq!(
        obtain(&script).await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    assert_eq!(script.requests(), 3);
}

#[tokio::test(start_paused = true)]
async fn terminal_failures_are_not_tried_again() {
    for (status, body, kind) in [
        (
            400,
            r#"{"error":"invalid_scope"}"#,
            ErrorKind::RequestRejected,
        ),
        (403, "", ErrorKind::RequestRejected),
        (302, "", ErrorKind::Protocol),
        (200, "{}", ErrorKind::Protocol),
        (501, "", ErrorKind::Unavailable),
    ] {
        let script = Script::new([Act::Answer(status, body)]);
        assert_eq!(obtain(&script).await.unwrap_err().kind(), kind, "{status}");
        assert_eq!(script.requests(), 1, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejected_literal_is_not_tried_again() {
    let script = Script::new([Act::Answer(401, "")]);
    assert_eq!(
        obtain(&script).await.unwrap_err().kind(),
        ErrorKind::CredentialsRejected
    );
    assert_eq!(script.requests(), 1);
}

#[derive(Debug)]
struct Rotating(Mutex<Vec<&'static str>>);

impl SecretSource for Rotating {
    fn identity(&self) -> String {
        "rotating".to_owned()
    }

    fn read(&self) -> Result<ClientSecret, Error> {
        ClientSecret::new(self.0.lock().unwrap().remove(0))
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejected_secret_is_read_once_more_and_tried_if_it_changed() {
    for (secrets, requests, kind) in [
        (vec!["old", "new"], 2, None),
        (vec!["old", "old"], 1, Some(ErrorKind::CredentialsRejected)),
        // The source fails now: the rejection is the better story.
        (vec!["old", ""], 1, Some(ErrorKind::CredentialsRejected)),
        (vec![""], 0, Some(ErrorKind::SecretSource)),
    ] {
        let script = Script::new([Act::Answer(401, ""), Act::Answer(200, HOUR)]);
        let source = Rotating(Mutex::new(secrets.clone()));
        let credentials = Credentials::from_source(ClientId::new("id").unwrap(), source);
        let client = builder(&script, &TestClock::new())
            .credentials_from(credentials)
            .build()
            .unwrap();
        let outcome = client.access_token().await;
        assert_eq!(outcome.err().map(|error| error.kind()), kind, "{secrets:?}");
        assert_eq!(script.requests(), requests, "{secrets:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_wait_ends() {
    let started = tokio::time::Instant::now();
    let script = Script::new([Act::Hang]);
    let error = obtain(&script).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(
        started.elapsed(),
        Duration::from_secs(25),
        "the limit of the flight"
    );
    assert_eq!(script.requests(), 3, "each attempt has 10 s");
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_slept_only_if_it_fits() {
    let started = tokio::time::Instant::now();
    let script = Script::new([
        Act::AnswerWith(429, "retry-after", "7", ""),
        Act::Answer(200, HOUR),
    ]);
    obtain(&script).await.unwrap();
    let waited = started.elapsed();
    assert_eq!(waited.as_secs(), 7, "{waited:?}, and a little jitter");

    let script = Script::new([Act::AnswerWith(503, "retry-after", "600", "")]);
    let error = obtain(&script).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(600)));
    assert_eq!(started.elapsed(), waited, "it does not fit: no wait");
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn life_is_counted_from_before_the_request() {
    let script = Script::new([Act::Delay(Duration::from_secs(8)), Act::Answer(200, HOUR)]);
    let token = obtain(&script).await.unwrap();
    assert_eq!(token.lifetime(), Duration::from_secs(3600));
    assert_eq!(token.expires_in(), Duration::from_secs(3592));
}

#[tokio::test(start_paused = true)]
async fn an_answer_slower_than_its_token_is_a_failed_attempt() {
    const BRIEF: &str =
        r#"{"access_token":"canary.token.77aa","token_type":"Bearer","expires_in":4}"#;
    let script = Script::new([
        Act::Delay(Duration::from_secs(5)),
        Act::Answer(200, BRIEF),
        Act::Answer(200, HOUR),
    ]);
    assert_eq!(
        obtain(&script).await.unwrap().lifetime(),
        Duration::from_secs(3600)
    );
    assert_eq!(script.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_missing_lifetime_comes_from_the_jwt_or_is_the_default() {
    let claims = |text: &str| format!("h.{}.s", URL_SAFE_NO_PAD.encode(text));
    let wall = Duration::from_secs(1000);
    for (token, lifetime) in [
        (claims(r#"{"exp":1600}"#), Some(600)),
        (claims(r#"{"exp":1600.5}"#), Some(600)),
        (claims(r#"{"exp":1000}"#), None),
        (claims(r#"{"exp":1}"#), None),
        (claims(r#"{"exp":"1600"}"#), None),
        (claims(r#"{"exp":1e300}"#), None),
        (claims(r#"{"exp":-5}"#), None),
        (claims("{}"), None),
        ("opaque".to_owned(), None),
        ("a.b.c".to_owned(), None),
    ] {
        let found = jwt_lifetime(&Secret::new(token.clone()), wall).map(|left| left.as_secs());
        assert_eq!(found, lifetime, "{token}");
    }
    let script = Script::granting(r#"{"access_token":"opaque","token_type":"Bearer"}"#);
    assert_eq!(
        obtain(&script).await.unwrap().lifetime(),
        Duration::from_secs(300)
    );
}

#[tokio::test(start_paused = true)]
async fn transport_failures_have_kinds_and_say_where() {
    use TransportErrorKind as Kind;
    for (transport, kind, requests) in [
        (Kind::Resolve, ErrorKind::Connect, 3),
        (Kind::Connect, ErrorKind::Connect, 3),
        (Kind::Tls, ErrorKind::Connect, 1),
        (Kind::Timeout, ErrorKind::Timeout, 3),
        (Kind::Broken, ErrorKind::Unavailable, 3),
        (Kind::Malformed, ErrorKind::Protocol, 1),
        (Kind::Setup, ErrorKind::Configuration, 1),
    ] {
        let script = Script::new([Act::Fail(TransportError::new(transport, "the reason"))]);
        let error = obtain(&script).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{transport:?}");
        assert_eq!(script.requests(), requests, "{transport:?}");
        assert!(
            error
                .to_string()
                .ends_with("https://idp.example.com: the reason"),
            "{error}"
        );
        assert!(error.hint().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn events_tell_the_story_without_secrets() {
    let log = Arc::new(Mutex::new(String::new()));
    let sink = Arc::clone(&log);
    let script = Script::new([
        Act::Answer(503, r#"{"message":"canary-secret-5e1f"}"#),
        Act::Answer(200, HOUR),
    ]);
    let client = builder(&script, &TestClock::new())
        .on_event(move |event| {
            sink.lock().unwrap().push_str(&format!("{event:?}\n"));
            panic!("an observer with a defect");
        })
        .build()
        .unwrap();
    client
        .access_token_with(&AccessTokenRequest::new())
        .await
        .unwrap();
    let log = log.lock().unwrap();
    let names: Vec<_> = log
        .lines()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "AttemptStarted",
            "AttemptFailed",
            "AttemptStarted",
            "TokenObtained"
        ]
    );
    assert!(!log.contains(SECRET) && !log.contains(TOKEN), "{log}");
}

/// What is sent may come back: a parameter in an error's text, anything in the
/// words of a transport of the application's.
#[tokio::test(start_paused = true)]
async fn what_was_sent_is_not_shown_when_it_comes_back() {
    use std::error::Error as _;
    let request = AccessTokenRequest::new()
        .parameter("pin", "canary-pin-11")
        .unwrap();
    let noisy = format!(
        "POST failed\nbody: pin=canary-pin-11&client_secret={SECRET} {}",
        "x".repeat(5000)
    );
    for act in [
        Act::Answer(
            400,
            r#"{"error":"invalid_request","error_description":"bad pin canary-pin-11"}"#,
        ),
        Act::Fail(TransportError::new(TransportErrorKind::Malformed, noisy)),
    ] {
        let client = builder(&Script::new([act]), &TestClock::new())
            .build()
            .unwrap();
        let error = client.access_token_with(&request).await.unwrap_err();
        let source = error.source().map(ToString::to_string);
        let shown = format!("{error} {error:?} {source:?} {:?}", error.error_response());
        assert!(!shown.contains("canary"), "{shown}");
        assert!(error.to_string().len() < 400 && !error.to_string().contains('\n'));
    }
}

/// When the flight's time is up, its last failure says why.
#[tokio::test(start_paused = true)]
async fn a_flight_that_runs_out_of_time_remembers_why() {
    use std::error::Error as _;
    let log = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&log);
    let script = Script::new([Act::AnswerWith(429, "retry-after", "15", ""), Act::Hang]);
    let client = builder(&script, &TestClock::new())
        .on_event(move |event| sink.lock().unwrap().push(event.clone()))
        .build()
        .unwrap();
    let error = client.access_token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(15)));
    assert!(
        error.source().unwrap().to_string().contains("status 429"),
        "{error:?}"
    );
    let log = log.lock().unwrap();
    assert!(
        matches!(
            log[log.len() - 2..],
            [
                Event::AttemptFailed {
                    attempt: 2,
                    retry_in: None,
                    ..
                },
                Event::CoolDownEntered { wait, .. },
            ] if wait == Duration::from_secs(15)
        ),
        "every attempt that started is accounted for: {log:?}"
    );
}

/// Of an answer that is too large the status counts, and nothing else is looked at,
/// whatever the transport reads.
#[tokio::test(start_paused = true)]
async fn an_oversized_refusal_is_its_status() {
    let padding = "x".repeat(crate::transport::LARGEST_BODY);
    let body = format!(r#"{{"code":8002,"message":"{padding}"}}"#);
    let script = Script::new([Act::Answer(401, body.leak())]);
    let error = obtain(&script).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
    assert!(error.error_response().is_none());
}
