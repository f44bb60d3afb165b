//! What an API said, for people: the answer printed, and Prove's statuses and
//! codes explained.

use std::time::Duration;

use http::Response;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use prove_token::transport::{Body, TransportError, TransportErrorKind};
use prove_token::{AccessToken, Endpoint, ErrorKind};
use serde_json::Value;

use crate::failure::Failure;

/// How an answer is printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    /// With the status and the headers.
    pub(crate) include: bool,
    /// JSON indented: for a terminal, not for a pipe.
    pub(crate) pretty: bool,
}

impl Shown {
    /// The bytes to print. An API that echoes the token does not make us print it.
    pub(crate) fn render(self, answer: &Response<Body>, token: &str) -> Vec<u8> {
        let mut out = Vec::new();
        if self.include {
            out.extend_from_slice(
                format!("{:?} {}\n", answer.version(), answer.status()).as_bytes(),
            );
            for (name, value) in answer.headers() {
                out.extend_from_slice(name.as_str().as_bytes());
                out.extend_from_slice(b": ");
                out.extend_from_slice(value.as_bytes());
                out.push(b'\n');
            }
            out.push(b'\n');
        }
        let body = answer.body().expose_secret();
        match self.pretty.then(|| indented(body)).flatten() {
            Some(text) => out.extend_from_slice(text.as_bytes()),
            None => out.extend_from_slice(body),
        }
        if self.pretty && !out.is_empty() && !out.ends_with(b"\n") {
            out.push(b'\n');
        }
        without(out, token.as_bytes())
    }
}

/// Indented JSON, or nothing if it is none. Members keep their order.
fn indented(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    serde_json::to_string_pretty(&value).ok()
}

fn without(text: Vec<u8>, token: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    while let Some(at) = rest.windows(token.len()).position(|window| window == token) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(b"[redacted]");
        rest = &rest[at + token.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// A 401 that a new token may cure: unless the API names another reason
/// (RFC 6750 §3.1).
pub(crate) fn rejects_token(answer: &Response<Body>) -> bool {
    if answer.status().as_u16() != 401 {
        return false;
    }
    let mut challenges = answer.headers().get_all(WWW_AUTHENTICATE).iter();
    !challenges.any(|challenge| {
        let challenge = String::from_utf8_lossy(challenge.as_bytes()).to_ascii_lowercase();
        challenge.contains("error=") && !challenge.contains("invalid_token")
    })
}

/// What to make of an answer that is not a success.
pub(crate) fn failure(
    answer: &Response<Body>,
    base: &Endpoint,
    token: &AccessToken,
) -> Option<Failure> {
    let status = answer.status().as_u16();
    if answer.status().is_success() {
        return None;
    }
    let body: Option<Value> = serde_json::from_slice(answer.body().expose_secret()).ok();
    let code = body.as_ref().and_then(|body| body["code"].as_i64());
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
    )
    .http_status(status);
    if let Some(hint) = code
        .and_then(code_hint)
        .or_else(|| status_hint(status, base, token))
    {
        failure = failure.hint(hint);
    }
    if matches!(kind, ErrorKind::RateLimited | ErrorKind::Unavailable) {
        failure = failure.retry_after(retry_after(answer));
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

fn status_hint(status: u16, base: &Endpoint, token: &AccessToken) -> Option<String> {
    let hint = match status {
        300..=399 => "redirects are never followed with a token: correct the API base",
        401 if token.expires_in() > Duration::ZERO => {
            "the API does not accept this token: it may be of another region or tier"
        }
        401 => "the token has expired",
        403 => {
            return Some(format!(
                "compare method and path with the operation's reference; the API base is {base}"
            ));
        }
        404 => "there is no such thing: check the path and the ids in it",
        429 => "Prove allows 25 requests a second",
        500..=599 => "the fault is on the API's side: try again later",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn retry_after(answer: &Response<Body>) -> Option<Duration> {
    let seconds = answer
        .headers()
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
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
