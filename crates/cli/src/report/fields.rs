//! Events as JSON lines for machines.

use std::time::Duration;

use prove_token::Event;
use serde_json::{Value, json};

/// The object of `event`; `None` if there is nothing to say.
pub(super) fn fields(event: &Event) -> Option<Value> {
    attempt(event)
        .or_else(|| token(event))
        .or_else(|| store(event))
}

fn attempt(event: &Event) -> Option<Value> {
    Some(match event {
        Event::AttemptStarted {
            endpoint, attempt, ..
        } => json!({
            "event": "attempt_started", "endpoint": endpoint.as_str(), "attempt": attempt,
        }),
        Event::AttemptFailed {
            attempt,
            error,
            took,
            retry_in,
            ..
        } => json!({
            "event": "attempt_failed", "attempt": attempt, "error": error.kind().as_str(),
            "message": error.to_string(), "took_ms": milliseconds(*took),
            "retry_in_ms": retry_in.map(milliseconds),
        }),
        Event::TokenObtained {
            attempts,
            took,
            lifetime,
            ..
        } => json!({
            "event": "token_obtained", "attempts": attempts,
            "took_ms": milliseconds(*took), "lifetime": lifetime.as_secs(),
        }),
        _ => return None,
    })
}

fn token(event: &Event) -> Option<Value> {
    Some(match event {
        Event::RenewalFailed {
            error,
            valid_for,
            retry_in,
            ..
        } => json!({
            "event": "renewal_failed", "error": error.kind().as_str(),
            "message": error.to_string(), "valid_for": valid_for.as_secs(),
            "retry_in_ms": milliseconds(*retry_in),
        }),
        Event::TokenRejected { expires_in, .. } => {
            json!({"event": "token_rejected", "expires_in": expires_in.as_secs()})
        }
        Event::CoolDownEntered { wait, .. } => {
            json!({"event": "cool_down_entered", "wait_ms": milliseconds(*wait)})
        }
        _ => return None,
    })
}

fn store(event: &Event) -> Option<Value> {
    Some(match event {
        Event::TokenRestored { expires_in, .. } => {
            json!({"event": "token_restored", "expires_in": expires_in.as_secs()})
        }
        Event::StoreMissed { reason, .. } => {
            json!({"event": "store_missed", "reason": reason.as_str()})
        }
        Event::StoreUnavailable { error, .. } => json!({
            "event": "store_unavailable", "kind": error.kind().as_str(),
            "message": error.to_string(),
        }),
        _ => return None,
    })
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
