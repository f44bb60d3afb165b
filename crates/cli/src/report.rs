//! What `--verbose` says about the engine's events.

mod fields;
mod text;

use http::{Method, StatusCode, Uri};
use prove_token::Event;
use prove_token_config::Problem;
use serde_json::json;

use self::fields::fields;
use self::text::text;
use crate::args::LogFormat;
use crate::console::Console;

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
