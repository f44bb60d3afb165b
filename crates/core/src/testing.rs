//! What this crate's tests share: a clock that follows Tokio's paused time, and
//! a transport that answers from a script.

mod store;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::{BootId, Clock, Coarse, Now, Sleep};
use crate::credentials::{ClientId, ClientSecret};
use crate::transport::{Body, Sending, Transport, TransportError};
use crate::{Endpoint, TokenClient, TokenClientBuilder};

pub(crate) use self::store::MemoryStore;

pub(crate) const ENDPOINT: &str = "https://idp.example.com/token";
pub(crate) const ID: &str = "the-client";
pub(crate) const SECRET: &str = "canary-secret-5e1f";
pub(crate) const TOKEN: &str = "canary.token.77aa";

/// Both clocks run with Tokio's, from arbitrary starts; the wall can be set.
#[derive(Clone, Debug)]
pub(crate) struct TestClock {
    start: Instant,
    wall: Arc<Mutex<Duration>>,
    /// What only the boot clock has counted.
    suspended: Arc<Mutex<Duration>>,
    boot_id: Option<BootId>,
}

impl TestClock {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            wall: Arc::new(Mutex::new(Duration::from_secs(1_700_000_000))),
            suspended: Arc::default(),
            boot_id: Some(BootId([7; 16])),
        }
    }

    /// The same machine after it was started anew; its boot clock starts at zero.
    pub(crate) fn rebooted(&self) -> Self {
        let elapsed = self.start.elapsed();
        let clock = Self {
            boot_id: Some(BootId([8; 16])),
            ..Self::new()
        };
        clock.set_wall(|wall| *wall += elapsed);
        clock
    }

    /// Suspends the machine: wall and boot clock go on, and nothing else.
    pub(crate) fn suspend(&self, time: Duration) {
        *self.suspended.lock().unwrap() += time;
        self.set_wall(|wall| *wall += time);
    }

    pub(crate) fn set_wall(&self, change: impl FnOnce(&mut Duration)) {
        change(&mut self.wall.lock().unwrap());
    }
}

impl Clock for TestClock {
    fn now(&self) -> Now {
        let elapsed = self.start.elapsed();
        Now {
            boot: Duration::from_secs(1000) + *self.suspended.lock().unwrap() + elapsed,
            wall: *self.wall.lock().unwrap() + elapsed,
        }
    }

    fn coarse(&self) -> Coarse {
        Coarse {
            monotonic: Duration::from_secs(1000) + self.start.elapsed(),
            wall: self.now().wall,
        }
    }

    fn boot_id(&self) -> Option<BootId> {
        self.boot_id
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// What the scripted server does next.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Answer(u16, &'static str),
    AnswerWith(u16, &'static str, &'static str, &'static str),
    Fail(TransportError),
    /// Takes so long before the act after it.
    Delay(Duration),
    Hang,
    Panic,
}

/// Plays its script; the last act is repeated for ever.
#[derive(Clone, Default)]
pub(crate) struct Script(Arc<ScriptState>);

/// A script holds the tokens it grants.
impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

#[derive(Default)]
struct ScriptState {
    acts: Mutex<VecDeque<Act>>,
    requests: AtomicUsize,
    bodies: Mutex<Vec<String>>,
}

impl Script {
    pub(crate) fn new(acts: impl IntoIterator<Item = Act>) -> Self {
        let script = Self::default();
        script.0.acts.lock().unwrap().extend(acts);
        script
    }

    /// A server that grants tokens of so many seconds.
    pub(crate) fn granting(lifetime: &'static str) -> Self {
        Self::new([Act::Answer(200, lifetime)])
    }

    pub(crate) fn requests(&self) -> usize {
        self.0.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        self.0.bodies.lock().unwrap().clone()
    }

    fn next(&self) -> Act {
        let mut acts = self.0.acts.lock().unwrap();
        match acts.len() {
            0 | 1 => acts.front().cloned().unwrap_or(Act::Hang),
            _ => acts.pop_front().unwrap(),
        }
    }
}

impl Transport for Script {
    fn send(&self, request: http::Request<Body>) -> Sending<'_> {
        self.0.requests.fetch_add(1, Ordering::SeqCst);
        let body = request.body().expose_secret();
        self.0
            .bodies
            .lock()
            .unwrap()
            .push(String::from_utf8(body.to_vec()).unwrap());
        Box::pin(async move {
            loop {
                return match self.next() {
                    Act::Answer(status, body) => Ok(answer(status, body)),
                    Act::AnswerWith(status, name, value, body) => {
                        let mut answer = answer(status, body);
                        answer.headers_mut().insert(name, value.parse().unwrap());
                        Ok(answer)
                    }
                    Act::Fail(error) => Err(error),
                    Act::Hang => std::future::pending().await,
                    Act::Panic => panic!("a transport with a defect"),
                    Act::Delay(delay) => {
                        tokio::time::sleep(delay).await;
                        continue;
                    }
                };
            }
        })
    }
}

pub(crate) fn answer(status: u16, body: &str) -> http::Response<Body> {
    let mut response = http::Response::new(Body::new(body.to_owned()));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    response
}

/// An endless row of answers with tokens of their own: `t1`, `t2` …, of an hour each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Issuer(Arc<AtomicUsize>);

impl Issuer {
    pub(crate) fn requests(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Transport for Issuer {
    fn send(&self, _: http::Request<Body>) -> Sending<'_> {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        let body =
            format!(r#"{{"access_token":"t{number}","token_type":"Bearer","expires_in":3600}}"#);
        Box::pin(async move { Ok(answer(200, &body)) })
    }
}

/// A good answer with a life of an hour.
pub(crate) const HOUR: &str =
    r#"{"access_token":"canary.token.77aa","token_type":"Bearer","expires_in":3600}"#;

pub(crate) fn endpoint() -> Endpoint {
    ENDPOINT.parse().unwrap()
}

/// A client of the scripted server, flying on the test's own runtime.
pub(crate) fn builder(script: &Script, clock: &TestClock) -> TokenClientBuilder {
    TokenClient::builder(endpoint())
        .credentials(
            ClientId::new(ID).unwrap(),
            ClientSecret::new(SECRET).unwrap(),
        )
        .transport(script.clone())
        .clock(clock.clone())
        .runtime(tokio::runtime::Handle::current())
}
