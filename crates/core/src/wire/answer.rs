//! The answer (RFC 6749 §5.1), strictly: a 200 with anything but exactly one
//! usable bearer token is an error.

use std::time::Duration;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Response};
use serde_json::Value;

use super::body::{Members, Problem, parse};
use super::member::{self, Fault};
use super::{Asked, refusal};
use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::redactor::Redactor;
use crate::scope::Scope;
use crate::secret::Secret;
use crate::token::Details;
use crate::transport::Body;

const PORTAL: &str = "a proxy or captive portal may have answered in its place: open any web \
                      page to see, or try another network";

/// A token, and what was said about it.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) access_token: Secret,
    /// `None` if the server did not say.
    pub(crate) expires_in: Option<Duration>,
    pub(crate) details: Details,
}

/// Judges a whole answer.
pub(crate) fn decode(answer: &Response<Body>, asked: &Asked<'_>) -> Result<Granted, Error> {
    match answer.status().as_u16() {
        200 => decode_ok(answer, asked),
        status @ (100..=299) => Err(protocol(asked, status, "which is not a token answer")),
        status @ (300..=399) => Err(redirected(asked, status)),
        _ => Err(refusal::decode(answer, asked)),
    }
}

/// Prove's endpoints do not redirect; who answers with one is somebody else.
fn redirected(asked: &Asked<'_>, status: u16) -> Error {
    let hint = match Environment::of(asked.endpoint) {
        Some(_) => PORTAL,
        None => "set the token endpoint to the final address, if you trust it",
    };
    protocol(asked, status, "a redirect, which is never followed").with_hint(hint)
}

fn protocol(asked: &Asked<'_>, status: u16, what: &str) -> Error {
    let message = format!("{} answered with status {status}, {what}", asked.endpoint);
    Error::new(ErrorKind::Protocol, message).with_response(status, None)
}

fn decode_ok(answer: &Response<Body>, asked: &Asked<'_>) -> Result<Granted, Error> {
    if is_encoded(answer.headers()) {
        return Err(unusable(asked, "it is compressed, which was not asked for"));
    }
    let members =
        parse(answer.body()).map_err(|problem| unreadable(problem, answer.headers(), asked))?;
    if let Some(error) = refusal::inside_ok(answer, &members, asked) {
        return Err(error);
    }
    let granted = granted(members, asked.scope).map_err(|fault| unusable(asked, fault))?;
    if let Some(scope) = &granted.details.scope
        && !asked.accept_narrower_scope
        && !scope.contains(asked.scope)
    {
        return Err(Error::new(
            ErrorKind::RequestRejected,
            format!("{} granted less than the scope asked for", asked.endpoint),
        )
        .with_response(200, None)
        .with_hint("ask for what the client is allowed, or set accept_narrower_scope"));
    }
    Ok(granted)
}

fn granted(members: Members, asked: &Scope) -> Result<Granted, Fault> {
    let access_token = member::access_token(members.access_token)?;
    member::token_type(members.token_type.as_ref())?;
    Ok(Granted {
        access_token,
        expires_in: member::lifetime(members.expires_in.as_ref())?,
        details: Details {
            // Some servers write it their own way; that matters only to those who
            // asked for one.
            scope: match member::scope(members.scope.as_ref()) {
                Err(_) if asked.is_empty() => None,
                scope => scope?,
            },
            // Not supported by Prove and needed by nothing: whatever is wrong
            // with these two must not cost anybody the access token.
            refresh_token: match members.refresh_token {
                Some(Value::String(token)) => Some(Secret::new(token)),
                _ => None,
            },
            refresh_expires_in: member::lifetime(members.refresh_expires_in.as_ref())
                .unwrap_or(None),
        },
    })
}

/// A 200 that cannot be used; asking again would bring the same.
fn unusable(asked: &Asked<'_>, fault: &str) -> Error {
    let message = format!("the answer of {} is not usable: {fault}", asked.endpoint);
    Error::new(ErrorKind::Protocol, message).with_response(200, None)
}

/// What is not JSON at all may be somebody else's answer, and pass.
fn unreadable(problem: Problem, headers: &HeaderMap, asked: &Asked<'_>) -> Error {
    let fault = match problem {
        Problem::TooLarge => return unusable(asked, "it is larger than 64 KiB"),
        Problem::WrongShape(fault) => return unusable(asked, fault),
        Problem::Empty => "it is empty".to_owned(),
        Problem::NotJson(offset) => {
            let kind = media_type(headers, asked.redactor)
                .map_or_else(String::new, |kind| format!(", sent as {kind}"));
            format!("it is not JSON from byte {offset}{kind}")
        }
    };
    unusable(asked, &fault)
        .with_retryable(true)
        .with_hint(PORTAL)
}

/// The media type alone, bounded and without the secret, for a message.
fn media_type(headers: &HeaderMap, redactor: &Redactor<'_>) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let kind = value.split(';').next().unwrap_or(value);
    Some(redactor.line(kind, 40))
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}
