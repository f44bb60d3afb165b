//! What there is at which path.

mod facade;
mod profile;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::{any, get, post};
use http::Uri;
use http::header::{HeaderMap, HeaderName};

use crate::office::{Office, Visit};
use crate::reply::Refusal;

/// A header that a web page cannot send without asking, and a form not at all.
pub(crate) const INTENT: HeaderName = HeaderName::from_static("prove-token-request");

/// What an answer is made of before it is one.
type Outcome = Result<Response, Refusal>;

/// The data listeners' paths.
pub(crate) fn data(office: Arc<Office>) -> Router {
    Router::new()
        .route("/v1/token/{profile}", get(token::token).fallback(only_get))
        .route(
            "/v1/token/{profile}/reject",
            post(token::reject).fallback(only_post),
        )
        .route(
            "/v1/headers/{profile}",
            get(token::headers).fallback(only_get),
        )
        .route("/v1/profiles", get(profile::list).fallback(only_get))
        .route(
            "/v1/profiles/{profile}",
            get(profile::one).fallback(only_get),
        )
        .route("/token", post(facade::default_profile).fallback(only_post))
        .route(
            "/oauth2/{profile}/token",
            post(facade::named_profile).fallback(only_post),
        )
        .fallback(any(nothing))
        .with_state(office)
}

/// Whether the caller's credentials are in the body, or in a header of the façade's own
/// kind.
pub(crate) fn is_facade(path: &str) -> bool {
    let named = path
        .strip_prefix("/oauth2/")
        .and_then(|rest| rest.strip_suffix("/token"));
    path == "/token" || named.is_some()
}

async fn only_get(visit: Visit) -> Response {
    Refusal::method("GET").answer(&visit.id)
}

async fn only_post(visit: Visit) -> Response {
    Refusal::method("POST").answer(&visit.id)
}

async fn nothing(visit: Visit) -> Response {
    Refusal::no_such_path().answer(&visit.id)
}

/// Refuses a request that its sender may not have meant.
fn intended(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(INTENT) {
        Some(value) if value == "true" => Ok(()),
        _ => Err(
            Refusal::bad_request("the header Prove-Token-Request: true is missing")
                .hint("add it: it keeps web pages and forms out"),
        ),
    }
}

/// The parameters of a query, each at most once, and none but `known`.
fn query<'q>(
    uri: &'q Uri,
    known: &[&'static str],
) -> Result<impl Fn(&str) -> Option<&'q str>, Refusal> {
    let query = uri.query().unwrap_or_default();
    let pairs: Vec<(&str, &str)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    for (index, (name, _)) in pairs.iter().enumerate() {
        if !known.contains(name) {
            let known = known.join(", ");
            return Err(Refusal::bad_request("the query has an unknown parameter")
                .hint(format!("known here: {known}")));
        }
        if pairs[..index].iter().any(|(other, _)| other == name) {
            return Err(Refusal::bad_request(format!("the query has {name} twice")));
        }
    }
    Ok(move |wanted: &str| {
        let found = pairs.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| *value)
    })
}

impl<S: Sync> axum::extract::FromRequestParts<S> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut http::request::Parts, _: &S) -> Result<Self, Response> {
        let visit = parts.extensions.get::<Self>().cloned();
        visit.ok_or_else(|| Refusal::unauthorized().answer(""))
    }
}
