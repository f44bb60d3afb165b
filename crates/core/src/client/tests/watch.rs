//! Tokens that are renewed though nobody asks, on paused time.

use super::*;
use crate::testing::Issuer;
use crate::{RenewalPolicy, RetryPolicy, TokenClientBuilder, TokenWatch};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn with(transport: impl crate::transport::Transport, clock: &TestClock) -> TokenClientBuilder {
    builder(&Script::default(), clock)
        .transport(transport)
        .retry(RetryPolicy::default().attempts(1))
        .renewal(RenewalPolicy::default().jitter(0, Duration::ZERO))
}

async fn next(watch: &mut TokenWatch) -> String {
    watch.next().await.unwrap().value().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_each_new_token_on_time() {
    let issuer = Issuer::default();
    let client = with(issuer.clone(), &TestClock::new()).build().unwrap();
    let mut watches = [client.watch(None), client.watch(None)];
    let started = tokio::time::Instant::now();
    for number in 1..=24_u64 {
        for watch in &mut watches {
            assert_eq!(next(watch).await, format!("t{number}"));
        }
        let due = seconds((number - 1) * (3600 - 720));
        let late = started.elapsed() - due;
        assert!(late < seconds(number), "{late:?} late for token {number}");
    }
    assert_eq!(issuer.requests(), 24);
}

#[tokio::test(start_paused = true)]
async fn a_watch_survives_an_outage() {
    let script = Script::new([
        Act::Answer(503, ""),
        Act::Answer(503, ""),
        Act::Answer(200, HOUR),
        Act::Answer(503, ""),
    ]);
    let client = with(script.clone(), &TestClock::new()).build().unwrap();
    let mut watch = client.watch(None);
    let mut next_try = None;
    for _ in 0..2 {
        let error = watch.next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let now = tokio::time::Instant::now();
        assert!(next_try.is_none_or(|next_try| now >= next_try));
        next_try = Some(now + error.retry_after().expect("a pause"));
    }
    assert_eq!(next(&mut watch).await, TOKEN);
    let started = tokio::time::Instant::now();
    let error = watch.next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let lived = started.elapsed().as_secs();
    assert!(
        (3590..3596).contains(&lived),
        "{lived} s: failures before are events alone"
    );
}

/// Whoever sent it: the watch itself, or another caller while the watch slept.
#[tokio::test(start_paused = true)]
async fn a_failed_request_is_told_once() {
    let script = Script::new([
        Act::Answer(503, ""),
        Act::Answer(503, ""),
        Act::Answer(503, ""),
        Act::Answer(200, HOUR),
    ]);
    let client = with(script.clone(), &TestClock::new()).build().unwrap();
    let mut watch = client.watch(None);
    for told in 1..=3 {
        watch.next().await.unwrap_err();
        assert_eq!(script.requests(), told);
        if told == 1 {
            client.reset();
            client.access_token().await.unwrap_err();
        }
    }
    assert_eq!(next(&mut watch).await, TOKEN);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_token_wakes_the_watch() {
    let issuer = Issuer::default();
    let client = with(issuer.clone(), &TestClock::new()).build().unwrap();
    let mut watch = client.watch(None);
    let token = watch.next().await.unwrap();
    let started = tokio::time::Instant::now();
    client.invalidate(&token);
    assert_eq!(next(&mut watch).await, "t2");
    assert!(started.elapsed() < seconds(1));
    client.credentials_changed();
    assert_eq!(next(&mut watch).await, "t3");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_dropped_asks_no_more() {
    let issuer = Issuer::default();
    let client = with(issuer.clone(), &TestClock::new()).build().unwrap();
    let mut watch = client.watch(None);
    next(&mut watch).await;
    drop(watch);
    tokio::time::sleep(seconds(36_000)).await;
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_suspended_machine_gets_its_token_within_a_minute() {
    let (issuer, clock) = (Issuer::default(), TestClock::new());
    let client = with(issuer.clone(), &clock).build().unwrap();
    let mut watch = client.watch(None);
    next(&mut watch).await;
    let started = tokio::time::Instant::now();
    clock.suspend(seconds(7200));
    assert_eq!(next(&mut watch).await, "t2");
    assert!(started.elapsed() <= seconds(31));
}

#[tokio::test(start_paused = true)]
async fn a_watch_without_credentials_says_so() {
    let client = TokenClient::builder(endpoint())
        .transport(Issuer::default())
        .clock(TestClock::new())
        .runtime(tokio::runtime::Handle::current())
        .build()
        .unwrap();
    let error = client.watch(None).next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

/// An idle sidecar: its token is there whenever somebody comes.
#[tokio::test(start_paused = true)]
async fn what_is_kept_warm_is_renewed_until_two_tokens_go_unread() {
    let issuer = Issuer::default();
    let client = with(issuer.clone(), &TestClock::new());
    let client = client.keep_warm(true).build().unwrap();
    client.access_token().await.unwrap();
    for read in 2..=5 {
        tokio::time::sleep(seconds(2890)).await;
        let started = tokio::time::Instant::now();
        let token = client.access_token().await.unwrap();
        assert_eq!(token.value(), format!("t{read}"));
        assert_eq!(started.elapsed(), Duration::ZERO);
    }
    tokio::time::sleep(seconds(86_400)).await;
    assert_eq!(
        issuer.requests(),
        7,
        "two went unread, and the second was the last"
    );
    client.access_token().await.unwrap();
    tokio::time::sleep(seconds(2890)).await;
    assert_eq!(issuer.requests(), 9, "and a read starts it anew");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_gone_keeps_nothing_warm() {
    let issuer = Issuer::default();
    let client = with(issuer.clone(), &TestClock::new());
    let client = client.keep_warm(true).build().unwrap();
    client.access_token().await.unwrap();
    drop(client);
    tokio::time::sleep(seconds(36_000)).await;
    assert_eq!(issuer.requests(), 1);
}
