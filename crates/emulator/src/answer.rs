//! An HTTP answer that may be well-formed, and need not be.

use std::io::Write;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

/// Status, headers and body before they meet the wire. Plain numbers and
/// strings, so that a fault can say what the `http` types refuse to.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

/// The codes of Prove's errors that the emulator uses.
pub(crate) mod code {
    pub(crate) const INVALID: u16 = 1001;
    pub(crate) const INTERNAL: u16 = 8000;
    pub(crate) const MALFORMED: u16 = 8001;
    pub(crate) const NOT_AUTHORIZED: u16 = 8002;
    pub(crate) const OUT_OF_ORDER: u16 = 8003;
    pub(crate) const USER_NOT_FOUND: u16 = 8007;
    pub(crate) const CORRELATION: u16 = 8008;
    pub(crate) const IDENTITY_NOT_FOUND: u16 = 8011;
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::bytes(status, body.to_string().into())
    }

    pub(crate) fn bytes(status: u16, body: Bytes) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".into(), "application/json".into())],
            body,
        }
    }

    /// Prove's error shape.
    pub(crate) fn error(status: u16, code: u16, message: &str) -> Self {
        Self::json(status, &json!({ "code": code, "message": message }))
    }

    pub(crate) fn missing(field: &str) -> Self {
        Self::error(400, code::INVALID, &format!("field '{field}' is missing"))
    }

    pub(crate) fn malformed(message: &str) -> Self {
        Self::error(400, code::MALFORMED, message)
    }

    pub(crate) fn not_authorized() -> Self {
        Self::error(401, code::NOT_AUTHORIZED, "not authorized")
    }

    /// A path, method or content type that Prove does not know.
    pub(crate) fn forbidden() -> Self {
        Self::json(403, &json!({ "message": "Forbidden" }))
    }

    pub(crate) fn too_many_requests() -> Self {
        Self::documented(429).header("Retry-After", "1")
    }

    /// What Prove documents for `status`, for a fault that names no body.
    pub(crate) fn documented(status: u16) -> Self {
        match status {
            204 | 304 => Self {
                status,
                headers: Vec::new(),
                body: Bytes::new(),
            },
            400 => Self::malformed("malformed request"),
            401 => Self::not_authorized(),
            403 => Self::forbidden(),
            404 => Self::error(404, code::IDENTITY_NOT_FOUND, "identity not found"),
            500 => Self::error(500, code::INTERNAL, "internal error"),
            _ => Self::json(status, &json!({ "message": reason(status) })),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Puts `headers` in place of those of the same name. Repeated ones among
    /// them stay repeated.
    pub(crate) fn override_headers(&mut self, headers: &[(String, String)]) {
        self.headers
            .retain(|(old, _)| !headers.iter().any(|(new, _)| new.eq_ignore_ascii_case(old)));
        self.headers.extend_from_slice(headers);
    }

    /// The answer for the HTTP server, if it can say this: a final status, valid
    /// headers, and no framing of the answer's own.
    pub(crate) fn to_response(&self) -> Option<Response<Full<Bytes>>> {
        let status = StatusCode::from_u16(self.status)
            .ok()
            .filter(|status| !status.is_informational())?;
        let mut response = Response::new(Full::new(self.body.clone()));
        *response.status_mut() = status;
        for (name, value) in &self.headers {
            let name = HeaderName::try_from(name)
                .ok()
                .filter(|name| !frames(name))?;
            let value = HeaderValue::try_from(value).ok()?;
            response.headers_mut().append(name, value);
        }
        Some(response)
    }

    /// The answer as it goes over the wire, valid or not.
    pub(crate) fn to_bytes(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(256 + self.body.len());
        let mut line = |text: std::fmt::Arguments| {
            let _ = bytes.write_fmt(text); // writing to a Vec cannot fail
        };
        line(format_args!(
            "HTTP/1.1 {} {}\r\n",
            self.status,
            reason(self.status)
        ));
        for (name, value) in &self.headers {
            line(format_args!("{name}: {value}\r\n"));
        }
        if !self.headers.iter().any(|(name, _)| is_framing(name)) {
            line(format_args!("Content-Length: {}\r\n", self.body.len()));
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes.into()
    }
}

fn reason(status: u16) -> &'static str {
    StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or_default()
}

fn frames(name: &HeaderName) -> bool {
    is_framing(name.as_str()) || *name == http::header::CONNECTION
}

fn is_framing(name: &str) -> bool {
    ["content-length", "transfer-encoding"]
        .iter()
        .any(|framing| framing.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_answer_goes_through_the_server() {
        let response = Answer::missing("grant_type").to_response().unwrap();
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()["content-type"], "application/json");
    }

    #[test]
    fn what_the_server_cannot_say_is_left_to_the_raw_writer() {
        let odd = [
            Answer::documented(99),
            Answer::documented(103),
            Answer::documented(200).header("Content-Length", "1000000"),
            Answer::documented(200).header("transfer-encoding", "chunked"),
            Answer::documented(200).header("X-Odd", "a\nb"),
            Answer::documented(200).header("bad name", "x"),
        ];
        for answer in odd {
            assert!(answer.to_response().is_none());
        }
    }

    #[test]
    fn the_wire_form_has_one_framing() {
        let plain = Answer::documented(204).to_bytes();
        assert_eq!(
            plain,
            "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
        );
        let lying = Answer::bytes(200, "{}".into()).header("content-length", "9");
        assert_eq!(
            lying.to_bytes(),
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: 9\r\n\r\n{}"
        );
    }

    #[test]
    fn overriding_replaces_but_keeps_repeated_new_ones() {
        let mut answer = Answer::documented(503);
        answer.override_headers(&[
            ("content-type".into(), "text/html".into()),
            ("Retry-After".into(), "1".into()),
            ("Retry-After".into(), "2".into()),
        ]);
        let names: Vec<_> = answer
            .headers
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["content-type", "Retry-After", "Retry-After"]);
    }

    #[test]
    fn documented_bodies_have_proves_shape() {
        let body: Value = serde_json::from_slice(&Answer::documented(401).body).unwrap();
        assert_eq!(body, json!({ "code": 8002, "message": "not authorized" }));
        let body: Value = serde_json::from_slice(&Answer::documented(503).body).unwrap();
        assert_eq!(body, json!({ "message": "Service Unavailable" }));
    }
}
