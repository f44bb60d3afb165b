//! `ANY /proxy/{profile}/{path…}`: the API of a profile, for programs that know nothing
//! of tokens.
//!
//! A request goes on as it came, below the profile's API base, with one `Authorization`:
//! ours. What the caller identified itself by ends here. Bodies stream both ways;
//! redirects, errors and encodings are the API's, and passed back. Trailers are not.

mod body;
mod dial;
mod fault;
mod gateway;
mod header;
mod queue;
mod target;
mod trust;

use std::sync::Arc;

use http::request::Parts;
use http::{Response, StatusCode};
use hyper::body::Incoming;

use tracing::{Level, enabled};

pub(crate) use self::gateway::Gateway;
use self::target::Target;
pub(crate) use self::target::is_proxy;
use crate::body::Body;
use crate::lookout::By;
use crate::office::Office;
use crate::peer::Peer;
use crate::reply::Refusal;
use crate::trace;

/// The API's answer to a request, or why it was not asked.
pub(crate) async fn forward(
    office: &Office,
    peer: &Peer,
    parts: Parts,
    body: Incoming,
) -> Result<Response<Body>, Refusal> {
    let passed = pass(office, peer, parts, body).await;
    passed.map_err(fault::own)
}

async fn pass(
    office: &Office,
    peer: &Peer,
    parts: Parts,
    body: Incoming,
) -> Result<Response<Body>, Refusal> {
    // Whoever is not known learns nothing of profiles and paths.
    let pass = office.callers.at_proxy(peer, &parts.headers)?;
    trace::note_caller(&parts.extensions, &pass.caller.name);
    pass.caller.admit()?;
    let target = Target::parse(&parts.uri, parts.version)?;
    let desk = office.desk(target.profile, &pass.caller)?;
    if pass
        .profile
        .is_some_and(|profile| profile != target.profile)
    {
        return Err(Refusal::no_such_profile());
    }
    let has_rules = !pass.caller.allow.is_empty();
    header::check(&parts.method, &parts.headers, has_rules)?;
    target.allowed(&parts.method, &pass.caller)?;
    let gateway = desk.gateway.as_ref().ok_or_else(no_api)?;
    let target = target.below(gateway.base_path())?;
    // Nobody but the API knows how long it takes.
    let places = Arc::clone(&pass.caller.tally.proxied);
    let place = places.try_acquire_owned();
    let _place = place.map_err(|_| Refusal::too_many_at_the_api())?;
    let caller = pass.caller;
    let response = gateway.send(parts, body, target, &caller.name).await?;
    let mut response = response.map(|body| Body::Api { body, _place });
    if enabled!(Level::DEBUG) {
        response.extensions_mut().insert(By(caller));
    }
    Ok(response)
}

fn no_api() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "this profile has no API",
    )
    .hint("set api_base in the profile")
}
