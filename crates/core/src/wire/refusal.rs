//! An answer that is not a token: RFC 6749 §5.2, or Prove's `{code, message}`.

use http::Response;
use serde_json::Value;

use super::Asked;
use super::body::{Members, parse};
use crate::endpoint::Endpoint;
use crate::environment::Environment;
use crate::error::{Error, ErrorKind, ErrorResponse};
use crate::redactor::Redactor;
use crate::transport::{Body, retry_after};

/// The longest text of a server that is repeated, in characters.
const LONGEST_TEXT: usize = 200;

/// What a 4xx or 5xx means.
pub(super) fn decode(answer: &Response<Body>, asked: &Asked<'_>) -> Error {
    let status = answer.status().as_u16();
    let response = parse(answer.body())
        .ok()
        .map(|members| error_response(&members, asked.redactor))
        .filter(|response| *response != ErrorResponse::default());
    let code = response
        .as_ref()
        .and_then(|response| response.error.as_deref());
    let kind = kind_of(status, code);
    let error = error(kind, status, response, asked);
    let retryable = match status {
        501 | 505 => false,
        500..=599 | 408 | 425 | 429 => true,
        // RFC 6749 §4.1.2.1 defines it for another grant; servers send it here.
        _ => status == 400 && code_is_transient(&error),
    };
    error
        .with_retryable(retryable)
        .with_retry_after(retry_after(answer.headers(), asked.wall))
}

/// Some servers answer 200 with an error object. Prove's shape counts only where
/// there is no token: `message` is no member of RFC 6749.
pub(super) fn inside_ok(
    answer: &Response<Body>,
    members: &Members,
    asked: &Asked<'_>,
) -> Option<Error> {
    let response = error_response(members, asked.redactor);
    let kind = match (response.error.as_deref(), response.code) {
        (Some(code), _) => kind_of(400, Some(code)),
        (None, Some(code)) if members.has_no_token() => kind_of_prove(code),
        _ => return None,
    };
    let status = answer.status().as_u16();
    let error = error(kind, status, Some(response), asked);
    let retryable = code_is_transient(&error) || kind == ErrorKind::Unavailable;
    Some(
        error
            .with_retryable(retryable)
            .with_retry_after(retry_after(answer.headers(), asked.wall)),
    )
}

fn code_is_transient(error: &Error) -> bool {
    error
        .error_response()
        .and_then(|response| response.error.as_deref())
        == Some("temporarily_unavailable")
}

/// 401 and 403 speak for themselves, whatever the body says.
fn kind_of(status: u16, code: Option<&str>) -> ErrorKind {
    match (status, code) {
        (401, _) => ErrorKind::CredentialsRejected,
        (403, _) => ErrorKind::RequestRejected,
        (429, _) => ErrorKind::RateLimited,
        (408 | 425 | 500.., _) => ErrorKind::Unavailable,
        (_, Some("invalid_client" | "unauthorized_client")) => ErrorKind::CredentialsRejected,
        (_, Some("temporarily_unavailable" | "server_error")) => ErrorKind::Unavailable,
        _ => ErrorKind::RequestRejected,
    }
}

/// Prove's codes, where no status says more.
fn kind_of_prove(code: i64) -> ErrorKind {
    match code {
        1000 | 8000 => ErrorKind::Unavailable,
        8002 => ErrorKind::CredentialsRejected,
        _ => ErrorKind::RequestRejected,
    }
}

fn error(
    kind: ErrorKind,
    status: u16,
    response: Option<ErrorResponse>,
    asked: &Asked<'_>,
) -> Error {
    let endpoint = asked.endpoint;
    let what = match kind {
        ErrorKind::CredentialsRejected => "rejected the client credentials",
        ErrorKind::RateLimited => "is receiving too many requests",
        ErrorKind::Unavailable => "is not available",
        _ => "refused the request",
    };
    let said = response.as_ref().map_or_else(String::new, said);
    let message = format!("{endpoint} {what} (status {status}{said})");
    let error = Error::new(kind, message).with_response(status, response);
    match hint(kind, status, endpoint) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// `: invalid_client, unknown client` or `, code 8002: not authorized`.
fn said(response: &ErrorResponse) -> String {
    let words = |texts: [&Option<String>; 2]| {
        let texts: Vec<_> = texts.into_iter().flatten().map(String::as_str).collect();
        texts.join(", ")
    };
    let rfc = words([&response.error, &response.error_description]);
    let prove = response.message.as_deref().unwrap_or_default();
    let text = if rfc.is_empty() { prove } else { &rfc };
    let code = response
        .code
        .map_or_else(String::new, |code| format!(", code {code}"));
    match text {
        "" => code,
        text => format!("{code}: {text}"),
    }
}

fn hint(kind: ErrorKind, status: u16, endpoint: &Endpoint) -> Option<String> {
    let environment = Environment::of(endpoint);
    match (kind, status) {
        (ErrorKind::CredentialsRejected, _) => Some(match environment {
            Some(environment) => format!(
                "check the client id and secret for stray characters; they work in one region and \
                 tier only, and this is {environment} ({})",
                environment.description()
            ),
            None => "check the client id and secret for stray characters, and that they belong to \
                     this server"
                .to_owned(),
        }),
        (_, 403 | 404) => Some(address_hint(endpoint, environment)),
        (ErrorKind::RateLimited, _) => Some(
            "ask for fewer tokens: one client shared by all callers needs one an hour".to_owned(),
        ),
        (ErrorKind::Unavailable, _) => {
            environment.map(|_| "try again; if it lasts, see status.prove.com".to_owned())
        }
        _ => None,
    }
}

/// The best-known mistake is `/v3` in the token endpoint's address.
fn address_hint(endpoint: &Endpoint, environment: Option<Environment>) -> String {
    if endpoint.path().split('/').any(|segment| segment == "v3") {
        return format!(
            "the token endpoint has no /v3: use {}/token",
            endpoint.origin()
        );
    }
    match environment {
        Some(_) => "check that the client may use this region and tier, and that no proxy changes \
                    the request"
            .to_owned(),
        None => "check the token endpoint's address, and that the client may use it".to_owned(),
    }
}

/// Text made fit to print; `null` and empty members count as missing.
fn error_response(members: &Members, redactor: &Redactor<'_>) -> ErrorResponse {
    let redactor = redactor.and(members.tokens());
    let text = |value: &Option<Value>| match value {
        Some(Value::String(text)) => {
            Some(redactor.line(text, LONGEST_TEXT)).filter(|line| !line.is_empty())
        }
        _ => None,
    };
    ErrorResponse {
        error: text(&members.error),
        error_description: text(&members.error_description),
        error_uri: text(&members.error_uri),
        code: members.code.as_ref().and_then(Value::as_i64),
        message: text(&members.message),
    }
}
