//! What the network does to a request, and what comes of it.

mod framing;
mod pool;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prove_token::{Error, ErrorKind, Event, RetryPolicy, TokenClient, TokenClientBuilder};
use prove_token_emulator::{Fault, Stage};
use prove_token_tests::blackhole::{Blackhole, Refusing};
use prove_token_tests::canary;
use prove_token_tests::client::{self, GRACE, brisk, timed};
use prove_token_tests::emulator;
use tokio::runtime::Handle;

/// Two attempts of 300 ms in a flight of 1 s.
fn impatient() -> RetryPolicy {
    brisk()
        .attempts(2)
        .connect_timeout(Duration::from_millis(200))
        .attempt_timeout(Duration::from_millis(300))
        .flight_timeout(Duration::from_secs(1))
}

/// A client, and how many attempts it has made. It flies on the test's own
/// runtime, where no other test's client can delay it.
fn counting(builder: TokenClientBuilder) -> (TokenClient, Arc<AtomicUsize>) {
    let attempts = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&attempts);
    let client = builder
        .runtime(Handle::current())
        .on_event(move |event| {
            if let Event::AttemptStarted { .. } = event {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        })
        .build()
        .unwrap();
    (client, attempts)
}

/// The error of one call, which made so many attempts, ended in time, and keeps
/// its secrets.
async fn failure(
    builder: TokenClientBuilder,
    attempts: usize,
    limit: Duration,
) -> (Error, Duration) {
    let (client, made) = counting(builder);
    let (outcome, took) = timed(&client).await;
    let error = outcome.expect_err("nothing here grants a token");
    assert!(took <= limit + GRACE, "it took {took:?}: {error}");
    assert_eq!(made.load(Ordering::SeqCst), attempts, "attempts: {error}");
    assert_eq!(canary::leak_of(&error), None);
    (error, took)
}

#[tokio::test]
async fn a_refused_connection_is_tried_again() {
    let nobody = Refusing::open().unwrap();
    let builder = client::builder(nobody.endpoint());
    let (error, _) = failure(builder, 3, Duration::from_secs(2)).await;
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(error.is_retryable());
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_tried_again() {
    // RFC 6761 §6.4: there is no such name, and resolvers know.
    let endpoint = "https://prove-token.invalid/token".parse().unwrap();
    let limit = Duration::from_secs(6);
    let policy = brisk()
        .connect_timeout(Duration::from_secs(1))
        .flight_timeout(limit);
    let builder = client::builder(endpoint).retry(policy);
    let (error, took) = failure(builder, 3, limit).await;
    assert!(error.is_retryable());
    match error.kind() {
        ErrorKind::Connect => {
            let text = error.to_string();
            assert!(
                text.ends_with("the host name could not be resolved"),
                "{text}"
            );
        }
        // This machine's resolver is itself not to be reached.
        kind => {
            assert_eq!(kind, ErrorKind::Timeout, "{error}");
            assert!(
                took >= Duration::from_secs(3),
                "three times 1 s, not {took:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_never_made_has_its_own_limit() {
    let nowhere = Blackhole::open().await.unwrap();
    let policy = impatient().attempt_timeout(Duration::from_secs(60));
    let builder = client::builder(nowhere.endpoint()).retry(policy);
    let (error, took) = failure(builder, 2, Duration::from_secs(1)).await;
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.is_retryable());
    assert!(
        error.to_string().contains("no connection in time"),
        "{error}"
    );
    assert!(
        took >= Duration::from_millis(400),
        "twice 200 ms, not {took:?}"
    );
}

#[tokio::test]
async fn a_reset_at_any_point_is_tried_again() {
    for fault in [
        Fault::reset(Stage::Accept),
        Fault::reset(Stage::Request),
        Fault::reset(Stage::Headers),
        Fault::reset(Stage::Body),
        Fault::close(),
    ] {
        let emulator = emulator::with(fault.clone().times(3));
        let builder = client::builder(emulator::endpoint(&emulator));
        let (error, _) = failure(builder, 3, Duration::from_secs(2)).await;
        match error.kind() {
            ErrorKind::Unavailable => {}
            // So early that the client may see it while it still connects.
            kind => {
                assert_eq!(kind, ErrorKind::Connect, "{fault:?}: {error}");
                assert_eq!(fault, Fault::reset(Stage::Accept));
            }
        }
        assert!(error.is_retryable());
        assert_eq!(emulator.connections(), 3, "{fault:?}");

        let emulator = emulator::with(fault.clone().times(2));
        let (client, attempts) = counting(client::builder(emulator::endpoint(&emulator)));
        client.access_token().await.unwrap();
        assert_eq!(attempts.load(Ordering::SeqCst), 3, "{fault:?}");
    }
}

/// Faults that would hold a caller for ever.
fn standstills() -> [Fault; 3] {
    [
        Fault::silence(),
        Fault::headers_then_silence(),
        Fault::drip(1, Duration::from_secs(1)),
    ]
}

#[tokio::test]
async fn silence_and_trickles_end_by_the_limit_of_the_attempt() {
    for fault in standstills() {
        let emulator = emulator::with(fault.clone().times(0));
        let builder = client::builder(emulator::endpoint(&emulator)).retry(impatient());
        let (error, took) = failure(builder, 2, Duration::from_secs(1)).await;
        assert_eq!(error.kind(), ErrorKind::Timeout, "{fault:?}");
        assert!(error.is_retryable());
        assert!(took >= Duration::from_millis(600), "{fault:?}: {took:?}");
        // What timed out is not used again.
        assert_eq!(emulator.token_requests(), 2, "{fault:?}");
        assert_eq!(emulator.connections(), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn silence_and_trickles_end_by_the_limit_of_the_flight() {
    for fault in standstills() {
        let emulator = emulator::with(fault.clone().times(0));
        let limit = Duration::from_millis(400);
        let policy = brisk().flight_timeout(limit);
        let builder = client::builder(emulator::endpoint(&emulator)).retry(policy);
        let (error, took) = failure(builder, 1, limit).await;
        assert_eq!(error.kind(), ErrorKind::Timeout, "{fault:?}");
        assert!(took >= limit, "{fault:?}: {took:?}");
    }
}

#[tokio::test]
async fn one_silence_costs_one_attempt() {
    for fault in standstills() {
        let emulator = emulator::with(fault.clone());
        let builder = client::builder(emulator::endpoint(&emulator)).retry(impatient());
        let (client, attempts) = counting(builder);
        let (outcome, took) = timed(&client).await;
        outcome.unwrap();
        assert!(took <= Duration::from_secs(1) + GRACE, "{took:?}");
        assert_eq!(attempts.load(Ordering::SeqCst), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn a_trickle_within_the_limit_is_read_to_its_end() {
    let emulator = emulator::with(Fault::drip(16, Duration::from_millis(1)));
    let client = client::client(emulator::endpoint(&emulator));
    client.access_token().await.unwrap();
    assert_eq!(emulator.token_requests(), 1);
}

/// A token of 1 s whose answer took 700 ms has less than its guard of 500 ms left.
#[tokio::test]
async fn an_answer_slower_than_its_token_is_neither_given_out_nor_kept() {
    let slow = Fault::token_member("expires_in", 1).delay(Duration::from_millis(700));
    let emulator = emulator::with(slow.clone());
    let builder = client::builder(emulator::endpoint(&emulator)).retry(brisk().attempts(1));
    let (client, _) = counting(builder);
    let error = client.access_token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Expired);
    assert_eq!(canary::leak_of(&error), None);
    assert_eq!(emulator.token_requests(), 1);
    let remembered = client.access_token().await.unwrap_err();
    assert_eq!(remembered.kind(), ErrorKind::Expired, "no token was kept");
    assert_eq!(emulator.token_requests(), 1, "but the failure");
    // As a failed attempt, it is tried again within the flight.
    let emulator = emulator::with(slow);
    let client = client::client(emulator::endpoint(&emulator));
    let token = client.access_token().await.unwrap();
    assert_eq!(token.lifetime(), Duration::from_secs(3600));
    assert_eq!(emulator.token_requests(), 2);
}
