//! `GET /v1/events`: what happens to the caller's profiles, as it happens, without
//! tokens.
//!
//! Each stream begins with how every profile stands, as events `state`; so whoever was cut
//! off just connects again, and `Last-Event-ID` changes nothing. Who reads too slowly is
//! cut off, and everybody when the service ends or has another configuration.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::channel::{Channel, Sender};
use serde_json::Value;

use super::profile::state;
use super::{Outcome, Visit};
use crate::body::Body;
use crate::caller::Known;
use crate::events::{NoMore, Reader};
use crate::metrics::count;
use crate::office::Office;
use crate::reply::Refusal;
use crate::staff::Task;

/// Between two signs of life where nothing happens: shorter than proxies and clients wait.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Parts that may wait to be written.
const QUEUE: usize = 8;

/// How long a client waits until it connects again, in milliseconds.
const RETRY: &str = "retry: 1000\n\n";

const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

type Stream = Sender<Bytes, std::convert::Infallible>;

/// `GET /v1/events`
pub(super) fn stream(visit: Visit<'_>) -> Outcome {
    let lookout = Arc::clone(visit.lookout);
    let caller = Arc::clone(visit.caller()?);
    let streams = Arc::clone(&caller.tally.streams);
    let place = streams
        .try_acquire_owned()
        .map_err(|_| Refusal::too_many_that_last())?;
    let reader = lookout.news.read(visit.edition).ok_or_else(full)?;
    // After the reader, so that nothing is missed in between.
    let first = beginning(visit.office, &caller, lookout.news.last())?;
    let (mut stream, parts) = Channel::new(QUEUE);
    let _teller = Task::spawn(async move {
        let _place = place;
        if stream.send_data(first).await.is_ok()
            && pass_on(reader, &mut stream, &caller).await == Some(NoMore::TooSlow)
        {
            count(&lookout.metrics.slow_readers);
        }
    });
    let mut response = Response::new(Body::Events { parts, _teller });
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, EVENTS);
    headers.insert(CACHE_CONTROL, NO_STORE);
    Ok(response)
}

fn full() -> Refusal {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "there are as many readers of events as there is room for",
    )
    .retry_after(30)
}

/// How each profile stands.
fn beginning(office: &Office, caller: &Known, number: u64) -> Result<Bytes, Refusal> {
    let mut text = RETRY.to_owned();
    let names = caller.profiles.iter();
    for desk in names.filter_map(|name| office.desks.get(name)) {
        text.push_str(&event(number, "state", &state(desk)?));
    }
    Ok(text.into())
}

/// Passes on the news of the caller's profiles until there are no more, or until nobody
/// hears them (`None`).
async fn pass_on(mut reader: Reader, stream: &mut Stream, caller: &Known) -> Option<NoMore> {
    loop {
        let part = match tokio::time::timeout(HEARTBEAT, reader.next()).await {
            Err(_) => Bytes::from_static(b":\n\n"),
            Ok(Ok(news)) => {
                if !caller.profiles.iter().any(|name| **name == *news.profile) {
                    continue;
                }
                let mut facts = news.facts.clone();
                facts["profile"] = (*news.profile).into();
                event(news.number, news.kind, &facts).into()
            }
            Ok(Err(no_more)) => return Some(no_more),
        };
        stream.send_data(part).await.ok()?;
    }
}

fn event(number: u64, kind: &str, data: &Value) -> String {
    format!("id: {number}\nevent: {kind}\ndata: {data}\n\n")
}
