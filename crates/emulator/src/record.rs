//! What was asked: recorded for tests, logged for operators, never with a
//! secret.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::credential::{Presented, scheme_credentials};
use crate::form::{Form, OTHER, field_name};

/// One request as it arrived, without its secrets, and how it was answered.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The HTTP method.
    pub method: String,
    /// The path without the query, at most 256 characters.
    pub path: String,
    /// The headers in lower case and in their order, values cut to 256
    /// characters. A value that may be a credential is `[redacted]`; of
    /// `authorization` the scheme is kept.
    pub headers: Vec<(String, String)>,
    /// The names of the body's form fields or JSON members, in their order. A
    /// name that may hold a secret is `[other]`.
    pub body_fields: Vec<String>,
    /// How the client authenticated: `client_secret_post`, `client_secret_basic`
    /// (form-encoded as in RFC 6749 §2.3.1), `client_secret_basic_raw`, `bearer`,
    /// `multiple` or `none`.
    pub client_authentication: &'static str,
    /// Whether the credentials or the bearer token were accepted.
    pub secret_matches: bool,
    /// The authenticated client; `None` unless `secret_matches`.
    pub client_id: Option<String>,
    /// The status of the answer; `None` until there is one, and for faults
    /// without a status.
    pub status: Option<u16>,
    /// The fault that took this request, without its values.
    pub fault: Option<String>,
    /// When it had been read, in real time since the emulator started;
    /// [`Emulator::advance`](crate::Emulator::advance) does not count.
    #[serde(rename = "arrived_seconds", serialize_with = "seconds")]
    pub arrived: Duration,
    /// The request line and headers, reconstructed with lower-case names. Empty
    /// unless [`record_raw`](crate::EmulatorBuilder::record_raw) is on, and never
    /// part of `Debug` or of the control answers.
    #[serde(skip)]
    pub raw_head: Vec<u8>,
    /// The body's bytes; as with `raw_head`.
    #[serde(skip)]
    pub raw_body: Vec<u8>,
}

impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &self.headers)
            .field("body_fields", &self.body_fields)
            .field("client_authentication", &self.client_authentication)
            .field("secret_matches", &self.secret_matches)
            .field("client_id", &self.client_id)
            .field("status", &self.status)
            .field("fault", &self.fault)
            .field("arrived", &self.arrived)
            .finish_non_exhaustive()
    }
}

/// One answered request, for a log. Its `Display` is one line: the time taken,
/// the method, the path, the status, the fault if any, and the client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestLog {
    /// From the request's arrival until its answer was ready, delays included.
    pub elapsed: Duration,
    /// The HTTP method; `-` for a connection reset before any request.
    pub method: String,
    /// The path without the query; `-` as above.
    pub path: String,
    /// The status of the answer, if it has one.
    pub status: Option<u16>,
    /// The fault that took this request, without its values.
    pub fault: Option<String>,
    /// The authenticated client.
    pub client_id: Option<String>,
}

impl RequestLog {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            elapsed: Duration::ZERO,
            method: cut(method),
            path: cut(path),
            status: None,
            fault: None,
            client_id: None,
        }
    }
}

impl fmt::Display for RequestLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.elapsed.as_secs_f64() * 1000.0;
        write!(f, "{millis:.1} ms {} {}", self.method, self.path)?;
        match self.status {
            Some(status) => write!(f, " {status}")?,
            None => f.write_str(" -")?,
        }
        if let Some(fault) = &self.fault {
            write!(f, " fault={fault}")?;
        }
        write!(f, " client={}", self.client_id.as_deref().unwrap_or("-"))
    }
}

impl RecordedRequest {
    pub(crate) fn new(
        head: &Parts,
        body: &Bytes,
        form: Option<&Form>,
        presented: &Presented,
        arrived: Duration,
    ) -> Self {
        Self {
            method: cut(head.method.as_str()),
            path: cut(head.uri.path()),
            headers: visible_headers(&head.headers),
            body_fields: match form {
                Some(form) => form.names().take(MAX_FIELDS).map(visible_field).collect(),
                None => visible_members(body),
            },
            client_authentication: presented.authentication,
            secret_matches: presented.client_id.is_some(),
            client_id: presented.client_id.clone(),
            status: None,
            fault: None,
            arrived,
            raw_head: Vec::new(),
            raw_body: Vec::new(),
        }
    }

    /// Adds what was sent, secrets and all.
    pub(crate) fn with_raw(mut self, head: &Parts, body: &Bytes) -> Self {
        self.raw_head = raw_head(head);
        self.raw_body = body.to_vec();
        self
    }

    pub(crate) fn is_token_request(&self) -> bool {
        self.method == "POST" && self.path == "/token"
    }
}

/// The recorded requests and their counts.
#[derive(Default)]
pub(crate) struct Recorder {
    records: Mutex<Records>,
    arrival: Condvar,
}

#[derive(Default)]
struct Records {
    requests: VecDeque<RecordedRequest>,
    /// The number of the request after the newest one.
    next: u64,
    token_requests: usize,
    /// Path, then status or fault.
    counts: BTreeMap<String, BTreeMap<String, u64>>,
}

/// A recorded request, to be completed with its answer.
#[derive(Clone, Copy)]
pub(crate) struct Ticket(u64);

const MAX_REQUESTS: usize = 10_000;
const MAX_PATHS: usize = 1_000;
const MAX_FIELDS: usize = 100;
const MAX_TEXT: usize = 256;
const REDACTED: &str = "[redacted]";

impl Recorder {
    pub(crate) fn arrive(&self, request: RecordedRequest) -> Ticket {
        let mut records = self.lock();
        if request.is_token_request() {
            records.token_requests += 1;
        }
        if records.requests.len() == MAX_REQUESTS {
            records.requests.pop_front();
        }
        records.requests.push_back(request);
        let ticket = Ticket(records.next);
        records.next += 1;
        drop(records);
        self.arrival.notify_all();
        ticket
    }

    pub(crate) fn complete(&self, ticket: Ticket, line: &RequestLog) {
        let mut records = self.lock();
        records.count(line);
        if let Some(request) = records.find(ticket) {
            request.status = line.status;
            request.fault.clone_from(&line.fault);
        }
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.lock().requests.iter().cloned().collect()
    }

    pub(crate) fn token_requests(&self) -> usize {
        self.lock().token_requests
    }

    pub(crate) fn counts(&self) -> Value {
        let counts = &self.lock().counts;
        serde_json::to_value(counts).unwrap_or_default()
    }

    /// Forgets everything; requests under way complete unseen.
    pub(crate) fn reset(&self) {
        let mut records = self.lock();
        let next = records.next;
        *records = Records {
            next,
            ..Records::default()
        };
    }

    /// Waits until `count` token requests have arrived; false if time ran out.
    pub(crate) fn wait(&self, count: usize, timeout: Duration) -> bool {
        let records = self.lock();
        let waited = self
            .arrival
            .wait_timeout_while(records, timeout, |records| records.token_requests < count);
        let (records, _) = waited.unwrap_or_else(PoisonError::into_inner);
        records.token_requests >= count
    }

    fn lock(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records {
    fn find(&mut self, ticket: Ticket) -> Option<&mut RecordedRequest> {
        let oldest = self.next - u64::try_from(self.requests.len()).ok()?;
        let index = ticket.0.checked_sub(oldest)?;
        self.requests.get_mut(usize::try_from(index).ok()?)
    }

    fn count(&mut self, line: &RequestLog) {
        let room = self.counts.len() < MAX_PATHS || self.counts.contains_key(&line.path);
        let path = if room { line.path.as_str() } else { OTHER };
        let result = match (line.status, &line.fault) {
            (Some(status), _) => status.to_string(),
            (None, Some(fault)) => fault.clone(),
            (None, None) => "-".to_owned(),
        };
        *self
            .counts
            .entry(path.to_owned())
            .or_default()
            .entry(result)
            .or_default() += 1;
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records = self.lock();
        f.debug_struct("Recorder")
            .field("requests", &records.next)
            .field("token_requests", &records.token_requests)
            .finish_non_exhaustive()
    }
}

/// At most [`MAX_TEXT`] characters of `text`.
fn cut(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

fn visible_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let name = name.as_str();
            let value = if may_be_secret(name) {
                redact(value.as_bytes())
            } else {
                cut(&String::from_utf8_lossy(value.as_bytes()))
            };
            (cut(name), value)
        })
        .collect()
}

fn may_be_secret(header: &str) -> bool {
    const MARKS: [&str; 8] = [
        "auth",
        "cookie",
        "credential",
        "key",
        "passw",
        "secret",
        "session",
        "token",
    ];
    MARKS.iter().any(|mark| header.contains(mark))
}

/// Keeps the scheme of an `Authorization` value, if it is a known one: a value
/// without a scheme is all secret.
fn redact(value: &[u8]) -> String {
    ["Basic", "Bearer", "DPoP", "Digest", "Negotiate"]
        .into_iter()
        .find(|scheme| scheme_credentials(value, scheme).is_some())
        .map_or_else(
            || REDACTED.to_owned(),
            |scheme| format!("{scheme} {REDACTED}"),
        )
}

fn visible_field(name: &str) -> String {
    field_name(name).to_owned()
}

/// The members of a JSON object, sorted: whether their order is kept depends on a
/// feature of serde_json that any crate of the build may turn on. Their names are
/// the syntax of the request, but are only shown while they look like names.
fn visible_members(body: &Bytes) -> Vec<String> {
    let Ok(Value::Object(object)) = serde_json::from_slice(body) else {
        return Vec::new();
    };
    let mut names: Vec<_> = object
        .keys()
        .take(MAX_FIELDS)
        .map(|name| {
            let plain = name.len() <= 40 && name.chars().all(|c| c.is_ascii_alphanumeric());
            let shown = if plain { name } else { OTHER };
            shown.to_owned()
        })
        .collect();
    names.sort_unstable();
    names
}

fn raw_head(head: &Parts) -> Vec<u8> {
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let mut bytes = format!("{} {target} {:?}\r\n", head.method, head.version).into_bytes();
    for (name, value) in &head.headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

#[cfg(test)]
mod tests;
