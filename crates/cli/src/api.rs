//! What an API said, for people: statuses, and Prove's codes, explained.

use std::time::Duration;

use http::{Response, StatusCode};
use prove_token::transport::{Body, TransportError, TransportErrorKind, retry_after};
use prove_token::{AccessToken, Clock as _, Endpoint, ErrorKind, SystemClock};
use serde_json::Value;

use crate::failure::Failure;
use crate::times;

/// Who called whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller<'a> {
    pub(crate) base: &'a Endpoint,
    /// The token that was answered.
    pub(crate) token: Option<&'a AccessToken>,
    /// Whether the API is Prove's, or the emulator's: Prove's codes and limits mean
    /// nothing elsewhere.
    pub(crate) is_prove: bool,
    /// Whether pauses that the API asks for were made, as far as there was time.
    pub(crate) waits: bool,
}

/// What to make of an answer that is not a success.
pub(crate) fn failure(answer: &Response<Body>, caller: &Caller<'_>) -> Option<Failure> {
    let status = answer.status().as_u16();
    if answer.status().is_success() {
        return None;
    }
    let body: Option<Value> = serde_json::from_slice(answer.body().expose_secret()).ok();
    let code = body
        .as_ref()
        .filter(|_| caller.is_prove)
        .and_then(|body| body["code"].as_i64());
    let kind = match status {
        401 => ErrorKind::CredentialsRejected,
        429 => ErrorKind::RateLimited,
        300..=399 => ErrorKind::Protocol,
        400..=499 => ErrorKind::RequestRejected,
        _ => ErrorKind::Unavailable,
    };
    let code_shown = code.map_or_else(String::new, |code| format!(", code {code}"));
    let mut failure = Failure::new(
        kind,
        format!("the API answered with status {status}{code_shown}"),
    );
    if let Some(hint) = code
        .and_then(code_hint)
        .or_else(|| status_hint(status, caller))
    {
        failure = failure.hint(hint);
    }
    if let Some(wait) = asks_to_wait(answer) {
        let wait = times::brief(wait);
        failure = failure.hint(match caller.waits {
            true => format!("the API asks to wait {wait}: raise --timeout to allow it"),
            false => format!("the API asks to wait {wait}: --retry does"),
        });
    }
    Some(failure)
}

/// Prove's codes (API reference, "Errors").
fn code_hint(code: i64) -> Option<String> {
    let hint = match code {
        1000 | 8000 => "the fault is on Prove's side: try again; if it lasts, see status.prove.com",
        1001 | 8001 => {
            "the request is malformed: valid JSON under 4 KB, with the field that the message names"
        }
        1003 | 8003 => "this step is out of order: follow the `next` of the previous answer",
        8007 => "only Prove's test users work in Sandbox",
        8008 => "the correlation ID is not known: start again with /v3/start",
        8009 => "this Sandbox test user belongs to another product",
        8011 => "no identity was found",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn status_hint(status: u16, caller: &Caller<'_>) -> Option<String> {
    let has_expired = |token: &AccessToken| token.expires_in() == Duration::ZERO;
    let hint = match status {
        300..=399 => "redirects are never followed with a token: correct the API base",
        401 if caller.token.is_some_and(has_expired) => "the token has expired",
        401 if caller.is_prove => {
            "the API does not accept this token: it may be of another region or tier"
        }
        401 => "the API does not accept this token: compare its scope and audience",
        403 => {
            return Some(format!(
                "compare method and path with the operation's reference; the API base is {}",
                caller.base
            ));
        }
        404 => "there is no such thing: check the path and the ids in it",
        429 if caller.is_prove => "Prove allows 25 requests a second",
        500..=599 => "the fault is on the API's side: try again later",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// How long the API asks to wait before the same request is sent again, if it does not
/// say that it was of no use: it was not looked at (429), or not now (503).
pub(crate) fn asks_to_wait(answer: &Response<Body>) -> Option<Duration> {
    match answer.status() {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            retry_after(answer.headers(), SystemClock.now().wall)
        }
        _ => None,
    }
}

/// No answer from the API.
pub(crate) fn unreachable(host: &str, error: &TransportError) -> Failure {
    let kind = match error.kind() {
        TransportErrorKind::Timeout => ErrorKind::Timeout,
        TransportErrorKind::Broken => ErrorKind::Unavailable,
        TransportErrorKind::Malformed => ErrorKind::Protocol,
        TransportErrorKind::Setup => ErrorKind::Configuration,
        _ => ErrorKind::Connect,
    };
    Failure::new(kind, format!("no answer from {host}: {error}"))
        .hint("check the network and the API base")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints(is_prove: bool, status: u16, body: &str) -> (String, String) {
        let base = "https://api.example.com".parse().unwrap();
        let caller = Caller {
            base: &base,
            token: None,
            is_prove,
            waits: false,
        };
        let answer = Response::builder()
            .status(status)
            .header(http::header::RETRY_AFTER, "5")
            .body(Body::new(body.to_owned()))
            .unwrap();
        let failure = failure(&answer, &caller).unwrap();
        (failure.message().to_owned(), failure.hints().join("; "))
    }

    #[test]
    fn prove_is_spoken_for_only_where_it_is_prove() {
        let body = r#"{"code":8008}"#;
        let (message, hint) = hints(true, 400, body);
        assert!(
            message.ends_with("code 8008") && hint.contains("/v3/start"),
            "{hint}"
        );
        let (message, hint) = hints(false, 400, body);
        assert!(
            message.ends_with("status 400") && hint.is_empty(),
            "{message} {hint}"
        );
        let wait = "the API asks to wait 5s: --retry does";
        assert_eq!(hints(false, 429, "").1, wait);
        assert_eq!(
            hints(true, 429, "").1,
            format!("Prove allows 25 requests a second; {wait}")
        );
        assert!(!hints(false, 401, "").1.contains("region"));
        assert!(!hints(false, 503, r#"{"code":1000}"#).1.contains("Prove"));
    }
}
