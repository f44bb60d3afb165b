use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::task::JoinSet;

use super::*;
use crate::event::Event;
use crate::testing::{Act, HOUR, SECRET, Script, TOKEN, TestClock, builder, endpoint};
use crate::{ClientId, ClientSecret};

const LATENCY: Act = Act::Delay(Duration::from_millis(50));

fn client(script: &Script, clock: &TestClock) -> TokenClient {
    builder(script, clock).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_live_token_is_never_asked_for_twice() {
    let (script, clock) = (Script::granting(HOUR), TestClock::new());
    let client = client(&script, &clock);
    for _ in 0..100 {
        assert_eq!(client.access_token().await.unwrap().value(), TOKEN);
    }
    assert_eq!(script.requests(), 1);
    tokio::time::advance(Duration::from_secs(2500)).await;
    client.access_token().await.unwrap();
    assert_eq!(
        script.requests(),
        1,
        "not yet advisory, whatever the jitter"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_fresh_is_told_and_nothing_is_started() {
    let (script, clock) = (Script::granting(HOUR), TestClock::new());
    let client = client(&script, &clock);
    assert!(client.fresh_access_token().is_none());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(script.requests(), 0);
    let token = client.access_token().await.unwrap();
    let fresh = client.fresh_access_token().unwrap();
    assert_eq!(fresh.value(), token.value());
    tokio::time::advance(Duration::from_secs(3600 - 100)).await;
    assert!(client.fresh_access_token().is_none(), "to be renewed");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_set_back_prolongs_no_life() {
    let (script, clock) = (Script::granting(HOUR), TestClock::new());
    let client = client(&script, &clock);
    client.access_token().await.unwrap();
    clock.set_wall(|wall| *wall -= Duration::from_secs(7200));
    client.access_token().await.unwrap();
    assert_eq!(
        script.requests(),
        1,
        "the boot clock still sees a live token"
    );
    tokio::time::advance(Duration::from_secs(3590)).await;
    client.access_token().await.unwrap();
    assert_eq!(script.requests(), 2);
    clock.set_wall(|wall| *wall += Duration::from_secs(7200));
    client.access_token().await.unwrap();
    assert_eq!(
        script.requests(),
        3,
        "a step forward costs one early renewal"
    );
}

#[tokio::test(start_paused = true)]
async fn a_thousand_callers_share_one_flight() {
    let script = Script::new([LATENCY, Act::Answer(200, HOUR)]);
    let client = client(&script, &TestClock::new());
    let started = tokio::time::Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..1000 {
        let client = client.clone();
        callers.spawn(async move { client.access_token().await.unwrap().value().to_owned() });
    }
    let tokens = callers.join_all().await;
    assert!(tokens.len() == 1000 && tokens.iter().all(|token| token == TOKEN));
    assert_eq!(script.requests(), 1);
    assert_eq!(started.elapsed(), Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn a_failing_flight_fails_all_its_callers_at_once() {
    let script = Script::new([LATENCY, Act::Answer(403, "")]);
    let client = client(&script, &TestClock::new());
    let started = tokio::time::Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..1000 {
        let client = client.clone();
        callers.spawn(async move { client.access_token().await.unwrap_err().kind() });
    }
    let kinds = callers.join_all().await;
    assert!(kinds.iter().all(|kind| *kind == ErrorKind::RequestRejected));
    assert_eq!(script.requests(), 1);
    assert_eq!(started.elapsed(), Duration::from_millis(50));
}

/// Callers with 200 ms each, a server that needs 300 ms.
#[tokio::test(start_paused = true)]
async fn callers_that_give_up_do_not_take_the_flight_with_them() {
    let script = Script::new([
        Act::Delay(Duration::from_millis(300)),
        Act::Answer(200, HOUR),
    ]);
    let client = client(&script, &TestClock::new());
    let limit = Duration::from_millis(200);
    assert!(
        tokio::time::timeout(limit, client.access_token())
            .await
            .is_err()
    );
    assert!(
        tokio::time::timeout(limit, client.access_token())
            .await
            .is_ok()
    );
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn any_cancelled_caller_harms_no_other() {
    for cancelled in 0..10 {
        let script = Script::new([LATENCY, Act::Answer(200, HOUR)]);
        let client = client(&script, &TestClock::new());
        let callers: Vec<_> = (0..10)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.access_token().await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(10)).await;
        callers[cancelled].abort();
        for (number, caller) in callers.into_iter().enumerate() {
            assert_eq!(
                caller.await.is_ok_and(|outcome| outcome.is_ok()),
                number != cancelled
            );
        }
        assert_eq!(script.requests(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn late_rejections_of_an_old_token_cost_nothing() {
    let script = Script::granting(HOUR);
    let client = client(&script, &TestClock::new());
    let old = client.access_token().await.unwrap();
    let copy = old.clone();
    client.invalidate(&old);
    let new = client.access_token().await.unwrap();
    assert_eq!(script.requests(), 2);
    for _ in 0..1000 {
        client.invalidate(&copy);
        client.access_token().await.unwrap();
    }
    assert_eq!(script.requests(), 2);
    client.invalidate(&new);
    client.access_token().await.unwrap();
    assert_eq!(script.requests(), 2, "one forced renewal in 30 s");
    tokio::time::advance(Duration::from_secs(30)).await;
    client.invalidate(&new);
    client.access_token().await.unwrap();
    assert_eq!(script.requests(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_slow_key_holds_up_no_other() {
    let request = |audience| AccessTokenRequest::new().audience(audience);
    let script = Script::new([
        Act::Answer(200, HOUR),
        Act::Delay(Duration::from_secs(5)),
        Act::Answer(200, HOUR),
    ]);
    let client = client(&script, &TestClock::new());
    let quick = request("quick");
    client.access_token_with(&quick).await.unwrap();
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.access_token_with(&request("slow")).await }
    });
    tokio::task::yield_now().await;
    let started = tokio::time::Instant::now();
    client.access_token_with(&quick).await.unwrap();
    client.access_token_with(&request("another")).await.unwrap();
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(script.requests(), 3);
    waiting.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_same_request_has_one_token_by_either_call() {
    let script = Script::granting(HOUR);
    let request = AccessTokenRequest::new().audience("api");
    let client = builder(&script, &TestClock::new())
        .request(request.clone())
        .build()
        .unwrap();
    client.access_token().await.unwrap();
    client.access_token_with(&request).await.unwrap();
    assert_eq!(script.requests(), 1);
    client
        .access_token_with(&AccessTokenRequest::new())
        .await
        .unwrap();
    assert_eq!(script.requests(), 2, "another request, another token");
}

/// Polled again only when its token has long ended.
#[tokio::test(start_paused = true)]
async fn a_caller_that_comes_late_gets_a_live_token() {
    let script = Script::new([LATENCY, Act::Answer(200, HOUR)]);
    let client = client(&script, &TestClock::new());
    let mut late = Box::pin(client.access_token());
    let once = poll_fn(|context| Poll::Ready(late.as_mut().poll(context).is_pending()));
    assert!(once.await);
    tokio::time::sleep(Duration::from_secs(7200)).await;
    let token = late.await.unwrap();
    assert_eq!(token.expires_in(), Duration::from_secs(3600));
    assert_eq!(script.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn tenants_never_share_a_token() {
    let script = Script::granting(HOUR);
    let client = client(&script, &TestClock::new());
    let tenant = |id: &str, secret: &str| {
        let id = ClientId::new(id).unwrap();
        let secret = ClientSecret::new(secret).unwrap();
        AccessTokenRequest::new().credentials(Credentials::new(id, secret))
    };
    for request in [
        tenant("a", "1"),
        tenant("a", "2"),
        tenant("b", "1"),
        tenant("a", "1"),
    ] {
        client.access_token_with(&request).await.unwrap();
    }
    let bodies = script.bodies();
    assert_eq!(bodies.len(), 3);
    assert!(
        bodies[1].contains("client_id=a&client_secret=2"),
        "{}",
        bodies[1]
    );
}

#[tokio::test(start_paused = true)]
async fn request_access_token_leaves_the_cache_alone() {
    let script = Script::granting(HOUR);
    let client = client(&script, &TestClock::new());
    let request = AccessTokenRequest::new();
    client.request_access_token(&request).await.unwrap();
    client.request_access_token(&request).await.unwrap();
    assert_eq!(script.requests(), 2);
    client.access_token().await.unwrap();
    client.access_token().await.unwrap();
    assert_eq!(script.requests(), 3);
}

#[tokio::test(start_paused = true)]
async fn without_credentials_nothing_is_sent() {
    let script = Script::granting(HOUR);
    let client = TokenClient::builder(endpoint())
        .transport(script.clone())
        .runtime(tokio::runtime::Handle::current())
        .build()
        .unwrap();
    let error = client.access_token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(script.requests(), 0);
}

#[tokio::test]
async fn a_panic_in_the_transport_is_a_failure_like_others() {
    let script = Script::new([Act::Panic]);
    let client = client(&script, &TestClock::new());
    for _ in 0..20 {
        let error = client.access_token().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
    }
    assert_eq!(script.requests(), 1, "and remembered like others");
}

/// A runtime that is gone takes the flights with it, and nobody waits for ever.
#[test]
fn a_runtime_that_was_shut_down_is_an_internal_error() {
    let gone = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let client = TokenClient::builder(endpoint())
        .credentials("id", ClientSecret::new(SECRET).unwrap())
        .transport(Script::granting(HOUR))
        .runtime(gone.handle().clone())
        .build()
        .unwrap();
    drop(gone);
    let error = block_on(client.access_token()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.hint().unwrap().contains("shut down"));
}

/// Flights run on a thread of their own: neither the caller's runtime nor its end
/// matters, and a caller needs no Tokio at all.
#[test]
fn callers_come_from_any_runtime_and_may_take_it_with_them() {
    #[derive(Debug)]
    struct Slow(Arc<AtomicBool>);
    impl crate::transport::Transport for Slow {
        fn send(&self, _: http::Request<crate::transport::Body>) -> crate::transport::Sending<'_> {
            Box::pin(async {
                self.0.store(true, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(100)).await;
                Ok(crate::testing::answer(200, HOUR))
            })
        }
    }
    let asked = Arc::new(AtomicBool::new(false));
    let client = TokenClient::builder(endpoint())
        .credentials(
            ClientId::new("id").unwrap(),
            ClientSecret::new(SECRET).unwrap(),
        )
        .transport(Slow(Arc::clone(&asked)))
        .build()
        .unwrap();
    let brief = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let gone = brief.block_on(async {
        tokio::time::timeout(Duration::from_millis(10), client.access_token()).await
    });
    assert!(gone.is_err());
    drop(brief);
    assert_eq!(block_on(client.access_token()).unwrap().value(), TOKEN);
}

/// The smallest executor there is: parks the thread between polls.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn debug_shows_neither_secret_nor_token() {
    let script = Script::granting(HOUR);
    let builder = builder(&script, &TestClock::new());
    let before = format!("{builder:?}");
    let client = builder.build().unwrap();
    let token = client.access_token().await.unwrap();
    let shown = format!("{before} {client:?} {token:?}");
    assert!(!shown.contains(SECRET) && !shown.contains(TOKEN), "{shown}");
}

#[test]
fn settings_out_of_range_are_refused() {
    for lifetime in [Duration::ZERO, Duration::from_secs(86_401)] {
        let policy = crate::RenewalPolicy::default().default_lifetime(lifetime);
        let error = TokenClient::builder(endpoint())
            .renewal(policy)
            .build()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
    }
    let policy = crate::RetryPolicy::default().attempts(0);
    assert!(
        TokenClient::builder(endpoint())
            .retry(policy)
            .build()
            .is_err()
    );
}

mod anything;
mod day;
mod options;
mod renewal;
mod sequence;
mod status;
mod store;
mod watch;
