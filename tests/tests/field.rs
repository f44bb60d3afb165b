//! What libraries of this field get wrong, scenario by scenario, over real HTTP. (On
//! paused time they are in the core's own tests of the client.)

use std::future::poll_fn;
use std::io::Write as _;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use prove_token::{
    AccessTokenRequest, CallOptions, ClientSecret, Credentials, Error, ErrorKind, RetryPolicy,
    SecretSource, TokenClient, TokenClientBuilder,
};
use prove_token_emulator::{Emulator, Fault};
use prove_token_tests::canary::SECRET;
use prove_token_tests::dial::Dial;
use prove_token_tests::gate::GatedServer;
use prove_token_tests::http::{Server, Then, answer, granted};
use prove_token_tests::{client, emulator};
use tokio::task::JoinSet;

/// One request a flight.
fn single(builder: TokenClientBuilder) -> TokenClient {
    let retry = RetryPolicy::default().attempts(1);
    builder.retry(retry).build().unwrap()
}

fn of(emulator: &Emulator) -> TokenClientBuilder {
    client::builder(emulator::endpoint(emulator))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Elsewhere, a lock across the request lets them fail one after another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_callers_fail_together_by_one_request() {
    let failing = Fault::status(500).times(0).delay(Duration::from_millis(20));
    let emulator = emulator::with(failing);
    let client = single(of(&emulator));
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        let client = client.clone();
        callers.spawn(async move { client.access_token().await.unwrap_err().kind() });
    }
    let kinds = callers.join_all().await;
    assert!(kinds.iter().all(|kind| *kind == ErrorKind::Unavailable));
    assert_eq!(emulator.token_requests(), 1);
}

/// Elsewhere, each caller that gives up cancels the request for all.
#[tokio::test]
async fn callers_that_give_up_leave_the_flight_to_the_next() {
    let server = GatedServer::start(granted(3600));
    let client = single(client::builder(server.endpoint()));
    for _ in 0..10 {
        let mut call = pin!(client.access_token());
        let polled = poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending()));
        assert!(polled.await, "given up");
    }
    server.await_request();
    server.open();
    for _ in 0..10 {
        client.access_token().await.unwrap();
    }
    assert_eq!(server.requests(), 1);
}

/// Elsewhere, each late 401 of the old token throws away a new one.
#[tokio::test]
async fn late_rejections_of_an_old_token_cost_one_request() {
    let emulator = emulator::builder().start().unwrap();
    let client = single(of(&emulator));
    let old = client.access_token().await.unwrap();
    emulator.revoke_all_tokens();
    for _ in 0..10 {
        client.invalidate(&old);
        let token = client.access_token().await.unwrap();
        assert_ne!(token.value(), old.value());
    }
    assert_eq!(emulator.token_requests(), 2);
}

/// Elsewhere, a hit waits until another key's request has ended.
#[tokio::test]
async fn a_slow_key_holds_up_no_other() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = Mutex::new(released);
    let server = Server::start(move |request, connection| {
        if request.body.contains("audience=slow") {
            // Ends with the test, if not before.
            let _ = released.lock().unwrap().recv();
        }
        connection.write_all(&granted(3600))?;
        Ok(Then::KeepOpen)
    });
    let client = single(client::builder(server.endpoint()));
    let request = |audience| AccessTokenRequest::new().audience(audience);
    client.access_token_with(&request("quick")).await.unwrap();
    let slow = request("slow");
    let mut waiting = pin!(client.access_token_with(&slow));
    let polled = poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context).is_pending()));
    assert!(polled.await);
    client.access_token_with(&request("quick")).await.unwrap();
    client.access_token_with(&request("other")).await.unwrap();
    drop(release);
    waiting.await.unwrap();
}

/// Elsewhere, the token is gone 120 s before its end, or with the first failure.
#[tokio::test]
async fn a_live_token_is_served_to_its_guard_through_an_outage() {
    let (emulator, dial) = (emulator::builder().start().unwrap(), Dial::default());
    let client = single(of(&emulator).clock(dial.clone()));
    let token = client.access_token().await.unwrap();
    emulator.inject(Fault::status(503).times(0));
    dial.advance(seconds(3600 - 720));
    for _ in 0..70 {
        let served = client.access_token().await.unwrap();
        assert_eq!(served.value(), token.value());
        dial.advance(seconds(10));
    }
    dial.advance(seconds(10));
    let error = client.access_token().await.unwrap_err();
    // A renewal that was under way when the clock was set forward has run out of time.
    let kinds = [ErrorKind::Unavailable, ErrorKind::Timeout];
    assert!(kinds.contains(&error.kind()), "{error:?}");
    // The provider is back, and five seconds later so are we.
    emulator.clear_faults();
    dial.advance(seconds(5));
    client.access_token().await.unwrap();
}

/// Elsewhere: for ever, a loop of requests, an error that prints the token, for ever.
#[tokio::test]
async fn strange_lifetimes_are_understood() {
    for (member, lifetime) in [
        (r#""x":0"#, Ok(300)),
        (r#""expires_in":null"#, Ok(300)),
        (r#""expires_in":"3600""#, Ok(3600)),
        (r#""expires_in":1e20"#, Ok(86_400)),
        (r#""expires_in":0"#, Err(ErrorKind::Protocol)),
        (r#""expires_in":"canary""#, Err(ErrorKind::Protocol)),
    ] {
        let body = format!(r#"{{"access_token":"t","token_type":"Bearer",{member}}}"#);
        let server = Server::playing(vec![answer(200, &[], &body)], Then::KeepOpen);
        let client = single(client::builder(server.endpoint()));
        for _ in 0..20 {
            let outcome = client.access_token().await;
            let shown = format!("{outcome:?}");
            assert!(!shown.contains("canary"), "{shown}");
            let found = outcome.map(|token| token.lifetime().as_secs());
            assert_eq!(found.map_err(|error| error.kind()), lifetime, "{member}");
        }
        assert_eq!(server.requests().len(), 1, "{member}");
    }
}

/// Elsewhere, a laptop that wakes up believes in its old token.
#[tokio::test]
async fn a_suspended_machine_asks_anew() {
    let (emulator, dial) = (emulator::builder().start().unwrap(), Dial::default());
    let client = single(of(&emulator).clock(dial.clone()));
    let old = client.access_token().await.unwrap();
    dial.suspend(seconds(3600));
    let new = client.access_token().await.unwrap();
    assert_ne!(old.value(), new.value());
    assert_eq!(emulator.token_requests(), 2);
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

/// Elsewhere, the live token is thrown away when a new secret appears.
#[tokio::test]
async fn a_new_secret_that_is_not_active_yet_costs_no_token() {
    let (emulator, dial) = (emulator::builder().start().unwrap(), Dial::default());
    let source = Rotated(Arc::new(Mutex::new(SECRET)));
    let credentials = Credentials::from_source(client::client_id(), source.clone());
    let builder = of(&emulator)
        .clock(dial.clone())
        .credentials_from(credentials);
    let client = single(builder);
    let token = client.access_token().await.unwrap();
    *source.0.lock().unwrap() = "not active yet";
    client.credentials_changed();
    for requests in 2..6 {
        let served = client.access_token().await.unwrap();
        assert_eq!(served.value(), token.value());
        assert!(emulator.wait_for_requests(requests, seconds(30)));
        // The flight has to land before its pause can pass: who wants a newer token joins
        // it, or is held back by its failure.
        let force = CallOptions::new().force(true);
        let served = client.access_token_with_options(None, force).await.unwrap();
        assert_eq!(served.value(), token.value());
        dial.advance(seconds(80));
    }
    // Active at last.
    *source.0.lock().unwrap() = SECRET;
    let force = CallOptions::new().force(true);
    let renewed = client.access_token_with_options(None, force).await.unwrap();
    assert_ne!(renewed.value(), token.value());
}

/// Elsewhere, an idle sidecar is cold when its first caller comes.
#[tokio::test]
async fn an_idle_sidecar_is_kept_warm() {
    let (emulator, dial) = (emulator::builder().start().unwrap(), Dial::default());
    let client = single(of(&emulator).clock(dial.clone()));
    let mut watch = client.watch(None);
    let mut last = watch.next().await.unwrap();
    for _ in 0..24 {
        dial.advance(seconds(3600 - 720));
        let token = watch.next().await.unwrap();
        assert_ne!(token.value(), last.value());
        assert!(
            last.expires_in() > seconds(600),
            "while the old one still lives"
        );
        last = token;
    }
    assert_eq!(emulator.token_requests(), 25);
}
