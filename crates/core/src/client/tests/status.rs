//! What is known of a token without asking for it.

use super::*;
use crate::RetryPolicy;
use crate::store::MissReason;
use crate::testing::{Issuer, MemoryStore};
use crate::transport::Transport;

fn process(store: &MemoryStore, clock: &TestClock, transport: impl Transport) -> TokenClient {
    builder(&Script::default(), clock)
        .transport(transport)
        .retry(RetryPolicy::default().attempts(1))
        .store(store.clone())
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_look_asks_nobody() {
    let (store, clock, issuer) = (MemoryStore::default(), TestClock::new(), Issuer::default());
    let client = process(&store, &clock, issuer.clone());
    let before = client.stored_status(None).unwrap();
    assert!(before.token.is_none() && before.renewal_in.is_none() && before.failure.is_none());
    assert_eq!(before.missed, Some(MissReason::Absent));
    assert_eq!(client.stored_until(None).unwrap(), None);
    assert_eq!(issuer.requests(), 0);

    client.access_token().await.unwrap();
    let other = process(&store, &clock, issuer.clone());
    for client in [&client, &other] {
        let status = client.stored_status(None).unwrap();
        let token = status.token.unwrap();
        assert_eq!(token.expires_in(), Duration::from_secs(3600));
        // 720 s before the end, and a jitter of up to 300 s.
        let due = status.renewal_in.unwrap().as_secs();
        assert!((2580..=2880).contains(&due), "{due}");
        assert!(status.missed.is_none() && status.failure.is_none());
        let ends = client.stored_until(None).unwrap();
        assert_eq!(ends, Some(token.expires_at()));
    }
    assert_eq!(issuer.requests(), 1);
    let shown = format!("{:?}", client.stored_status(None).unwrap());
    assert!(
        !shown.contains(client.access_token().await.unwrap().value()),
        "{shown}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_by_who_met_with_it_and_by_others() {
    let (store, clock) = (MemoryStore::default(), TestClock::new());
    let script = Script::new([Act::Answer(401, "")]);
    let client = process(&store, &clock, script.clone());
    client.access_token().await.unwrap_err();
    let other = process(&store, &clock, script.clone());
    for client in [&client, &other] {
        let failure = client.stored_status(None).unwrap().failure.unwrap();
        assert_eq!(failure.kind(), ErrorKind::CredentialsRejected);
        let wait = failure.retry_after().unwrap();
        assert!(
            !wait.is_zero() && wait <= Duration::from_secs(5),
            "{wait:?}"
        );
    }
    tokio::time::advance(Duration::from_secs(6)).await;
    let failure = other.stored_status(None).unwrap().failure.unwrap();
    assert_eq!(
        failure.retry_after(),
        Some(Duration::ZERO),
        "the pause is over"
    );
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_stands_beside_the_live_token() {
    let clock = TestClock::new();
    let script = Script::new([Act::Answer(200, HOUR), Act::Answer(503, "")]);
    let client = builder(&script, &clock)
        .retry(RetryPolicy::default().attempts(1))
        .build()
        .unwrap();
    client.access_token().await.unwrap();
    tokio::time::advance(Duration::from_secs(3000)).await;
    assert_eq!(
        client.status(None).unwrap().renewal_in,
        Some(Duration::ZERO)
    );
    client.access_token().await.unwrap();
    while script.requests() < 2 {
        tokio::task::yield_now().await;
    }
    let status = loop {
        let status = client.stored_status(None).unwrap();
        match status.failure {
            Some(_) => break status,
            None => tokio::task::yield_now().await,
        }
    };
    assert_eq!(status.failure.unwrap().kind(), ErrorKind::Unavailable);
    assert_eq!(status.token.unwrap().value(), TOKEN);
    let due = status.renewal_in.unwrap();
    assert!(
        due > Duration::from_secs(3) && due < Duration::from_secs(7),
        "{due:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_opened_is_missed_and_its_end_is_known() {
    let (store, clock, issuer) = (MemoryStore::default(), TestClock::new(), Issuer::default());
    let client = process(&store, &clock, issuer.clone());
    let ends = client.access_token().await.unwrap().expires_at();
    store.alter(|sealed| *sealed.last_mut().unwrap() ^= 1);
    let other = process(&store, &clock, issuer);
    let status = other.stored_status(None).unwrap();
    assert_eq!(status.missed, Some(MissReason::Damaged));
    assert!(status.token.is_none());
    assert_eq!(other.stored_until(None).unwrap(), Some(ends));
}
