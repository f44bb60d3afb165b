//! Whoever serves tells here how it went: it is counted, logged and named, in one way for
//! every listener.

use std::fmt;
use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderValue, Method, Response, StatusCode};
use prove_token::{Clock as _, SystemClock};
use tracing::{Level, debug, enabled, info};

use crate::body::Body;
use crate::caller::Known;
use crate::events::Newsroom;
use crate::log::Valve;
use crate::metrics::{FAILED, MethodClass, Metrics, OK, count};
use crate::notice::{Notice, Observer};
use crate::reply::{REQUEST_ID, Reason, Refusal};
use crate::route::Route;
use crate::trace::Serving;

/// What is known of the service as a whole.
#[derive(Debug, Default)]
pub(crate) struct Lookout {
    pub(crate) metrics: Metrics,
    pub(crate) news: Newsroom,
    valve: Valve,
    ids: Ids,
}

/// A request from its first look to its answer.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) id: Id,
    pub(crate) route: Route,
    method: MethodClass,
    /// Nanoseconds, if somebody will want to know.
    began: Option<u128>,
    /// Of a caller's request, in a trace.
    pub(crate) span: Serving,
}

/// Who asked, as far as an answer says so: for the log.
#[derive(Clone, Debug)]
pub(crate) struct By(pub(crate) Arc<Known>);

impl Lookout {
    /// `observer`, of whose notices those are counted that an alert is made of.
    pub(crate) fn also_told(self: &Arc<Self>, observer: Observer) -> Observer {
        let lookout = Arc::clone(self);
        Observer::new(move |notice| {
            let metrics = &lookout.metrics;
            match notice {
                Notice::Reloaded { .. } => metrics.reloads.add(OK),
                Notice::ReloadFailed { .. } => metrics.reloads.add(FAILED),
                Notice::SinkWritten { profile, .. } => metrics.profile(profile).sinks.add(OK),
                Notice::SinkFailed { profile, .. } => metrics.profile(profile).sinks.add(FAILED),
                _ => {}
            }
            observer.tell(notice);
        })
    }

    /// Notes that a request came.
    pub(crate) fn begin(&self, route: Route, method: &Method) -> Watched {
        Watched {
            id: self.ids.next(),
            route,
            method: MethodClass::of(method),
            began: enabled!(Level::DEBUG).then(nanoseconds),
            span: Serving::default(),
        }
    }

    /// The answer of `work`, counted, logged and with the name of the request. A panic in
    /// it is an answer as well.
    pub(crate) async fn follow(
        &self,
        watched: Watched,
        work: Pin<&mut impl Future<Output = Result<Response<Body>, Refusal>>>,
    ) -> Response<Body> {
        let mut response = match contained(work).await {
            Some(Ok(response)) => response,
            Some(Err(refusal)) => refusal.answer(&watched.id),
            None => {
                count(&self.metrics.panics);
                let (id, route) = (&*watched.id, watched.route.pattern());
                tracing::error!(request_id = id, route, "a request met a defect");
                Refusal::defect().answer(&watched.id)
            }
        };
        self.note(&watched, &mut response);
        // An API's own name for the request is worth more to whoever asks there.
        let name = response.headers_mut().entry(REQUEST_ID);
        name.or_insert_with(|| watched.id.header());
        response
    }

    fn note(&self, watched: &Watched, response: &mut Response<Body>) {
        let status = response.status();
        watched.span.end(status);
        self.metrics
            .requests
            .count(watched.route, watched.method, status);
        if status.as_u16() >= 400
            && let Some(reason) = response.extensions_mut().remove::<Reason>()
        {
            self.note_refusal(watched, status, &reason);
        }
        if let Some(began) = watched.began {
            let took = nanoseconds().saturating_sub(began) / 1000;
            let by = response.extensions_mut().remove::<By>();
            debug!(
                request_id = &*watched.id,
                route = watched.route.pattern(),
                method = watched.method.as_str(),
                status = status.as_u16(),
                caller = by.as_ref().map(|by| by.0.name.as_str()),
                took_us = took,
                "answered"
            );
        }
    }

    fn note_refusal(&self, watched: &Watched, status: StatusCode, reason: &Reason) {
        let error = reason.error;
        if status.is_client_error() {
            self.metrics.refusals.add(error);
        }
        let Some(held_back) = self.valve.pass(error, SystemClock.now().boot) else {
            return;
        };
        info!(
            request_id = &*watched.id,
            route = watched.route.pattern(),
            status = status.as_u16(),
            error,
            reason = reason.description,
            more_like_it = (held_back > 0).then_some(held_back),
            "not served"
        );
    }
}

/// The output of `work`; `None` if it panicked. It is where it is: to move it would cost
/// more than all that is done to it here.
fn contained<T>(mut work: Pin<&mut impl Future<Output = T>>) -> impl Future<Output = Option<T>> {
    poll_fn(move |context| {
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        polled.map_or(std::task::Poll::Ready(None), |poll| poll.map(Some))
    })
}

fn nanoseconds() -> u128 {
    SystemClock.now().boot.as_nanos()
}

/// The name of a request. It is here and not on the heap, where each copy would cost more
/// than to make it.
#[derive(Clone, Copy)]
pub(crate) struct Id {
    /// It is at the end.
    text: [u8; Id::LONGEST],
    start: usize,
}

impl Id {
    /// The name of the process, and a number of 64 bits.
    const LONGEST: usize = 13 + 16;

    fn header(&self) -> HeaderValue {
        let value = HeaderValue::from_str(self);
        value.unwrap_or(HeaderValue::from_static("unnamed"))
    }
}

impl Deref for Id {
    type Target = str;

    fn deref(&self) -> &str {
        let text = self.text.get(self.start..).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Id").field(&&**self).finish()
    }
}

/// Names for requests: unique within the process, and told apart from those of others.
#[derive(Debug)]
struct Ids {
    /// Twelve hexadecimal digits and a dash.
    process: String,
    next: AtomicU64,
}

impl Default for Ids {
    fn default() -> Self {
        let mut random = [0; 6];
        // Without randomness they are still told apart within the process.
        let _ = aws_lc_rs::rand::fill(&mut random);
        let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            process: digits + "-",
            next: AtomicU64::new(1),
        }
    }
}

impl Ids {
    fn next(&self) -> Id {
        let mut text = [0; Id::LONGEST];
        let mut at = text.len();
        let mut digits = self.next.fetch_add(1, Ordering::Relaxed);
        // By hand: each request needs one, and `write!` takes longer than all the rest.
        while digits > 0 {
            at -= 1;
            text[at] = b"0123456789abcdef"[(digits & 0xf) as usize];
            digits >>= 4;
        }
        let start = at - self.process.len();
        text[start..at].copy_from_slice(self.process.as_bytes());
        Id { text, start }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use http_body_util::BodyExt as _;

    use super::*;

    #[test]
    fn each_request_has_a_name_of_its_own() {
        let ids = Ids::default();
        let other = Ids::default().next();
        let names: Vec<_> = (0..300).map(|_| ids.next()).collect();
        let (process, _) = names[0].split_once('-').unwrap();
        assert!(
            process.len() == 12 && !other.starts_with(process),
            "{names:?}"
        );
        for (number, name) in (1..).zip(&names) {
            assert_eq!(**name, *format!("{process}-{number:x}"));
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_without_its_words() {
        let lookout = Lookout::default();
        let watched = lookout.begin(Route::Token, &Method::GET);
        let id = watched.id;
        let response = lookout
            .follow(watched, pin!(async { panic!("canary") }))
            .await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[REQUEST_ID], *id);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains(&*id) && !body.contains("canary"), "{body}");
        assert_eq!(lookout.metrics.panics.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_refusal_is_counted_by_its_word() {
        let lookout = Lookout::default();
        let watched = lookout.begin(Route::Token, &Method::GET);
        lookout
            .follow(watched, pin!(async { Err(Refusal::unauthorized()) }))
            .await;
        let refusals = lookout.metrics.refusals.all();
        assert_eq!(refusals, [("invalid_client", 0), ("unauthorized", 1)]);
        let counts = lookout.metrics.requests.counts();
        assert_eq!((counts.len(), &*counts[0].status), (1, "401"));
    }
}
