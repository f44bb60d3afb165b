//! One HTTP request to one response: the seam between the protocol and the
//! network.

mod reqwest;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::HeaderMap;
use http::header::RETRY_AFTER;

pub use self::reqwest::{HttpTransport, HttpTransportBuilder};

/// The most that is read of an answer's body, in bytes.
pub const LARGEST_BODY: usize = 64 * 1024;

/// In a request's extensions, the most bytes of its answer's body that are read, in
/// place of [`LARGEST_BODY`]: for calls to an API over the same connections. No token
/// request has it, so the one limit cannot widen the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimit(pub usize);

/// A request on its way.
pub type Sending<'a> =
    Pin<Box<dyn Future<Output = Result<http::Response<Body>, TransportError>> + Send + 'a>>;

/// Sends requests to a token endpoint.
///
/// An implementation sends the request to exactly its URI, once, over verified
/// TLS: it follows no redirect, uses no proxy it was not told to use, decodes no
/// content encoding and keeps no cookies. Of an answer it reads at most
/// [`LARGEST_BODY`] bytes, drops the connection if there are more, and says so by
/// [`Body::cut_off`]: the status of such an answer still counts. It needs no time limit for the whole request; the caller drops the future.
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends `request` and reads the whole answer, whatever its status.
    ///
    /// # Errors
    ///
    /// When there is no complete answer.
    fn send(&self, request: http::Request<Body>) -> Sending<'_>;
}

impl<T: Transport + ?Sized> Transport for std::sync::Arc<T> {
    fn send(&self, request: http::Request<Body>) -> Sending<'_> {
        (**self).send(request)
    }
}

/// A body that holds a secret or a token; `Debug` shows its length only.
#[derive(Clone, Default)]
pub struct Body {
    bytes: Bytes,
    cut_off: bool,
}

impl Body {
    /// A whole body.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            cut_off: false,
        }
    }

    /// The start of a body that was too large to be read on.
    pub fn cut_off(start: impl Into<Bytes>) -> Self {
        Self {
            bytes: start.into(),
            cut_off: true,
        }
    }

    /// Whether there was more.
    pub fn is_cut_off(&self) -> bool {
        self.cut_off
    }

    /// The bytes. The name is long so that every use can be found.
    pub fn expose_secret(&self) -> &Bytes {
        &self.bytes
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.cut_off { " and more" } else { "" };
        write!(f, "Body({} bytes{more})", self.bytes.len())
    }
}

/// Why there is no complete answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The host name could not be resolved.
    Resolve,
    /// No TCP connection: refused, unreachable.
    Connect,
    /// TLS failed: the certificate, the protocol version, or no TLS at all.
    /// Never tried again.
    Tls,
    /// A time limit of the transport ran out.
    Timeout,
    /// The connection broke before the answer was complete.
    Broken,
    /// The answer is not HTTP, or larger than allowed. Never tried again.
    Malformed,
    /// The transport itself could not be set up. Never tried again.
    Setup,
}

/// Why there is no complete answer, with a short reason that is safe to log: it
/// holds no URL, header or body.
#[derive(Clone, Debug)]
pub struct TransportError {
    kind: TransportErrorKind,
    reason: String,
}

impl TransportError {
    /// `reason` is lower case, without a full stop: `connection refused`, say.
    pub fn new(kind: TransportErrorKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
        }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for TransportError {}

/// The longest time that a server can make us wait.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// How long the server asks to wait, by `Retry-After` (RFC 9110 §10.2.3): seconds, or an
/// HTTP date, for which `wall` is the time now, since 1970. At most an hour; a header
/// that is neither, or given twice, says nothing.
pub fn retry_after(headers: &HeaderMap, wall: Duration) -> Option<Duration> {
    let mut values = headers.get_all(RETRY_AFTER).iter();
    let value = values.next()?.to_str().ok()?.trim();
    if values.next().is_some() {
        return None;
    }
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit mean: long.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let date = httpdate::parse_http_date(value).ok()?;
        date.duration_since(SystemTime::UNIX_EPOCH)
            .ok()?
            .saturating_sub(wall)
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_body() {
        let body = Body::new("client_secret=canary");
        let request = http::Request::new(body);
        assert!(!format!("{request:?}").contains("canary"));
    }
}
