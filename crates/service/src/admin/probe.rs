//! What a supervisor asks: does it live, has it begun, can it be sent callers.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use http::Response;
use http::StatusCode;
use http::request::Parts;
use serde_json::{Value, json};

use super::View;
use crate::body::Body;
use crate::desk::Desk;
use crate::lookout::Id;
use crate::reply::{Refusal, json_result};
use crate::route::{profile_state, query};

/// `GET /livez`: it answers, and that is all: a provider's outage is no reason to kill it.
pub(super) async fn live() -> Response<Body> {
    json_result(&json!({ "live": true }))
}

/// `GET /startupz`: whether every profile has a token, or knows why it has none.
pub(super) async fn started(State(view): State<Arc<View>>) -> Response<Body> {
    let has_begun = |desk: &Arc<Desk>| desk.has_begun.load(Ordering::Relaxed);
    let started = view.office().desks.values().all(has_begun);
    probed(started, json!({ "started": started }))
}

/// `GET /readyz?profile=`: whether a token can be handed out of every profile, or of the
/// one that is named.
pub(super) async fn ready(State(view): State<Arc<View>>, id: Id, request: Parts) -> Response<Body> {
    let outcome = readiness(&view, &request);
    let answer = |(ready, body)| probed(ready, body);
    outcome.map_or_else(|refusal| refusal.answer(&id), answer)
}

fn readiness(view: &View, request: &Parts) -> Result<(bool, Value), Refusal> {
    let query = query(&request.uri, &["profile"])?;
    let (office, wanted) = (view.office(), query("profile"));
    let is_wanted = |desk: &&Arc<Desk>| wanted.is_none_or(|name| name == desk.name);
    let desks = office.desks.values().filter(is_wanted);
    let states: Vec<_> = desks
        .map(|desk| profile_state(desk))
        .collect::<Result<_, _>>()?;
    if states.is_empty() {
        let refusal = Refusal::new(StatusCode::NOT_FOUND, "not_found", "no such profile");
        return Err(refusal.hint("/readyz without a query lists those there are"));
    }
    let ready = states.iter().all(|state| state["ready"] == true);
    let profiles: Vec<_> = states.iter().map(brief).collect();
    Ok((ready, json!({ "ready": ready, "profiles": profiles })))
}

/// Until when, and what failed last.
fn brief(state: &Value) -> Value {
    json!({
        "profile": state["profile"],
        "ready": state["ready"],
        "expires_at": state["token"]["expires_at"],
        "expires_in": state["token"]["expires_in"],
        "failure": state["failure"],
    })
}

fn probed(is_well: bool, body: Value) -> Response<Body> {
    let mut response = json_result(&body);
    if !is_well {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}
