//! The wire cases: what a token endpoint answers, and what must come of it.
//!
//! They are data, so that every front end can run them;
//! `tests/fixtures/wire/README.md` describes the format.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// One case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// One sentence for people.
    pub about: String,
    /// What the client asks for.
    #[serde(default)]
    pub ask: Ask,
    /// The answers in order; the last one is repeated.
    pub answers: Vec<Answer>,
    /// How many requests one call sends.
    pub requests: usize,
    /// What the caller gets.
    pub expect: Expect,
}

/// The settings of the client that matter to a case.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The scope asked for; none if empty.
    #[serde(default)]
    pub scope: String,
    /// Whether less than that is taken.
    #[serde(default)]
    pub accept_narrower_scope: bool,
}

/// One answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Informational statuses that are sent before.
    #[serde(default)]
    pub interim: Vec<u16>,
    /// Header fields, in order.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: Option<String>,
    /// The body in base64, where it is not UTF-8.
    pub body_base64: Option<String>,
    /// The body in parts, where it is long.
    #[serde(default)]
    pub body_parts: Vec<Part>,
}

/// A piece of a body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The text.
    pub text: String,
    /// How often it is repeated.
    pub times: usize,
}

/// Either a token (`lifetime`) or an error (`kind`).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The token's whole life in seconds.
    pub lifetime: Option<u64>,
    /// The token's text, if it is not the usual one.
    pub token: Option<String>,
    /// The scope that the token names; none if missing.
    pub scope: Option<String>,
    /// The refresh token; none if missing.
    pub refresh_token: Option<String>,
    /// The refresh token's life in seconds; none if missing.
    pub refresh_expires_in: Option<u64>,
    /// The error's kind, as `ErrorKind::as_str` names it.
    pub kind: Option<String>,
    /// Whether the error says that the same call may succeed later.
    #[serde(default)]
    pub retryable: bool,
    /// Seconds the server asked to wait; none if missing.
    pub retry_after: Option<u64>,
    /// Pieces of the error's text.
    #[serde(default)]
    pub says: Vec<String>,
    /// Pieces of its hint.
    #[serde(default)]
    pub hints: Vec<String>,
    /// The error object of the answer; none if missing.
    pub response: Option<Response>,
}

/// What is kept of an error object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// RFC 6749 `error`.
    pub error: Option<String>,
    /// RFC 6749 `error_description`.
    pub error_description: Option<String>,
    /// RFC 6749 `error_uri`.
    pub error_uri: Option<String>,
    /// Prove's `code`.
    pub code: Option<i64>,
    /// Prove's `message`.
    pub message: Option<String>,
}

impl Case {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// What is wrong with it: not JSON, a key that the format does not have, or a
    /// contradiction.
    pub fn parse(text: &str) -> Result<Self, String> {
        let case: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        case.validate()?;
        Ok(case)
    }

    fn validate(&self) -> Result<(), String> {
        let expect = &self.expect;
        if self.answers.is_empty() || self.requests == 0 {
            return Err("a case needs an answer and a request".to_owned());
        }
        if expect.lifetime.is_some() == expect.kind.is_some() {
            return Err("\"expect\" has either \"lifetime\" or \"kind\"".to_owned());
        }
        let of_tokens = expect.token.is_some()
            || expect.scope.is_some()
            || expect.refresh_token.is_some()
            || expect.refresh_expires_in.is_some();
        let of_errors = expect.retryable
            || expect.retry_after.is_some()
            || !expect.says.is_empty()
            || !expect.hints.is_empty()
            || expect.response.is_some();
        if expect.kind.is_some() && of_tokens || expect.lifetime.is_some() && of_errors {
            return Err("\"expect\" mixes the keys of tokens and of errors".to_owned());
        }
        for answer in &self.answers {
            answer.body()?;
        }
        Ok(())
    }

    /// The answer to request `number`, counted from 0.
    pub fn answer(&self, number: usize) -> &Answer {
        &self.answers[number.min(self.answers.len() - 1)]
    }
}

impl Answer {
    fn body(&self) -> Result<Vec<u8>, String> {
        match (&self.body, &self.body_base64, &*self.body_parts) {
            (None, None, parts) => {
                let parts = parts.iter().map(|part| part.text.repeat(part.times));
                Ok(parts.collect::<String>().into_bytes())
            }
            (Some(text), None, []) => Ok(text.clone().into_bytes()),
            (None, Some(base64), []) => STANDARD
                .decode(base64)
                .map_err(|error| format!("\"body_base64\": {error}")),
            _ => Err("an answer has only one of the three bodies".to_owned()),
        }
    }

    /// The bytes of the whole answer. `Content-Length` is added where HTTP allows
    /// a body and no header field of the case says otherwise.
    ///
    /// # Panics
    ///
    /// Not for a case that was parsed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let body = self.body().expect("validated when the case was parsed");
        let mut bytes = String::new();
        for status in &self.interim {
            bytes.push_str(&format!("HTTP/1.1 {status} Interim\r\n\r\n"));
        }
        bytes.push_str(&format!("HTTP/1.1 {} Test\r\n", self.status));
        for (name, value) in &self.headers {
            bytes.push_str(&format!("{name}: {value}\r\n"));
        }
        let framed = self.headers.iter().any(|(name, _)| {
            name.eq_ignore_ascii_case("content-length")
                || name.eq_ignore_ascii_case("transfer-encoding")
        });
        if !framed && !matches!(self.status, 100..=199 | 204 | 304) {
            bytes.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        bytes.push_str("\r\n");
        let mut bytes = bytes.into_bytes();
        bytes.extend_from_slice(&body);
        bytes
    }
}

/// The folder of the cases.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/wire")
}

/// All cases with their names, sorted. One that cannot be read is an error that
/// names it.
///
/// # Panics
///
/// If the folder itself cannot be read.
pub fn cases() -> Vec<(String, Result<Case, String>)> {
    let entries = fs::read_dir(folder()).expect("the folder of the wire cases");
    let paths = entries.map(|entry| entry.expect("an entry of the folder").path());
    let mut cases: Vec<_> = paths
        .filter(|path| path.is_dir())
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let case = fs::read_to_string(path.join("case.json"))
                .map_err(|error| error.to_string())
                .and_then(|text| Case::parse(&text));
            (name.into_owned(), case)
        })
        .collect();
    cases.sort_by(|a, b| a.0.cmp(&b.0));
    cases
}
