//! Any number of callers, one request.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use prove_token::{AccessToken, Error, ErrorKind, TokenClient};
use prove_token_emulator::Fault;
use prove_token_tests::gate::GatedServer;
use prove_token_tests::http::{answer, granted};
use prove_token_tests::{client, emulator};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

const CALLERS: usize = 1000;

type Outcome = Result<AccessToken, Error>;

fn call(runtime: &Runtime, client: &TokenClient) -> JoinHandle<Outcome> {
    let client = client.clone();
    runtime.spawn(async move { client.access_token().await })
}

fn callers(runtime: &Runtime, client: &TokenClient) -> Vec<JoinHandle<Outcome>> {
    (0..CALLERS).map(|_| call(runtime, client)).collect()
}

fn outcomes(runtime: &Runtime, callers: Vec<JoinHandle<Outcome>>) -> Vec<Outcome> {
    let wait = |caller: JoinHandle<Outcome>| runtime.block_on(caller).unwrap();
    callers.into_iter().map(wait).collect()
}

/// Two threads, as on a server.
fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn a_thousand_callers_cost_one_request() {
    let slow = Fault::default().delay(Duration::from_millis(50));
    let emulator = emulator::with(slow);
    let runtime = runtime();
    let client = client::client(emulator::endpoint(&emulator));
    let outcomes = outcomes(&runtime, callers(&runtime, &client));
    let first = outcomes[0].as_ref().unwrap().value().to_owned();
    for outcome in &outcomes {
        assert_eq!(outcome.as_ref().unwrap().value(), first);
    }
    assert_eq!(outcomes.len(), CALLERS);
    assert_eq!(emulator.token_requests(), 1);
    assert_eq!(emulator.connections(), 1);
}

#[test]
fn a_thousand_callers_fail_together() {
    for (status, requests, kind) in [
        (500, 3, ErrorKind::Unavailable),
        (429, 3, ErrorKind::RateLimited),
        (401, 1, ErrorKind::CredentialsRejected),
        (403, 1, ErrorKind::RequestRejected),
    ] {
        // Held back until all have asked: one flight for all of them.
        let server = GatedServer::start(answer(status, &[], ""));
        let runtime = runtime();
        let client = client::client(server.endpoint());
        let callers = waiting(&runtime, &client);
        server.await_request();
        server.open();
        let outcomes = outcomes(&runtime, callers);
        let first = outcomes[0].as_ref().unwrap_err();
        for outcome in &outcomes {
            let error = outcome.as_ref().unwrap_err();
            assert_eq!(error.kind(), kind);
            assert_eq!(format!("{error:?}"), format!("{first:?}"));
        }
        assert_eq!(server.requests(), requests, "{status}");
    }
}

/// Callers that have all been polled once: each waits for the flight.
fn waiting(runtime: &Runtime, client: &TokenClient) -> Vec<JoinHandle<Outcome>> {
    let (polled, count) = std::sync::mpsc::channel();
    let callers = (0..CALLERS).map(|_| {
        let (client, polled) = (client.clone(), polled.clone());
        runtime.spawn(async move {
            let mut call = pin!(client.access_token());
            let mut polled = Some(polled);
            std::future::poll_fn(|context| {
                let poll = call.as_mut().poll(context);
                if let Some(polled) = polled.take() {
                    polled.send(poll.is_pending()).unwrap();
                }
                poll
            })
            .await
        })
    });
    let callers = callers.collect();
    for _ in 0..CALLERS {
        assert!(count.recv().unwrap(), "nobody can have a token yet");
    }
    callers
}

#[test]
fn a_cancelled_caller_changes_nothing_for_the_others() {
    for cancelled in [
        vec![0],
        vec![CALLERS / 2],
        vec![CALLERS - 1],
        (0..CALLERS - 1).collect(),
    ] {
        let server = GatedServer::start(granted(60));
        let runtime = runtime();
        let client = client::client(server.endpoint());
        let callers = waiting(&runtime, &client);
        server.await_request();
        for &position in &cancelled {
            callers[position].abort();
        }
        server.open();
        for (position, caller) in callers.into_iter().enumerate() {
            let joined = runtime.block_on(caller);
            if cancelled.contains(&position) {
                assert!(joined.unwrap_err().is_cancelled(), "{position}");
            } else {
                joined.unwrap().unwrap();
            }
        }
        assert_eq!(server.requests(), 1, "{} cancelled", cancelled.len());
    }
}

/// Callers whose own limit is shorter than the server's answer: they all go, the
/// flight lands, and the next ones find its token.
#[test]
fn a_flight_outlives_all_its_callers() {
    let server = GatedServer::start(granted(60));
    let runtime = runtime();
    let client = client::client(server.endpoint());
    let callers = waiting(&runtime, &client);
    server.await_request();
    for caller in &callers {
        caller.abort();
    }
    for caller in callers {
        assert!(runtime.block_on(caller).unwrap_err().is_cancelled());
    }
    server.open();
    for outcome in outcomes(&runtime, self::callers(&runtime, &client)) {
        outcome.unwrap();
    }
    assert_eq!(server.requests(), 1);
}

#[test]
fn callers_come_from_several_runtimes_and_from_none() {
    let server = GatedServer::start(granted(60));
    let client = client::client(server.endpoint());
    let calling = |run: fn(&TokenClient) -> Outcome| {
        let client = client.clone();
        thread::spawn(move || run(&client).unwrap().value().to_owned())
    };
    let mut threads = Vec::new();
    for _ in 0..16 {
        threads.push(calling(|client| runtime().block_on(client.access_token())));
        threads.push(calling(|client| {
            let bare = Builder::new_current_thread().build().unwrap();
            bare.block_on(client.access_token())
        }));
        threads.push(calling(|client| park_on(client.access_token())));
    }
    server.await_request();
    server.open();
    let tokens: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_runtime_that_ends_takes_no_flight_with_it() {
    let server = GatedServer::start(granted(60));
    let client = client::client(server.endpoint());
    let brief = runtime();
    let caller = call(&brief, &client);
    server.await_request();
    brief.shutdown_background();
    server.open();
    park_on(client.access_token()).unwrap();
    assert_eq!(server.requests(), 1);
    drop(caller);
}

#[test]
fn late_rejections_of_one_token_cost_one_request() {
    let emulator = emulator::builder().start().unwrap();
    let runtime = runtime();
    let client = client::client(emulator::endpoint(&emulator));
    let old = runtime.block_on(client.access_token()).unwrap();
    for _ in 0..10 {
        client.invalidate(&old);
        let outcomes = outcomes(&runtime, callers(&runtime, &client));
        let fresh = |outcome: &Outcome| outcome.as_ref().unwrap().value() != old.value();
        assert!(outcomes.iter().all(fresh));
    }
    assert_eq!(emulator.token_requests(), 2);
}

/// An executor without a reactor: parks the thread between polls.
fn park_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
