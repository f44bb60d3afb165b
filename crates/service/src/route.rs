//! What there is at which path.

mod events;
mod facade;
mod profile;
mod table;
mod token;

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::response::Response;
use axum::routing::{any, get, post};
use axum::{Extension, Router};
use http::Uri;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;

pub(crate) use self::profile::state as profile_state;
pub(crate) use self::table::Route;
use crate::lookout::Lookout;
use crate::office::{Office, Visit};
use crate::reply::Refusal;

/// A header that a web page cannot send without asking, and a form not at all.
pub(crate) const INTENT: HeaderName = HeaderName::from_static("prove-token-request");

/// What an answer is made of before it is one.
type Outcome = Result<Response, Refusal>;

/// The data listeners' paths.
pub(crate) fn data(office: Arc<Office>, lookout: Arc<Lookout>) -> Router {
    let mut router = Router::new();
    for route in Route::DATA {
        let methods = match route {
            Route::Token => get(token::token).fallback(only_get),
            Route::Headers => get(token::headers).fallback(only_get),
            Route::Profiles => get(profile::list).fallback(only_get),
            Route::Profile => get(profile::one).fallback(only_get),
            Route::Events => get(events::stream).fallback(only_get),
            Route::Reject => post(token::reject).fallback(only_post),
            Route::Grant => post(facade::default_profile).fallback(only_post),
            Route::NamedGrant => post(facade::named_profile).fallback(only_post),
            _ => continue,
        };
        router = router.route(route.pattern(), methods);
    }
    router
        .fallback(any(nothing))
        .layer(Extension(lookout))
        .with_state(office)
}

pub(crate) async fn only_get(visit: Visit) -> Response {
    Refusal::method("GET").answer(&visit.id)
}

pub(crate) async fn only_post(visit: Visit) -> Response {
    Refusal::method("POST").answer(&visit.id)
}

pub(crate) async fn nothing(visit: Visit) -> Response {
    Refusal::no_such_path().answer(&visit.id)
}

/// Refuses a request that its sender may not have meant.
pub(crate) fn intended(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(INTENT) {
        Some(value) if value == "true" => Ok(()),
        _ => Err(
            Refusal::bad_request("the header Prove-Token-Request: true is missing")
                .hint("add it: it keeps web pages and forms out"),
        ),
    }
}

/// Whether the body is said to be of this type, parameters aside.
fn is_of_type(headers: &HeaderMap, media_type: &str) -> bool {
    let given = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    given.is_some_and(|given| {
        let name = given.split(|byte| *byte == b';').next();
        name.is_some_and(|name| {
            name.trim_ascii()
                .eq_ignore_ascii_case(media_type.as_bytes())
        })
    })
}

/// The parameters of a query, each at most once, and none but `known`.
pub(crate) fn query<'q>(
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

/// The name of a profile in a path, as it is meant.
struct ProfileName(String);

impl<S: Send + Sync> FromRequestParts<S> for ProfileName {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => {
                let visit = Visit::from_request_parts(parts, state).await?;
                let refusal = Refusal::bad_request("the path has escapes that are not UTF-8");
                Err(refusal.answer(&visit.id))
            }
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let visit = parts.extensions.get::<Self>().cloned();
        visit.ok_or_else(|| Refusal::unauthorized().answer(""))
    }
}
