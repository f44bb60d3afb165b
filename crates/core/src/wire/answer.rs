//! The answer (RFC 6749 §5.1), strictly: a 200 with anything but exactly one
//! usable bearer token is an error.

use std::time::Duration;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Response};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::error::Category;

use super::member::{self, Fault};
use super::refusal;
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};
use crate::redactor::Redactor;
use crate::scope::Scope;
use crate::secret::Secret;
use crate::token::Details;
use crate::transport::{Body, LARGEST_BODY};

/// What the answer is judged by.
pub(crate) struct Asked<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) scope: &'a Scope,
    pub(crate) accept_narrower_scope: bool,
    /// Cuts what was sent out of what the server says.
    pub(crate) redactor: &'a Redactor<'a>,
    /// Wall time since 1970, for a `Retry-After` that is a date.
    pub(crate) wall: Duration,
}

/// A token, and what was said about it.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) access_token: Secret,
    /// `None` if the server did not say.
    pub(crate) expires_in: Option<Duration>,
    pub(crate) details: Details,
}

/// The members that mean something here; others are ignored. A member given
/// twice is refused by serde, so the last one never wins.
#[derive(Deserialize)]
pub(super) struct Members {
    access_token: Option<Value>,
    token_type: Option<Value>,
    expires_in: Option<Value>,
    scope: Option<Value>,
    refresh_token: Option<Value>,
    refresh_expires_in: Option<Value>,
    pub(super) error: Option<Value>,
    pub(super) error_description: Option<Value>,
    pub(super) error_uri: Option<Value>,
    pub(super) code: Option<Value>,
    pub(super) message: Option<Value>,
}

impl Members {
    /// The tokens in it, which the error beside them may quote.
    pub(super) fn tokens(&self) -> impl Iterator<Item = &str> {
        let tokens = [&self.access_token, &self.refresh_token];
        tokens.into_iter().flatten().filter_map(Value::as_str)
    }

    pub(super) fn has_no_token(&self) -> bool {
        self.access_token.is_none()
    }
}

/// Judges a whole answer.
pub(crate) fn decode(answer: &Response<Body>, asked: &Asked<'_>) -> Result<Granted, Error> {
    match answer.status().as_u16() {
        200 => decode_ok(answer, asked),
        status @ (100..=299) => Err(protocol(asked, status, "which is not a token answer")),
        status @ (300..=399) => Err(
            protocol(asked, status, "a redirect, which is never followed")
                .with_hint("set the token endpoint to the final address, if you trust it"),
        ),
        _ => Err(refusal::decode(answer, asked)),
    }
}

fn protocol(asked: &Asked<'_>, status: u16, what: &str) -> Error {
    let message = format!("{} answered with status {status}, {what}", asked.endpoint);
    Error::new(ErrorKind::Protocol, message).with_response(status, None)
}

fn decode_ok(answer: &Response<Body>, asked: &Asked<'_>) -> Result<Granted, Error> {
    if is_encoded(answer.headers()) {
        return Err(unusable(asked, "it is compressed, which was not asked for"));
    }
    let body = answer.body();
    // The second looks after transports that do not know the limit.
    if body.is_cut_off() || body.expose_secret().len() > LARGEST_BODY {
        return Err(unusable(asked, "it is larger than 64 KiB"));
    }
    let members = parse(answer.body().expose_secret())
        .map_err(|problem| problem.into_error(answer.headers(), asked))?;
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

/// Why a body is not an object of members.
pub(super) enum Problem {
    Empty,
    /// Not JSON at all, from this byte on.
    NotJson(usize),
    /// JSON of the wrong shape.
    WrongShape(&'static str),
}

pub(super) fn parse(body: &[u8]) -> Result<Members, Problem> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::Empty);
    }
    // serde_json checks the encoding only of what it keeps.
    let body = std::str::from_utf8(body).map_err(|error| Problem::NotJson(error.valid_up_to()))?;
    let not_json =
        |error: serde_json::Error| Problem::NotJson(offset(body, error.line(), error.column()));
    // serde would take an array for the members in order.
    if !body.trim_ascii_start().starts_with('{') {
        serde_json::from_str::<IgnoredAny>(body).map_err(not_json)?;
        return Err(Problem::WrongShape("it is JSON, but not an object"));
    }
    serde_json::from_str(body).map_err(|error| match error.classify() {
        Category::Data => Problem::WrongShape("a member appears twice"),
        _ => not_json(error),
    })
}

impl Problem {
    fn into_error(self, headers: &HeaderMap, asked: &Asked<'_>) -> Error {
        const PORTAL: &str = "a proxy or captive portal may have answered in its place: open \
                              any web page to see, or try another network";
        match self {
            Self::WrongShape(fault) => unusable(asked, fault),
            Self::Empty => unusable(asked, "it is empty")
                .with_retryable(true)
                .with_hint(PORTAL),
            Self::NotJson(offset) => {
                let kind = media_type(headers, asked.redactor)
                    .map_or_else(String::new, |kind| format!(", sent as {kind}"));
                let fault = format!("it is not JSON from byte {offset}{kind}");
                unusable(asked, &fault)
                    .with_retryable(true)
                    .with_hint(PORTAL)
            }
        }
    }
}

/// serde_json counts lines and columns, both from 1.
fn offset(body: &str, line: usize, column: usize) -> usize {
    let lines_before: usize = body
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    lines_before + column.saturating_sub(1)
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
