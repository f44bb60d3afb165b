//! `/v1/token` and `/v1/headers`: the token, and the word that it was rejected.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, ETAG, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper::body::Incoming;
use prove_token::{AccessToken, CallOptions};
use prove_token_config::HandsOut;
use serde_json::{Value, json};

use super::{Outcome, Visit, is_of_type, query};
use crate::connection::{BodyFault, whole};
use crate::desk::{Desk, token_id};
use crate::reply::{JSON, Refusal, json_result, result};

/// The longest wait for a newer token, in seconds.
const LONGEST_WAIT: u64 = 60;

/// The largest body of a rejection, in bytes.
const LARGEST_BODY: usize = 4 * 1024;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// `GET /v1/token/{profile}?min_validity=60&force=false&wait=30`
pub(super) async fn token(visit: Visit<'_>, profile: &str, request: &Parts) -> Outcome {
    let (desk, token) = obtain(visit, profile, request).await?;
    let ready = desk.ready(&token);
    let mut response = match wants_text(request) {
        true => result(TEXT, token.value().to_owned()),
        false => result(JSON, ready.json.clone()),
    };
    response.headers_mut().insert(ETAG, ready.etag.clone());
    if knows(&request.headers, &ready.etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = crate::body::Body::empty();
    }
    Ok(response)
}

/// The token that a request of a known caller asks for.
async fn obtain<'v>(
    visit: Visit<'v>,
    profile: &str,
    request: &Parts,
) -> Result<(&'v Arc<Desk>, AccessToken), Refusal> {
    let caller = visit.caller()?;
    let desk = visit.office.desk(profile, caller)?;
    if caller.hands_out == HandsOut::Proxy {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "this caller gets no access tokens: hands_out is \"proxy\"",
        )
        .hint("call the API through /proxy, which adds the token"));
    }
    let query = query(&request.uri, &["min_validity", "force", "wait"])?;
    let seconds = |name: &str, most: u64| match query(name).map(str::parse::<u64>) {
        None => Ok(0),
        Some(Ok(seconds)) if seconds <= most => Ok(seconds),
        Some(_) => Err(Refusal::bad_request(format!(
            "{name} is not a number of seconds from 0 to {most}"
        ))),
    };
    let force = match query("force") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Refusal::bad_request("force is neither true nor false")),
    };
    let options = CallOptions::new()
        .min_validity(Duration::from_secs(seconds("min_validity", 24 * 3600)?))
        .force(force && desk.may_force());
    let wait = Duration::from_secs(seconds("wait", LONGEST_WAIT)?);
    let token = desk.client.access_token_with_options(None, options).await?;
    if wait.is_zero() || !knows(&request.headers, &desk.ready(&token).etag) {
        return Ok((desk, token));
    }
    let place = caller.tally.waits.try_acquire();
    let _place = place.map_err(|_| Refusal::too_many_that_last())?;
    Ok((desk, Box::pin(newer(desk, &token, wait)).await?))
}

/// Whether the client has what `etag` names (RFC 9110 §13.1.2). A comma within the tag of
/// another does no harm, for none is in ours.
fn knows(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let is_it = |tag: &[u8]| {
        let tag = tag.trim_ascii();
        tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes()
    };
    let mut given = headers.get_all(IF_NONE_MATCH).iter();
    given.any(|tags| tags.as_bytes().split(|byte| *byte == b',').any(is_it))
}

/// Another token than `token`, if there is one within `wait`. If there is none, it is
/// judged anew: it may have ended meanwhile.
async fn newer(desk: &Desk, token: &AccessToken, wait: Duration) -> Result<AccessToken, Refusal> {
    let _ = tokio::time::timeout(wait, desk.another_than(token)).await;
    Ok(desk.client.access_token().await?)
}

fn wants_text(request: &Parts) -> bool {
    let accept = request.headers.get(ACCEPT);
    accept.is_some_and(|accept| accept.as_bytes().trim_ascii().starts_with(b"text/plain"))
}

/// `GET /v1/headers/{profile}`
pub(super) async fn headers(visit: Visit<'_>, profile: &str, request: &Parts) -> Outcome {
    let (_, token) = obtain(visit, profile, request).await?;
    let header = format!("{} {}", token.token_type(), token.value());
    let ends = token.expires_at().duration_since(std::time::UNIX_EPOCH);
    let ends = ends.map_or(0, |ends| ends.as_secs());
    let expires = i64::try_from(ends)
        .ok()
        .and_then(|ends| jiff::Timestamp::from_second(ends).ok());
    Ok(json_result(&json!({
        "headers": { "Authorization": [header] },
        "expires": expires.map(|expires| expires.to_string()),
    })))
}

/// `POST /v1/token/{profile}/reject` with `{"token_id":"…"}`
pub(super) async fn reject(
    visit: Visit<'_>,
    profile: &str,
    request: &Parts,
    body: Incoming,
) -> Outcome {
    let desk = visit.office.desk(profile, visit.caller()?)?;
    let id = rejected(request, body).await?;
    let held = desk.client.status(None)?.token;
    let current = held.filter(|token| *token_id(token.value()) == *id);
    if let Some(token) = &current {
        desk.client.invalidate(token);
    }
    Ok(json_result(&json!({ "rejected": current.is_some() })))
}

async fn rejected(request: &Parts, body: Incoming) -> Result<String, Refusal> {
    if !is_of_type(&request.headers, "application/json") {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Refusal::new(
            status,
            "unsupported_media_type",
            "the body is not declared as JSON",
        )
        .hint("send Content-Type: application/json"));
    }
    let body = whole(body, LARGEST_BODY).await.map_err(body_fault)?;
    let body: Value =
        serde_json::from_slice(&body).map_err(|_| Refusal::bad_request("the body is not JSON"))?;
    let id = body["token_id"].as_str().map(str::to_owned);
    id.ok_or_else(|| Refusal::bad_request("the body has no token_id"))
}

pub(super) fn body_fault(fault: BodyFault) -> Refusal {
    match fault {
        BodyFault::Slow => Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "timeout",
            "the body did not come in time",
        ),
        BodyFault::Long => Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            "the body is too long",
        ),
        BodyFault::Broken => Refusal::bad_request("the body is broken"),
    }
}
