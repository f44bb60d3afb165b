//! A transport that watches: how often something is sent, and what time the server has.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::header::DATE;
use http::{HeaderMap, Request};
use prove_token::transport::{Body, HttpTransport, Sending, Transport};
use prove_token::{Clock as _, SystemClock};

/// The product's own transport, and what was seen of its answers: no body, and of the
/// headers the date alone.
#[derive(Debug)]
pub(super) struct Witness {
    transport: HttpTransport,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    requests: usize,
    first: Option<Answer>,
}

/// What is remembered of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    /// The server's clock, if it tells.
    pub(super) date: Option<SystemTime>,
    /// This machine's clock, since 1970, before and after.
    pub(super) sent: Duration,
    pub(super) received: Duration,
}

impl Witness {
    pub(super) fn of(transport: HttpTransport) -> Self {
        Self {
            transport,
            seen: Mutex::default(),
        }
    }

    /// How many requests were handed to the network.
    pub(super) fn requests(&self) -> usize {
        self.seen().requests
    }

    /// The first answer.
    pub(super) fn answer(&self) -> Option<Answer> {
        self.seen().first
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Witness {
    fn send(&self, request: Request<Body>) -> Sending<'_> {
        Box::pin(async move {
            self.seen().requests += 1;
            let sent = SystemClock.now().wall;
            let answer = self.transport.send(request).await?;
            let remembered = Answer {
                date: date(answer.headers()),
                sent,
                received: SystemClock.now().wall,
            };
            self.seen().first.get_or_insert(remembered);
            Ok(answer)
        })
    }
}

fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()
}
