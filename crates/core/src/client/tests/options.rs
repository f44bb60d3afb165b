//! How one call wants its token, and what callers say to a client, on paused time.

use std::sync::Mutex;

use super::*;
use crate::testing::Issuer;
use crate::{RenewalPolicy, RequestBudget, RetryPolicy, SecretSource, TokenClientBuilder};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One attempt a flight, and no jitter.
fn single(builder: TokenClientBuilder) -> TokenClient {
    builder
        .retry(RetryPolicy::default().attempts(1))
        .renewal(RenewalPolicy::default().jitter(0, Duration::ZERO))
        .build()
        .unwrap()
}

fn scripted(script: &Script) -> TokenClient {
    single(builder(script, &TestClock::new()))
}

fn issued(issuer: &Issuer) -> TokenClient {
    single(builder(&Script::default(), &TestClock::new()).transport(issuer.clone()))
}

async fn get(client: &TokenClient, options: CallOptions) -> Result<String, Error> {
    let token = client.access_token_with_options(None, options).await?;
    Ok(token.value().to_owned())
}

#[tokio::test(start_paused = true)]
async fn min_validity_renews_a_token_that_is_too_short() {
    let issuer = Issuer::default();
    let client = issued(&issuer);
    client.access_token().await.unwrap();
    tokio::time::advance(seconds(2000)).await;
    let least = |left| CallOptions::new().min_validity(seconds(left));
    assert_eq!(get(&client, least(1600)).await.unwrap(), "t1");
    assert_eq!(get(&client, least(1601)).await.unwrap(), "t2");
    // More than half of a life is cut to half.
    assert_eq!(get(&client, least(86_400)).await.unwrap(), "t2");
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn min_validity_that_cannot_be_had_costs_one_short_wait() {
    let script = Script::new([Act::Answer(200, HOUR), Act::Hang]);
    let client = scripted(&script);
    client.access_token().await.unwrap();
    tokio::time::advance(seconds(2400)).await;
    let started = tokio::time::Instant::now();
    let options = CallOptions::new().min_validity(seconds(1800));
    for _ in 0..10 {
        assert_eq!(get(&client, options).await.unwrap(), TOKEN);
    }
    assert_eq!(started.elapsed(), seconds(2));
    assert_eq!(script.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_by_its_own_limit_and_the_flight_goes_on() {
    let script = Script::new([Act::Delay(seconds(3)), Act::Answer(200, HOUR)]);
    let client = scripted(&script);
    let started = tokio::time::Instant::now();
    for (limit, elapsed) in [(0, 0), (500, 500), (1000, 1500)] {
        let limit = Duration::from_millis(limit);
        let error = get(&client, CallOptions::new().max_wait(limit))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Expired);
        assert!(error.is_retryable() && error.hint().is_some());
        assert_eq!(started.elapsed(), Duration::from_millis(elapsed));
    }
    assert_eq!(get(&client, CallOptions::new()).await.unwrap(), TOKEN);
    assert_eq!(script.requests(), 1);
    assert_eq!(started.elapsed(), seconds(3));
}

/// The token that a call waited for is rejected before the call can take it: it waits no
/// longer for another than for what is left of its time.
#[tokio::test(start_paused = true)]
async fn a_rejection_prolongs_no_wait() {
    let script = Script::new([Act::Delay(seconds(9)), Act::Answer(200, HOUR), Act::Hang]);
    let client = scripted(&script);
    let started = tokio::time::Instant::now();
    let rejecting = tokio::spawn({
        let client = client.clone();
        async move { client.invalidate(&client.access_token().await.unwrap()) }
    });
    tokio::task::yield_now().await;
    let outcome = get(&client, CallOptions::new().max_wait(seconds(10))).await;
    rejecting.await.unwrap();
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Expired);
    assert_eq!(started.elapsed(), seconds(10));
    assert_eq!(script.requests(), 2);
}

/// A wall clock that was wrong for a moment, and put right during a request that fails.
#[tokio::test(start_paused = true)]
async fn no_call_fails_once_a_live_token_is_back() {
    let failing = [Act::Delay(seconds(1)), Act::Answer(503, "")];
    for (acts, limit) in [(failing.to_vec(), 30), (vec![Act::Hang], 3)] {
        let script = Script::new([vec![Act::Answer(200, HOUR)], acts].concat());
        let clock = TestClock::new();
        let client = single(builder(&script, &clock));
        client.access_token().await.unwrap();
        clock.set_wall(|wall| *wall += seconds(7200));
        let options = CallOptions::new().max_wait(seconds(limit));
        let waiting = tokio::spawn(async move { get(&client, options).await });
        tokio::task::yield_now().await;
        clock.set_wall(|wall| *wall -= seconds(7200));
        assert_eq!(waiting.await.unwrap().unwrap(), TOKEN);
        assert_eq!(script.requests(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn who_never_waits_gets_a_live_token_in_the_mandatory_window() {
    let issuer = Issuer::default();
    let client = issued(&issuer);
    client.access_token().await.unwrap();
    tokio::time::advance(seconds(3550)).await;
    let never = CallOptions::new().max_wait(Duration::ZERO);
    assert_eq!(get(&client, never).await.unwrap(), "t1");
    tokio::time::sleep(seconds(1)).await;
    assert_eq!(
        get(&client, never).await.unwrap(),
        "t2",
        "but the flight had started"
    );
}

#[tokio::test(start_paused = true)]
async fn force_joins_a_flight_under_way() {
    let script = Script::new([Act::Answer(200, HOUR), LATENCY, Act::Answer(200, HOUR)]);
    let client = scripted(&script);
    client.access_token().await.unwrap();
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        let client = client.clone();
        calls.spawn(async move { get(&client, CallOptions::new().force(true)).await });
    }
    assert!(calls.join_all().await.iter().all(Result::is_ok));
    assert_eq!(script.requests(), 2);
}

/// After a failure as well: a renewal under way in the background is not waited for by
/// calls that are content with what there is, and joined by those that are not.
#[tokio::test(start_paused = true)]
async fn who_wants_another_token_joins_a_renewal_in_the_background() {
    for options in [
        CallOptions::new().force(true),
        CallOptions::new().min_validity(seconds(1800)),
    ] {
        const SECOND: &str = r#"{"access_token":"t2","token_type":"Bearer","expires_in":3600}"#;
        let script = Script::new([
            Act::Answer(200, HOUR),
            Act::Answer(503, ""),
            LATENCY,
            Act::Answer(200, SECOND),
        ]);
        let client = scripted(&script);
        client.access_token().await.unwrap();
        tokio::time::advance(seconds(3600 - 700)).await;
        client.access_token().await.unwrap();
        tokio::time::sleep(seconds(7)).await;
        assert_eq!(script.requests(), 2);
        assert_eq!(client.access_token().await.unwrap().value(), TOKEN);
        assert_eq!(get(&client, options).await.unwrap(), "t2");
        assert_eq!(script.requests(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn force_gets_a_newer_token_or_the_live_one() {
    let script = Script::new([
        Act::Answer(200, HOUR),
        Act::AnswerWith(429, "retry-after", "60", ""),
        Act::Answer(503, ""),
    ]);
    let client = scripted(&script);
    let force = CallOptions::new().force(true);
    for _ in 0..20 {
        assert_eq!(get(&client, force).await.unwrap(), TOKEN);
    }
    assert_eq!(
        script.requests(),
        2,
        "one flight, then the cool-down is obeyed"
    );
    let issuer = Issuer::default();
    let client = issued(&issuer);
    for token in ["t1", "t2", "t3"] {
        assert_eq!(get(&client, force).await.unwrap(), token);
    }
    let error = get(&scripted(&Script::new([Act::Answer(403, "")])), force).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::RequestRejected);
}

#[tokio::test(start_paused = true)]
async fn a_cached_token_is_served_and_nothing_started() {
    let issuer = Issuer::default();
    let client = issued(&issuer);
    let cached = || {
        client
            .cached_access_token(None, CallOptions::new())
            .unwrap()
    };
    assert!(cached().is_none());
    client.access_token().await.unwrap();
    assert_eq!(cached().unwrap().value(), "t1");
    tokio::time::advance(seconds(3600 - 100)).await;
    assert!(cached().is_some(), "due, and not started");
    tokio::time::advance(seconds(41)).await;
    assert!(cached().is_none(), "callers should wait");
    tokio::time::sleep(seconds(1)).await;
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reset_ends_the_pause_after_a_failure() {
    let script = Script::new([Act::Answer(401, ""), Act::Answer(200, HOUR)]);
    let client = scripted(&script);
    client.access_token().await.unwrap_err();
    client.access_token().await.unwrap_err();
    assert_eq!(script.requests(), 1);
    client.reset();
    client.access_token().await.unwrap();
}

#[derive(Clone, Debug)]
struct Rotated(Arc<Mutex<&'static str>>);

impl SecretSource for Rotated {
    fn identity(&self) -> String {
        "rotated".to_owned()
    }

    fn read(&self) -> Result<ClientSecret, Error> {
        ClientSecret::new(*self.0.lock().unwrap())
    }
}

/// The server does not know the new secret yet: the live token is served, and the new
/// secret tried by the schedule.
#[tokio::test(start_paused = true)]
async fn a_new_secret_that_is_not_active_yet_costs_no_token() {
    let script = Script::new([
        Act::Answer(200, HOUR),
        Act::Answer(401, ""),
        Act::Answer(401, ""),
        Act::Answer(200, HOUR),
    ]);
    let source = Rotated(Arc::new(Mutex::new("old")));
    let id = ClientId::new("id").unwrap();
    let credentials = Credentials::from_source(id, source.clone());
    let client = single(builder(&script, &TestClock::new()).credentials_from(credentials));
    client.access_token().await.unwrap();
    *source.0.lock().unwrap() = "new";
    client.credentials_changed();
    let started = tokio::time::Instant::now();
    while script.requests() < 4 {
        client.access_token().await.unwrap();
        tokio::time::sleep(seconds(1)).await;
    }
    assert!(
        (13..=20).contains(&started.elapsed().as_secs()),
        "5 s and 10 s, each ±20 %"
    );
    assert!(
        script.bodies()[1..]
            .iter()
            .all(|body| body.ends_with("client_secret=new"))
    );
    tokio::time::sleep(seconds(60)).await;
    client.access_token().await.unwrap();
    assert_eq!(script.requests(), 4);
}

#[tokio::test(start_paused = true)]
async fn one_endpoint_gets_four_requests_at_a_time_and_so_many_a_second() {
    let script = Script::new([Act::Hang]);
    let client =
        single(builder(&script, &TestClock::new()).retry(RetryPolicy::default().attempts(1)));
    let ask = |client: &TokenClient, number: usize| {
        let client = client.clone();
        let request = AccessTokenRequest::new().audience(number.to_string());
        tokio::spawn(async move { client.access_token_with(&request).await.is_ok() })
    };
    let waiting: Vec<_> = (0..10).map(|number| ask(&client, number)).collect();
    tokio::time::sleep(seconds(1)).await;
    assert_eq!(script.requests(), 4);
    waiting.iter().for_each(tokio::task::JoinHandle::abort);

    let issuer = Issuer::default();
    let budget = RequestBudget::per_second(10).unwrap();
    let builder = builder(&Script::default(), &TestClock::new()).transport(issuer.clone());
    let client = single(builder.request_budget(budget));
    let asking: Vec<_> = (0..30).map(|number| ask(&client, number)).collect();
    for second in 1..=3 {
        tokio::time::sleep(Duration::from_millis(999)).await;
        assert_eq!(issuer.requests(), second * 10);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for call in asking {
        assert!(call.await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn few_slots_never_mix_up_many_keys() {
    let issuer = Issuer::default();
    let builder = builder(&Script::default(), &TestClock::new()).transport(issuer);
    let client = builder.max_tokens(3).build().unwrap();
    let mut seen = std::collections::HashMap::new();
    for number in 0..500_u32 {
        let key = number * 7919 % 40;
        let request = AccessTokenRequest::new().audience(key.to_string());
        let token = client.access_token_with(&request).await.unwrap();
        let owner = *seen.entry(token.value().to_owned()).or_insert(key);
        assert_eq!(owner, key, "a token of another key");
    }
}
