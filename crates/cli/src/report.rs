//! What `--verbose` says about the engine's events.

use http::{Method, StatusCode, Uri};
use prove_token::Event;
use prove_token_config::Problem;
use serde_json::{Value, json};

use crate::args::LogFormat;
use crate::console::Console;
use crate::times::brief;

/// Writes `event` in the chosen format. A store that does not work is told anyhow: the
/// command goes on without.
pub(crate) fn event(console: &Console, event: &Event) {
    let is_json = console.verbose && console.log_format == LogFormat::Json;
    if let Event::StoreUnavailable { error, .. } = event
        && !is_json
    {
        console.notice(&format!("tokens are not kept: {error}"));
    }
    if !console.verbose {
        return;
    }
    match console.log_format {
        LogFormat::Text => text(event)
            .into_iter()
            .for_each(|line| console.trace(&line)),
        LogFormat::Json => fields(event)
            .into_iter()
            .for_each(|fields| console.trace(&fields.to_string())),
    }
}

/// Tokens are kept in memory only, which a person would notice as slowness alone.
pub(crate) fn not_kept(console: &Console, problem: &Problem) {
    console.notice(&format!("{}; tokens are not kept", problem.message));
    if let Some(hint) = &problem.hint {
        console.notice(&format!("hint: {hint}"));
    }
}

/// A line that is not of the engine, such as which profile is used.
pub(crate) fn note(console: &Console, name: &str, text: &str) {
    match console.log_format {
        LogFormat::Text => console.trace(&format!("* {text}")),
        LogFormat::Json => console.trace(&json!({"event": name, "message": text}).to_string()),
    }
}

/// The request of `call`. A query may hold what is nobody's business.
pub(crate) fn api_request(console: &Console, method: &Method, uri: &Uri) {
    let url = uri.to_string();
    let url = url.split('?').next().unwrap_or_default();
    match console.log_format {
        LogFormat::Text => console.trace(&format!("> {method} {url}")),
        LogFormat::Json => console.trace(
            &json!({"event": "api_request", "method": method.as_str(), "url": url}).to_string(),
        ),
    }
}

/// The status that `call` was answered with.
pub(crate) fn api_answer(console: &Console, status: StatusCode) {
    match console.log_format {
        LogFormat::Text => console.trace(&format!("< status {status}")),
        LogFormat::Json => {
            console.trace(&json!({"event": "api_answer", "status": status.as_u16()}).to_string())
        }
    }
}

fn text(event: &Event) -> Option<String> {
    Some(match event {
        Event::AttemptStarted {
            endpoint, attempt, ..
        } => {
            format!("> POST {endpoint} (attempt {attempt})")
        }
        Event::AttemptFailed {
            error,
            took,
            retry_in,
            ..
        } => {
            let next = match retry_in {
                Some(pause) => format!("trying again in {}", brief(*pause)),
                None => "giving up".to_owned(),
            };
            format!("< {error}, after {}; {next}", brief(*took))
        }
        Event::TokenObtained {
            attempts,
            took,
            lifetime,
            ..
        } => {
            let plural = if *attempts == 1 { "" } else { "s" };
            format!(
                "< access token [redacted], lives {}; {} for {attempts} request{plural}",
                brief(*lifetime),
                brief(*took),
            )
        }
        Event::RenewalFailed {
            error, valid_for, ..
        } => format!(
            "* {error}; the token at hand is valid for {}",
            brief(*valid_for)
        ),
        Event::TokenRestored { expires_in, .. } => {
            format!(
                "* the token that was kept [redacted] lives {}",
                brief(*expires_in)
            )
        }
        Event::StoreMissed { reason, .. } => {
            format!("* no token that is kept can be used: {}", reason.as_str())
        }
        _ => return None,
    })
}

fn fields(event: &Event) -> Option<Value> {
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
            "message": error.to_string(), "took_ms": took.as_millis() as u64,
            "retry_in_ms": retry_in.map(|pause| pause.as_millis() as u64),
        }),
        Event::TokenObtained {
            attempts,
            took,
            lifetime,
            ..
        } => json!({
            "event": "token_obtained", "attempts": attempts,
            "took_ms": took.as_millis() as u64, "lifetime": lifetime.as_secs(),
        }),
        Event::RenewalFailed {
            error,
            valid_for,
            retry_in,
            ..
        } => json!({
            "event": "renewal_failed", "error": error.kind().as_str(),
            "message": error.to_string(), "valid_for": valid_for.as_secs(),
            "retry_in_ms": retry_in.as_millis() as u64,
        }),
        Event::TokenRejected { expires_in, .. } => {
            json!({"event": "token_rejected", "expires_in": expires_in.as_secs()})
        }
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
