//! Many calls at once while tokens are revoked, and an API that rejects every token.

use std::io::Write as _;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prove_token::{RetryPolicy, TokenClient};
use prove_token_emulator::Emulator;
use prove_token_tests::dial::Dial;
use prove_token_tests::http::{Server, Then, answer};
use prove_token_tests::{client, emulator};
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::stack::{Stack, authorizations, base};

const CALLERS: usize = 40;

/// Only a defect takes so long.
const PATIENCE: Duration = Duration::from_secs(30);

fn tokens(emulator: &Emulator) -> TokenClient {
    client::client(emulator::endpoint(emulator))
}

/// One operation of the flow; the answer must be a success.
async fn step(stack: &Stack, emulator: &Emulator, path: &str, body: Value) -> Value {
    let url = format!("{}{path}", emulator.url());
    let (status, answer) = stack.post_json(&url, &body).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

/// The whole flow of one user, who waits for the others after each step.
async fn flow(stack: Stack, emulator: Arc<Emulator>, together: Arc<Barrier>) {
    let start = json!({ "flowType": "mobile", "phoneNumber": "2001001695", "ssn": "0596" });
    let started = step(&stack, &emulator, "/v3/start", start).await;
    let id = json!({ "correlationId": started["correlationId"] });
    // The leader revokes all tokens while the others wait.
    if together.wait().await.is_leader() {
        let revoke = format!("{}/_emulator/revoke", emulator.url());
        let control = reqwest::Client::builder().tls_certs_only([]).build();
        let answer = control.unwrap().post(revoke).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    together.wait().await;
    step(&stack, &emulator, "/v3/validate", id.clone()).await;
    step(&stack, &emulator, "/v3/challenge", id.clone()).await;
    let mut complete = id;
    complete["individual"] = json!({ "firstName": "Milo" });
    step(&stack, &emulator, "/v3/complete", complete).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_revoked_in_the_middle_of_the_flow_cost_one_renewal() {
    for kind in 0..2 {
        let emulator = Arc::new(emulator::builder().start().unwrap());
        let api = emulator.url().parse().unwrap();
        let [reqwest, tower] = Stack::both(|| tokens(&emulator), &api);
        let stack = if kind == 0 { reqwest } else { tower };
        let together = Arc::new(Barrier::new(CALLERS));
        let flows: Vec<_> = (0..CALLERS)
            .map(|_| {
                let flow = flow(stack.clone(), Arc::clone(&emulator), Arc::clone(&together));
                tokio::spawn(flow)
            })
            .collect();
        for flow in flows {
            flow.await.unwrap();
        }
        assert_eq!(emulator.token_requests(), 2, "{stack:?}");
        let requests = emulator.requests();
        let rejected = requests.iter().filter(|seen| seen.status == Some(401));
        let rejected = rejected.count();
        assert!((1..=CALLERS).contains(&rejected), "{rejected} of {CALLERS}");
    }
}

#[tokio::test]
async fn an_api_that_rejects_every_token_costs_one_renewal_in_30_seconds() {
    for kind in 0..2 {
        let issuer = emulator::builder().start().unwrap();
        let api = Server::playing(vec![answer(401, &[], "")], Then::KeepOpen);
        let clock = Dial::default();
        let tokens = || {
            let builder = client::builder(emulator::endpoint(&issuer));
            builder.clock(clock.clone()).build().unwrap()
        };
        let stack = &Stack::both(tokens, &base(&api))[kind];
        let url = base(&api).to_string();
        for window in 1..=3 {
            for call in 0..5 {
                let before = api.requests().len();
                assert_eq!(stack.post(&url, "{}").await.unwrap(), 401);
                let sent = api.requests().len() - before;
                assert_eq!(sent, if call == 0 { 2 } else { 1 }, "{stack:?} {window}");
            }
            assert_eq!(issuer.token_requests(), window + 1, "{stack:?}");
            clock.advance(Duration::from_secs(31));
        }
        let seen = authorizations(&api);
        assert_ne!(seen[0], seen[1], "the replay has another token");
    }
}

/// All at once, each call costs one replay at most.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_rejections_ends() {
    for kind in 0..2 {
        let issuer = emulator::builder().start().unwrap();
        let api = Server::playing(vec![answer(401, &[], "")], Then::KeepOpen);
        let stack = Stack::both(|| tokens(&issuer), &base(&api))[kind].clone();
        let calls: Vec<_> = (0..CALLERS)
            .map(|_| {
                let (stack, url) = (stack.clone(), base(&api).to_string());
                tokio::spawn(async move { stack.post(&url, "{}").await })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap().unwrap(), 401);
        }
        assert_eq!(issuer.token_requests(), 2, "{stack:?}");
        assert!(api.requests().len() <= 2 * CALLERS);
    }
}

/// The caller whose rejection started the renewal goes away: the others get the token.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_goes_away_takes_no_renewal_with_it() {
    for kind in 0..2 {
        let (arrive, arrived) = mpsc::channel();
        let (release, released) = mpsc::channel();
        let issuer = issuing_two(arrive, released);
        let api = Server::start(|request, connection| {
            let is_new = request.header("authorization") == ["Bearer second"];
            connection.write_all(&answer(if is_new { 200 } else { 401 }, &[], ""))?;
            Ok(Then::KeepOpen)
        });
        let tokens = || {
            // A renewal that is held back must not run out of time.
            let builder = client::builder(issuer.endpoint()).retry(RetryPolicy::default());
            builder.build().unwrap()
        };
        let stack = Stack::both(tokens, &base(&api))[kind].clone();
        let call = || {
            let (stack, url) = (stack.clone(), base(&api).to_string());
            tokio::spawn(async move { stack.post(&url, "{}").await.unwrap() })
        };
        let first = call();
        arrived.recv_timeout(PATIENCE).unwrap();
        let others: Vec<_> = (0..CALLERS).map(|_| call()).collect();
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled(), "{stack:?}");
        release.send(()).unwrap();
        for call in others {
            assert_eq!(call.await.unwrap(), 200);
        }
        assert_eq!(issuer.requests().len(), 2, "{stack:?}");
        let seen = authorizations(&api);
        assert_eq!(
            seen.iter().filter(|token| *token == "Bearer first").count(),
            1
        );
    }
}

/// Gives `first` at once, and `second` once it is released.
fn issuing_two(arrive: mpsc::Sender<()>, released: mpsc::Receiver<()>) -> Server {
    let released = Mutex::new(released);
    Server::start(move |request, connection| {
        let mut token = "first";
        if request.number > 0 {
            // Both fail once the test has: it has ended then.
            let _ = arrive.send(());
            let _ = released.lock().unwrap().recv_timeout(PATIENCE);
            token = "second";
        }
        let body =
            format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":3600}}"#);
        connection.write_all(&answer(200, &[], &body))?;
        Ok(Then::KeepOpen)
    })
}
