//! `/v1/profiles`: how the caller's profiles stand. No secret, no token.

use serde_json::{Value, json};

use super::{Outcome, Visit};
use crate::desk::{Desk, token_id};
use crate::reply::{Refusal, json_result};

/// `GET /v1/profiles`
pub(super) fn list(visit: Visit<'_>) -> Outcome {
    let names = visit.caller()?.profiles.iter();
    let desks = names.filter_map(|name| visit.office.desks.get(name));
    let states: Result<Vec<_>, Refusal> = desks.map(|desk| state(desk)).collect();
    Ok(json_result(&json!({ "profiles": states? })))
}

/// `GET /v1/profiles/{profile}`
pub(super) fn one(visit: Visit<'_>, profile: &str) -> Outcome {
    let desk = visit.office.desk(profile, visit.caller()?)?;
    Ok(json_result(&state(desk)?))
}

/// What is known of a profile's token, from memory.
pub(crate) fn state(desk: &Desk) -> Result<Value, Refusal> {
    let status = desk.client.status(None)?;
    let token = status.token.as_ref().map(|token| {
        let ends = token.expires_at().duration_since(std::time::UNIX_EPOCH);
        json!({
            "token_id": &*token_id(token.value()),
            "expires_in": token.expires_in().as_secs(),
            "expires_at": ends.map_or(0, |ends| ends.as_secs()),
            "lifetime": token.lifetime().as_secs(),
        })
    });
    let failure = status.failure.as_ref().map(|error| {
        json!({
            "error": error.kind().as_str(),
            "error_description": error.to_string(),
            "hint": error.hint(),
            "retryable": error.is_retryable(),
            "retry_after": error.retry_after().map(|wait| wait.as_secs()),
        })
    });
    Ok(json!({
        "profile": desk.name,
        "ready": token.is_some(),
        "token": token,
        "renewal_in": status.renewal_in.map(|due| due.as_secs()),
        "failure": failure,
        "api_base": desk.api_base.as_ref().map(ToString::to_string),
    }))
}
