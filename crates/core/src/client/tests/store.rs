//! A store that several clients share, as several processes do, on paused time.

use std::sync::Mutex;

use super::*;
use crate::store::{Entry, MissReason};
use crate::testing::{Issuer, MemoryStore};
use crate::transport::Transport;
use crate::{AccessTokenRequest, RetryPolicy, TokenClientBuilder};

/// One process of several: a memory of its own, and the store.
fn process(store: &MemoryStore, clock: &TestClock, transport: impl Transport) -> TokenClient {
    settings(store, clock, transport).build().unwrap()
}

fn settings(
    store: &MemoryStore,
    clock: &TestClock,
    transport: impl Transport,
) -> TokenClientBuilder {
    builder(&Script::default(), clock)
        .transport(transport)
        .retry(RetryPolicy::default().attempts(1))
        .store(store.clone())
}

async fn value(client: &TokenClient) -> String {
    client.access_token().await.unwrap().value().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_token_outlives_its_process() {
    let (store, clock, issuer) = (MemoryStore::default(), TestClock::new(), Issuer::default());
    assert_eq!(value(&process(&store, &clock, issuer.clone())).await, "t1");
    tokio::time::advance(Duration::from_secs(600)).await;
    let token = process(&store, &clock, issuer.clone())
        .access_token()
        .await
        .unwrap();
    assert_eq!((token.value(), issuer.requests()), ("t1", 1));
    assert!(token.is_from_store());
    assert_eq!(token.expires_in(), Duration::from_secs(3000));
    assert_eq!(token.lifetime(), Duration::from_secs(3600));
}

#[tokio::test(start_paused = true)]
async fn processes_that_start_together_cost_one_request() {
    let (store, clock) = (MemoryStore::default(), TestClock::new());
    let script = Script::new([Act::Delay(Duration::from_secs(4)), Act::Answer(200, HOUR)]);
    let mut processes = JoinSet::new();
    for _ in 0..20 {
        let client = process(&store, &clock, script.clone());
        processes.spawn(async move { value(&client).await });
    }
    let values = processes.join_all().await;
    assert!(values.iter().all(|value| value == TOKEN));
    assert_eq!(script.requests(), 1);
    assert!(store.touches() >= 3, "the holder is seen to be at work");
}

/// Refused, broken, slow: one request, and its failure is everybody's.
#[tokio::test(start_paused = true)]
async fn processes_on_a_failing_endpoint_cost_one_request() {
    for (act, kind) in [
        (Act::Answer(401, ""), ErrorKind::CredentialsRejected),
        (Act::Answer(403, ""), ErrorKind::RequestRejected),
        (Act::Answer(503, ""), ErrorKind::Unavailable),
        (
            Act::AnswerWith(429, "retry-after", "600", ""),
            ErrorKind::RateLimited,
        ),
    ] {
        let (store, clock) = (MemoryStore::default(), TestClock::new());
        let script = Script::new([LATENCY, act]);
        let mut processes = JoinSet::new();
        for _ in 0..20 {
            let client = process(&store, &clock, script.clone());
            processes.spawn(async move { client.access_token().await.unwrap_err() });
        }
        let errors = processes.join_all().await;
        for error in &errors {
            assert_eq!(error.kind(), kind);
            let shown = |error: &Error| format!("{error} {:?}", error.hint());
            assert_eq!(shown(error), shown(&errors[0]));
        }
        assert_eq!(script.requests(), 1, "{kind:?}");
    }
}

/// A job that runs every second, with a wrong secret: each a process of its own.
#[tokio::test(start_paused = true)]
async fn a_job_with_a_wrong_secret_asks_ever_more_rarely() {
    let (store, clock) = (MemoryStore::default(), TestClock::new());
    let script = Script::new([Act::Answer(401, "")]);
    for _ in 0..3600 {
        let error = process(&store, &clock, script.clone()).access_token().await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::CredentialsRejected);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    let requests = script.requests();
    assert!((55..80).contains(&requests), "{requests}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_holds_nobody_back_who_has_another_secret_or_was_told_to_try() {
    let (store, clock) = (MemoryStore::default(), TestClock::new());
    let script = Script::new([
        Act::Answer(401, ""),
        Act::Answer(401, ""),
        Act::Answer(200, HOUR),
    ]);
    let first = process(&store, &clock, script.clone());
    first.access_token().await.unwrap_err();
    first.reset();
    first.access_token().await.unwrap_err();
    assert_eq!(
        script.requests(),
        2,
        "a reset looks past the failure in the store"
    );
    let other = settings(&store, &clock, script.clone())
        .credentials(crate::testing::ID, ClientSecret::new("another").unwrap())
        .build()
        .unwrap();
    assert_eq!(value(&other).await, TOKEN);
    assert!(!store.has(Entry::Failure), "a success ends it");
}

#[tokio::test(start_paused = true)]
async fn another_secret_or_request_never_gets_the_token() {
    let (store, clock, issuer) = (MemoryStore::default(), TestClock::new(), Issuer::default());
    assert_eq!(value(&process(&store, &clock, issuer.clone())).await, "t1");
    let other = settings(&store, &clock, issuer.clone())
        .credentials(crate::testing::ID, ClientSecret::new("another").unwrap())
        .build()
        .unwrap();
    assert_eq!(value(&other).await, "t2");
    let request = AccessTokenRequest::new().audience("another");
    let third = process(&store, &clock, issuer.clone());
    assert_eq!(
        third.access_token_with(&request).await.unwrap().value(),
        "t3"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stored_life_is_judged_by_both_clocks() {
    let hour = Duration::from_secs(3600);
    for (what, requests, change) in [
        ("nothing", 1, (|_| ()) as fn(&TestClock)),
        ("a suspend", 2, |clock| {
            clock.suspend(Duration::from_secs(3595))
        }),
        ("the wall set forward", 2, |clock| {
            clock.set_wall(|wall| *wall += Duration::from_secs(3595))
        }),
        ("the wall set back: from the future", 2, |clock| {
            clock.set_wall(|wall| *wall -= Duration::from_secs(50))
        }),
    ] {
        let (store, clock, issuer) = (MemoryStore::default(), TestClock::new(), Issuer::default());
        value(&process(&store, &clock, issuer.clone())).await;
        change(&clock);
        let token = process(&store, &clock, issuer.clone())
            .access_token()
            .await
            .unwrap();
        assert_eq!(issuer.requests(), requests, "{what}");
        assert!(token.expires_in() <= hour);
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_of_the_machine_the_wall_clock_alone_counts() {
    let (store, clock, issuer) = (MemoryStore::default(), TestClock::new(), Issuer::default());
    value(&process(&store, &clock, issuer.clone())).await;
    tokio::time::advance(Duration::from_secs(1000)).await;
    let rebooted = clock.rebooted();
    let client = process(&store, &rebooted, issuer.clone());
    let token = client.access_token().await.unwrap();
    assert_eq!((token.value(), token.expires_in().as_secs()), ("t1", 2600));
    tokio::time::advance(Duration::from_secs(2591)).await;
    assert_eq!(value(&client).await, "t2", "the guard holds");
}

#[tokio::test(start_paused = true)]
async fn defects_are_misses_and_are_told() {
    for (reason, change) in [
        (
            MissReason::Absent,
            (|_, store| store.alter(|_| ())) as fn(&TestClock, &MemoryStore),
        ),
        (MissReason::Damaged, |_, store| {
            store.alter(|entry| entry.truncate(40))
        }),
        (MissReason::Damaged, |_, store| {
            store.alter(|entry| *entry.last_mut().unwrap() ^= 1)
        }),
        (MissReason::Expired, |clock, _| {
            clock.suspend(Duration::from_secs(3600))
        }),
        (MissReason::FromTheFuture, |clock, _| {
            clock.set_wall(|wall| *wall -= Duration::from_secs(1))
        }),
    ] {
        let (store, clock, issuer) = (MemoryStore::default(), TestClock::new(), Issuer::default());
        if reason != MissReason::Absent {
            value(&process(&store, &clock, issuer.clone())).await;
        }
        change(&clock, &store);
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&told);
        let client = settings(&store, &clock, issuer.clone()).on_event(move |event| {
            if let Event::StoreMissed { reason, .. } = event {
                sink.lock().unwrap().push(*reason);
            }
        });
        value(&client.build().unwrap()).await;
        assert_eq!(*told.lock().unwrap(), [reason]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_work_costs_one_event_and_no_token() {
    let (store, clock, issuer) = (MemoryStore::default(), TestClock::new(), Issuer::default());
    store.set_broken(true);
    let told = Arc::new(Mutex::new(0));
    let sink = Arc::clone(&told);
    let client = settings(&store, &clock, issuer.clone())
        .on_event(move |event| {
            *sink.lock().unwrap() += usize::from(matches!(event, Event::StoreUnavailable { .. }));
        })
        .build()
        .unwrap();
    for round in 1..=3 {
        value(&client).await;
        assert_eq!(issuer.requests(), round);
        tokio::time::advance(Duration::from_secs(3600)).await;
    }
    assert_eq!(*told.lock().unwrap(), 1);
}

/// 401 from an API: the stored entry goes, and a newer one that another process got
/// meanwhile is used before anybody asks.
#[tokio::test(start_paused = true)]
async fn a_rejected_token_leaves_the_store_and_a_newer_one_is_used() {
    let (store, clock, issuer) = (MemoryStore::default(), TestClock::new(), Issuer::default());
    let first = process(&store, &clock, issuer.clone());
    let second = process(&store, &clock, issuer.clone());
    let (old, same) = (first.access_token().await.unwrap(), value(&second).await);
    assert_eq!(old.value(), same);
    first.invalidate(&old);
    // What removes it runs on the flights' runtime.
    while store.has(Entry::Token) {
        tokio::task::yield_now().await;
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(value(&first).await, "t2");
    second.invalidate(&second.access_token().await.unwrap());
    assert_eq!(value(&second).await, "t2");
    assert_eq!(issuer.requests(), 2);
    assert!(
        store.has(Entry::Token),
        "the late rejection of the old token spares the new"
    );
}

#[tokio::test(start_paused = true)]
async fn a_long_lived_process_takes_the_renewal_of_another() {
    let (store, clock, issuer) = (MemoryStore::default(), TestClock::new(), Issuer::default());
    let clients = [0, 1].map(|_| process(&store, &clock, issuer.clone()));
    for client in &clients {
        assert_eq!(value(client).await, "t1");
    }
    tokio::time::advance(Duration::from_secs(3600 - 700)).await;
    for client in &clients {
        value(client).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(value(client).await, "t2");
    }
    assert_eq!(issuer.requests(), 2);
}

/// A holder that is stuck: the others wait as long as a flight takes, and go on.
#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever_for_a_holder() {
    let (store, clock, issuer) = (MemoryStore::default(), TestClock::new(), Issuer::default());
    value(&process(&store, &clock, issuer.clone())).await;
    tokio::time::advance(Duration::from_secs(3600)).await;
    let _held = store.lease_all();
    let started = tokio::time::Instant::now();
    let client = process(&store, &clock, issuer.clone());
    assert_eq!(value(&client).await, "t2");
    assert!(
        started.elapsed() < Duration::from_secs(26),
        "{:?}",
        started.elapsed()
    );
}

/// A folder on a server that is gone: the token comes without it, and later flights do
/// not wait for it again while it hangs.
#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_done_without() {
    let (store, clock, issuer) = (MemoryStore::default(), TestClock::new(), Issuer::default());
    let release = store.hang();
    let client = process(&store, &clock, issuer.clone());
    for (token, longest) in [("t1", 6), ("t2", 1)] {
        let asking = tokio::spawn({
            let client = client.clone();
            async move { value(&client).await }
        });
        let mut passed = 0;
        // The hanging thread keeps paused time from passing by itself.
        while !asking.is_finished() {
            tokio::time::advance(Duration::from_millis(100)).await;
            passed += 100;
            assert!(passed <= longest * 1000, "{token} took {passed} ms");
        }
        assert_eq!(asking.await.unwrap(), token);
        tokio::time::advance(Duration::from_secs(3600)).await;
    }
    drop(release);
}

#[tokio::test(start_paused = true)]
async fn one_shot_processes_serve_what_is_stored_until_the_mandatory_window() {
    let (store, clock, issuer) = (MemoryStore::default(), TestClock::new(), Issuer::default());
    let one_shot = || {
        let builder = settings(&store, &clock, issuer.clone());
        builder.background_renewal(false).build().unwrap()
    };
    value(&one_shot()).await;
    tokio::time::advance(Duration::from_secs(3600 - 100)).await;
    let client = one_shot();
    let cached = client
        .cached_access_token(None, CallOptions::new())
        .unwrap();
    assert_eq!(cached.unwrap().value(), "t1");
    assert_eq!(value(&client).await, "t1");
    let longer = CallOptions::new().min_validity(Duration::from_secs(101));
    assert!(
        one_shot()
            .cached_access_token(None, longer)
            .unwrap()
            .is_none()
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(issuer.requests(), 1, "no renewal in the background");
    tokio::time::advance(Duration::from_secs(40)).await;
    assert!(
        one_shot()
            .cached_access_token(None, CallOptions::new())
            .unwrap()
            .is_none()
    );
    assert_eq!(value(&one_shot()).await, "t2");
}

#[tokio::test(start_paused = true)]
async fn in_the_mandatory_window_a_stored_token_is_what_an_outage_leaves() {
    let (store, clock) = (MemoryStore::default(), TestClock::new());
    let script = Script::new([Act::Answer(200, HOUR), Act::Answer(503, "")]);
    value(&process(&store, &clock, script.clone())).await;
    tokio::time::advance(Duration::from_secs(3600 - 30)).await;
    let client = settings(&store, &clock, script.clone()).background_renewal(false);
    assert_eq!(value(&client.build().unwrap()).await, TOKEN);
    assert_eq!(script.requests(), 2, "it was tried");
}

#[tokio::test(start_paused = true)]
async fn force_looks_past_the_store_and_keeps_what_it_got() {
    let (store, clock, issuer) = (MemoryStore::default(), TestClock::new(), Issuer::default());
    value(&process(&store, &clock, issuer.clone())).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    let force = CallOptions::new().force(true);
    let client = process(&store, &clock, issuer.clone());
    assert!(client.cached_access_token(None, force).unwrap().is_none());
    let token = client.access_token_with_options(None, force).await.unwrap();
    assert_eq!(token.value(), "t2");
    assert_eq!(value(&process(&store, &clock, issuer.clone())).await, "t2");
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_of_its_own_touches_no_store() {
    let (store, clock, issuer) = (MemoryStore::default(), TestClock::new(), Issuer::default());
    let client = process(&store, &clock, issuer.clone());
    let request = AccessTokenRequest::new();
    client.request_access_token(&request).await.unwrap();
    assert!(!store.has(Entry::Token));
    value(&client).await;
    let apart = client.request_access_token(&request).await.unwrap();
    assert_eq!(apart.value(), "t3");
    assert_eq!(value(&process(&store, &clock, issuer.clone())).await, "t2");
}

#[tokio::test(start_paused = true)]
async fn forget_empties_memory_and_store_without_the_secret() {
    let (store, clock, issuer) = (MemoryStore::default(), TestClock::new(), Issuer::default());
    let client = process(&store, &clock, issuer.clone());
    value(&client).await;
    let stranger = settings(&store, &clock, issuer.clone())
        .credentials(crate::testing::ID, ClientSecret::new("unknown").unwrap())
        .build()
        .unwrap();
    assert!(stranger.forget(None).unwrap());
    assert!(!store.has(Entry::Token));
    assert!(client.forget(None).unwrap() && !client.forget(None).unwrap());
    assert_eq!(value(&client).await, "t2");
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_shows_neither_secret_nor_token() {
    let (store, clock) = (MemoryStore::default(), TestClock::new());
    let script = Script::granting(HOUR);
    let client = process(&store, &clock, script.clone());
    value(&client).await;
    store.alter(|entry| {
        let text = String::from_utf8_lossy(entry);
        assert!(
            !text.contains("canary") && !text.contains("access_token"),
            "{text}"
        );
    });
    let shown = format!("{client:?} {store:?}");
    assert!(!shown.contains("canary"));
}
