//! What there is at which path.

mod events;
mod facade;
mod profile;
mod table;
mod token;

use std::sync::Arc;

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response, Uri};
use hyper::body::Incoming;

pub(crate) use self::profile::state as profile_state;
pub(crate) use self::table::Route;
use crate::body::Body;
use crate::caller::Known;
use crate::connection::Visitor;
use crate::lookout::Lookout;
use crate::office::Office;
use crate::reply::Refusal;

/// A header that a web page cannot send without asking, and a form not at all.
pub(crate) const INTENT: HeaderName = HeaderName::from_static("prove-token-request");

/// What an answer is made of before it is one.
type Outcome = Result<Response<Body>, Refusal>;

/// What is known of a request at the data listeners beside what it says.
#[derive(Clone, Copy)]
pub(crate) struct Visit<'v> {
    pub(crate) office: &'v Office,
    pub(crate) lookout: &'v Arc<Lookout>,
    pub(crate) visitor: Visitor<'v>,
    /// The edition of the news that was told before the office was looked up, for whoever
    /// asks for them.
    pub(crate) edition: u64,
    /// Who calls; `None` at the façade, which finds out itself.
    pub(crate) caller: Option<&'v Arc<Known>>,
}

impl<'v> Visit<'v> {
    /// Who calls.
    fn caller(&self) -> Result<&'v Arc<Known>, Refusal> {
        self.caller.ok_or_else(Refusal::unauthorized)
    }
}

/// The answer to a request at the data listeners that `route` is for. What is asked
/// rarely is boxed: the others would carry the room for it about.
pub(crate) async fn answer(
    route: Route,
    visit: Visit<'_>,
    parts: &Parts,
    body: Incoming,
) -> Outcome {
    check_method(route, &parts.method)?;
    if route.asks_intent() {
        intended(&parts.headers)?;
    }
    let profile = route.profile(parts.uri.path());
    match route {
        Route::Token => token::token(visit, profile, parts).await,
        Route::Headers => token::headers(visit, profile, parts).await,
        Route::Reject => Box::pin(token::reject(visit, profile, parts, body)).await,
        Route::Profiles => profile::list(visit),
        Route::Profile => profile::one(visit, profile),
        Route::Events => events::stream(visit),
        Route::Grant => Box::pin(facade::grant(visit, None, parts, body)).await,
        Route::NamedGrant => Box::pin(facade::grant(visit, Some(profile), parts, body)).await,
        _ => Err(Refusal::no_such_path()),
    }
}

fn check_method(route: Route, method: &Method) -> Result<(), Refusal> {
    let is_right = match route {
        Route::Reject | Route::Grant | Route::NamedGrant => method == Method::POST,
        Route::Nothing => true,
        _ => method == Method::GET || method == Method::HEAD,
    };
    match (is_right, route) {
        (true, _) => Ok(()),
        (false, Route::Reject | Route::Grant | Route::NamedGrant) => Err(Refusal::method("POST")),
        (false, _) => Err(Refusal::method("GET")),
    }
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
    let name = given.and_then(|given| given.split(|byte| *byte == b';').next());
    name.is_some_and(|name| {
        name.trim_ascii()
            .eq_ignore_ascii_case(media_type.as_bytes())
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
