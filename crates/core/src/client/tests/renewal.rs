//! The renewal semantics, scenario by scenario, on paused time.

use std::sync::Mutex;

use super::*;
use crate::{RenewalPolicy, RetryPolicy};

const HOUR_IN_SECONDS: u64 = 3600;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A client whose flights make one attempt each, so that requests are flights.
fn single(script: &Script) -> TokenClient {
    builder(script, &TestClock::new())
        .retry(RetryPolicy::default().attempts(1))
        .renewal(RenewalPolicy::default().jitter(0, Duration::ZERO))
        .build()
        .unwrap()
}

/// Lets a flight that nobody waits for run to its end.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

const SECOND: &str =
    r#"{"access_token":"canary.token.second","token_type":"Bearer","expires_in":3600}"#;

#[tokio::test(start_paused = true)]
async fn in_the_advisory_phase_the_live_token_is_served_and_renewed_once() {
    let script = Script::new([Act::Answer(200, HOUR), LATENCY, Act::Answer(200, SECOND)]);
    let client = single(&script);
    client.access_token().await.unwrap();
    tokio::time::advance(seconds(HOUR_IN_SECONDS - 720)).await;
    let started = tokio::time::Instant::now();
    for _ in 0..1000 {
        assert_eq!(client.access_token().await.unwrap().value(), TOKEN);
    }
    assert_eq!(started.elapsed(), Duration::ZERO, "nobody waits");
    settle().await;
    assert_eq!(script.requests(), 2);
    tokio::time::sleep(Duration::from_millis(50)).await;
    settle().await;
    assert_eq!(
        client.access_token().await.unwrap().value(),
        "canary.token.second"
    );
    assert_eq!(script.requests(), 2);
}

/// The server is down for the last 12 minutes of a life: no call fails before the
/// guard, tries follow the schedule, and one call waits.
#[tokio::test(start_paused = true)]
async fn an_outage_is_bridged_to_the_guard() {
    let script = Script::new([Act::Answer(200, HOUR), Act::Answer(503, "")]);
    let client = single(&script);
    client.access_token().await.unwrap();
    tokio::time::advance(seconds(HOUR_IN_SECONDS - 720)).await;
    for _ in 0..709 {
        assert_eq!(client.access_token().await.unwrap().value(), TOKEN);
        settle().await;
        tokio::time::advance(seconds(1)).await;
    }
    // 5, 10, 20, 40 and then every 60 s, each ±20 %, and one at the boundary.
    let flights = script.requests() - 1;
    assert!((13..=19).contains(&flights), "{flights} flights");
    tokio::time::advance(seconds(1)).await;
    let error = client.access_token().await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Unavailable,
        "below the guard nothing is served"
    );
}

#[tokio::test(start_paused = true)]
async fn in_the_mandatory_phase_callers_wait_once_and_not_for_long() {
    let script = Script::new([Act::Answer(200, HOUR), Act::Hang]);
    let client = single(&script);
    client.access_token().await.unwrap();
    tokio::time::advance(seconds(HOUR_IN_SECONDS - 60)).await;
    let started = tokio::time::Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let client = client.clone();
        callers.spawn(async move { client.access_token().await.unwrap().value().to_owned() });
    }
    assert!(callers.join_all().await.iter().all(|token| token == TOKEN));
    assert_eq!(started.elapsed(), seconds(2));
    client.access_token().await.unwrap();
    assert_eq!(started.elapsed(), seconds(2), "nobody waits again");
    assert_eq!(script.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn in_the_mandatory_phase_a_quick_renewal_is_what_callers_get() {
    let script = Script::new([Act::Answer(200, HOUR), LATENCY, Act::Answer(200, SECOND)]);
    let client = single(&script);
    client.access_token().await.unwrap();
    tokio::time::advance(seconds(HOUR_IN_SECONDS - 60)).await;
    assert_eq!(
        client.access_token().await.unwrap().value(),
        "canary.token.second"
    );
}

/// A failure without a token is everybody's for a while: no herd of requests.
#[tokio::test(start_paused = true)]
async fn a_failure_is_remembered_until_its_pause_is_over() {
    let script = Script::new([Act::Answer(503, ""), Act::Answer(200, HOUR)]);
    let client = single(&script);
    client.access_token().await.unwrap_err();
    for _ in 0..100 {
        let error = client.access_token().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(
            error
                .retry_after()
                .is_some_and(|wait| wait <= Duration::from_millis(1200))
        );
    }
    assert_eq!(script.requests(), 1);
    tokio::time::advance(Duration::from_millis(1200)).await;
    client.access_token().await.unwrap();
    assert_eq!(script.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_never_locks_the_account() {
    let script = Script::new([Act::Answer(401, "")]);
    let client = single(&script);
    for _ in 0..3600 {
        let error = client.access_token().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
        tokio::time::advance(seconds(1)).await;
    }
    // About one a minute, after a few quicker ones.
    assert!(
        (55..80).contains(&script.requests()),
        "{}",
        script.requests()
    );
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_is_a_cool_down_in_which_a_live_token_is_served() {
    let script = Script::new([
        Act::Answer(200, HOUR),
        Act::AnswerWith(429, "retry-after", "600", ""),
        Act::Answer(200, SECOND),
    ]);
    let client = single(&script);
    client.access_token().await.unwrap();
    tokio::time::advance(seconds(HOUR_IN_SECONDS - 700)).await;
    let started = tokio::time::Instant::now();
    for _ in 0..599 {
        client.access_token().await.unwrap();
        settle().await;
        tokio::time::advance(seconds(1)).await;
    }
    assert_eq!(started.elapsed(), seconds(599));
    assert_eq!(script.requests(), 2);
    tokio::time::advance(seconds(1)).await;
    client.access_token().await.unwrap();
    settle().await;
    assert_eq!(script.requests(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_repeats_its_token_is_not_asked_in_a_loop() {
    // Ten minutes left of the same token, again and again.
    const SAME: &str =
        r#"{"access_token":"canary.token.77aa","token_type":"Bearer","expires_in":600}"#;
    let script = Script::new([Act::Answer(200, HOUR), Act::Answer(200, SAME)]);
    let client = single(&script);
    client.access_token().await.unwrap();
    tokio::time::advance(seconds(HOUR_IN_SECONDS - 600)).await;
    for _ in 0..280 {
        client.access_token().await.unwrap();
        settle().await;
        tokio::time::advance(seconds(1)).await;
    }
    assert_eq!(script.requests(), 2, "half of what remains is waited for");
}

#[tokio::test(start_paused = true)]
async fn an_api_that_rejects_every_token_causes_one_renewal_in_thirty_seconds() {
    let script = Script::granting(HOUR);
    let client = single(&script);
    for _ in 0..60 {
        let token = client.access_token().await.unwrap();
        client.invalidate(&token);
        tokio::time::advance(seconds(1)).await;
    }
    assert!(
        (3..=4).contains(&script.requests()),
        "{}",
        script.requests()
    );
}

#[tokio::test(start_paused = true)]
async fn the_jitter_is_drawn_once_per_token() {
    let script = Script::granting(HOUR);
    let client = builder(&script, &TestClock::new()).build().unwrap();
    client.access_token().await.unwrap();
    // Were it drawn per read, the latest of a hundred draws would renew too early.
    tokio::time::advance(seconds(HOUR_IN_SECONDS - 1021)).await;
    for _ in 0..1000 {
        client.access_token().await.unwrap();
    }
    settle().await;
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn events_tell_of_failing_renewals_and_rejections() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&events);
    let script = Script::new([Act::Answer(200, HOUR), Act::Answer(503, "")]);
    let client = builder(&script, &TestClock::new())
        .retry(RetryPolicy::default().attempts(1))
        .on_event(move |event| sink.lock().unwrap().push(event.clone()))
        .build()
        .unwrap();
    let token = client.access_token().await.unwrap();
    tokio::time::advance(seconds(HOUR_IN_SECONDS - 700)).await;
    client.access_token().await.unwrap();
    settle().await;
    client.invalidate(&token);
    let events = events.lock().unwrap();
    let failing = events.iter().find_map(|event| match event {
        Event::RenewalFailed { valid_for, .. } => Some(*valid_for),
        _ => None,
    });
    assert_eq!(failing, Some(seconds(690)));
    assert!(matches!(events.last(), Some(Event::TokenRejected { .. })));
    assert!(!format!("{events:?}").contains("canary"));
}
