//! Answers: results, and refusals with one shape of body.

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};
use prove_token::Error;
use prove_token_config::Outcome;
use serde_json::{Map, Value, json};

use crate::body::Body;

/// The type of JSON.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Identifies a request in answers and logs.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A result of this type.
pub(crate) fn result(content_type: HeaderValue, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::whole(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, NO_STORE);
    response
}

/// A result that is JSON.
pub(crate) fn json_result(value: &Value) -> Response<Body> {
    result(JSON, value.to_string())
}

/// What an answer refuses for, to be counted and logged.
#[derive(Clone, Debug)]
pub(crate) struct Reason {
    pub(crate) error: &'static str,
    /// It holds nothing of the request.
    pub(crate) description: String,
}

/// Why a request is not served: a status and what to say. It never holds a token, a key
/// or a secret.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    error: &'static str,
    description: String,
    hint: Option<String>,
    /// On the heap: the map is as large as all the rest with one of serde_json's features.
    facts: Box<Map<String, Value>>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub(crate) fn new(
        status: StatusCode,
        error: &'static str,
        description: impl Into<String>,
    ) -> Self {
        Self {
            status,
            error,
            description: description.into(),
            hint: None,
            facts: Box::default(),
            headers: Vec::new(),
        }
    }

    /// The request is not well-formed.
    pub(crate) fn bad_request(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    /// The one answer to no key, a wrong key and two keys.
    pub(crate) fn unauthorized() -> Self {
        let challenge = HeaderValue::from_static("Bearer realm=\"prove-token\"");
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "no caller with this key",
        )
        .hint("send the caller's key as Authorization: Bearer KEY")
        .header(WWW_AUTHENTICATE, challenge)
    }

    /// The one answer to a profile that does not exist and to one that the caller may
    /// not use.
    pub(crate) fn no_such_profile() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "no such profile for this caller",
        )
        .hint("GET /v1/profiles lists those there are")
    }

    /// There is nothing at this path.
    pub(crate) fn no_such_path() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "there is nothing at this path",
        )
    }

    /// The path is right and the method is not.
    pub(crate) fn method(allowed: &'static str) -> Self {
        let description = "this path has another method";
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            description,
        )
        .header(ALLOW, HeaderValue::from_static(allowed))
    }

    /// The caller has used up its share for now.
    pub(crate) fn over_quota() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "more requests in a second than this caller may send",
        )
        .hint("keep the token until it ends, or ask for a higher rate_limit")
        .retry_after(1)
    }

    /// The caller has as many requests under way that last as it may.
    pub(crate) fn too_many_that_last() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "more requests that wait or listen than this caller may have at a time",
        )
        .hint("share one of them among all parts of the program")
        .retry_after(1)
    }

    /// The caller has as many requests at APIs as it may.
    pub(crate) fn too_many_at_the_api() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "more requests that the API has yet to answer than this caller may have at a time",
        )
        .hint("send more when some of them were answered, and read each answer to its end")
        .retry_after(1)
    }

    /// The service has a defect.
    pub(crate) fn defect() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the service has a defect",
        )
        .hint("the log has the place, with this request_id")
    }

    /// The same under another name.
    pub(crate) fn named(mut self, error: &'static str) -> Self {
        self.error = error;
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Says that the same request may do later.
    pub(crate) fn retryable(mut self) -> Self {
        self.facts.insert("retryable".to_owned(), json!(true));
        self
    }

    /// Whether the answer will have this header.
    pub(crate) fn has(&self, name: &HeaderName) -> bool {
        self.headers.iter().any(|(given, _)| given == name)
    }

    /// Says after how many seconds to come back.
    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        let mut refusal = self.retryable();
        refusal
            .facts
            .insert("retry_after".to_owned(), json!(seconds));
        refusal.header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The word for it.
    pub(crate) fn error(&self) -> &'static str {
        self.error
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The answer to the request of this id.
    pub(crate) fn answer(self, request_id: &str) -> Response<Body> {
        let mut body = json!({
            "error": self.error,
            "error_description": &self.description,
            "retryable": false,
            "request_id": request_id,
        });
        if let Some(hint) = self.hint {
            body["hint"] = json!(hint);
        }
        for (name, value) in *self.facts {
            body[name] = value;
        }
        let mut response = json_result(&body);
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        response.extensions_mut().insert(Reason {
            error: self.error,
            description: self.description,
        });
        response
    }
}

/// A provider's failure, as a failure of the service: never as a 401, which would blame
/// the caller.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = StatusCode::from_u16(Outcome::of(error.kind()).http_status)
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut refusal = Self::new(status, error.kind().as_str(), error.to_string());
        refusal.hint = error.hint().map(str::to_owned);
        let mut fact = |name: &str, value: Value| {
            refusal.facts.insert(name.to_owned(), value);
        };
        fact("retryable", json!(error.is_retryable()));
        if let Some(status) = error.http_status() {
            fact("upstream_status", json!(status));
        }
        if let Some(code) = error.error_response().and_then(|response| response.code) {
            fact("code", json!(code));
        }
        let (retryable, wait) = (error.is_retryable(), error.retry_after());
        let wait = wait.map(|wait| (wait.as_secs_f64().ceil() as u64).max(1));
        // Who may try again is told when; nobody knows better than soon.
        let may_try = retryable || status == StatusCode::SERVICE_UNAVAILABLE;
        let Some(wait) = wait.or(may_try.then_some(1)) else {
            return refusal;
        };
        let mut refusal = refusal.retry_after(wait);
        let facts = &mut refusal.facts;
        facts.insert("retryable".to_owned(), json!(retryable));
        refusal
    }
}

#[cfg(test)]
mod tests {
    use prove_token::ErrorKind;

    use super::*;

    #[test]
    fn who_may_try_again_is_told_when() {
        for kind in [
            ErrorKind::Connect,
            ErrorKind::Unavailable,
            ErrorKind::Timeout,
            ErrorKind::RateLimited,
            ErrorKind::Expired,
        ] {
            let refusal = Refusal::from(Error::new(kind, "no token"));
            assert!(refusal.has(&RETRY_AFTER), "{kind:?}");
            assert_eq!(refusal.facts["retry_after"], 1, "the same in both places");
        }
        let rejected = Error::new(ErrorKind::CredentialsRejected, "no");
        assert!(!Refusal::from(rejected).has(&RETRY_AFTER));
    }
}
