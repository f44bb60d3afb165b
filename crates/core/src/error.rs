//! What can go wrong, in one type.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// An error of this crate: one word wide and cheap to clone, because one failed
/// flight is handed to every caller that waited for it.
///
/// `Display` is one line that is safe to log: it never holds a secret, a token,
/// a response body or a URL's query, and never repeats its source. What to do
/// about it is in [`hint`](Error::hint).
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    retryable: bool,
    retry_after: Option<Duration>,
    http_status: Option<u16>,
    response: Option<ErrorResponse>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The coarse kind of an [`Error`]; every front end maps it by one table (exit
/// code, HTTP status, Python exception).
///
/// The list is closed on purpose: a new kind is a breaking change, because each
/// front end must decide what it means there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A setting is missing, malformed or contradicts another one.
    Configuration,
    /// The client secret could not be read from where it is kept.
    SecretSource,
    /// The authorization server does not accept the client id and secret
    /// (`invalid_client`, `unauthorized_client`, status 401).
    CredentialsRejected,
    /// The authorization server refuses this request (`invalid_scope`,
    /// `invalid_request`, status 403 and the other 4xx).
    RequestRejected,
    /// No connection: name resolution, TCP or TLS failed.
    Connect,
    /// The authorization server is there but cannot answer now (5xx, a broken
    /// connection).
    Unavailable,
    /// No complete answer in time.
    Timeout,
    /// Too many requests (429, or a limit of our own).
    RateLimited,
    /// The answer is not what RFC 6749 §5 describes.
    Protocol,
    /// There is no usable token within the caller's limits.
    Expired,
    /// A defect of this library, or of the machine it runs on.
    Internal,
}

impl ErrorKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 11] = [
        Self::Configuration,
        Self::SecretSource,
        Self::CredentialsRejected,
        Self::RequestRejected,
        Self::Connect,
        Self::Unavailable,
        Self::Timeout,
        Self::RateLimited,
        Self::Protocol,
        Self::Expired,
        Self::Internal,
    ];

    /// A stable name for machines: `credentials_rejected`, say.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::SecretSource => "secret_source",
            Self::CredentialsRejected => "credentials_rejected",
            Self::RequestRejected => "request_rejected",
            Self::Connect => "connect",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::RateLimited => "rate_limited",
            Self::Protocol => "protocol",
            Self::Expired => "expired",
            Self::Internal => "internal",
        }
    }

    /// Whether the same call may succeed later without anybody changing
    /// anything; the default for errors of this kind.
    fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Connect | Self::Unavailable | Self::Timeout | Self::RateLimited | Self::Expired
        )
    }
}

/// What an authorization server said about a failed request: RFC 6749 §5.2, or
/// Prove's `{code, message}`.
///
/// All text is bounded, on one line, printable, and free of the client secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorResponse {
    /// RFC 6749 `error`, such as `invalid_client`.
    pub error: Option<String>,
    /// RFC 6749 `error_description`.
    pub error_description: Option<String>,
    /// RFC 6749 `error_uri`.
    pub error_uri: Option<String>,
    /// Prove's `code`, such as 8002.
    pub code: Option<i64>,
    /// Prove's `message`.
    pub message: Option<String>,
}

impl Error {
    /// An error of `kind`. `message` is lower case, without a full stop, and
    /// must hold no secret; it is for those who implement
    /// [`SecretSource`](crate::SecretSource) and the like.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            hint: None,
            retryable: kind.is_transient(),
            retry_after: None,
            http_status: None,
            response: None,
            source: None,
        }))
    }

    /// Adds one plain sentence on what to do.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        self.change(|inner| inner.hint = Some(hint.into()))
    }

    /// Adds the underlying error, for `source()`. Its text must hold no secret.
    #[must_use]
    pub fn with_source(self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.change(|inner| inner.source = Some(Arc::new(source)))
    }

    pub(crate) fn with_retryable(self, retryable: bool) -> Self {
        self.change(|inner| inner.retryable = retryable)
    }

    pub(crate) fn with_retry_after(self, retry_after: Option<Duration>) -> Self {
        self.change(|inner| inner.retry_after = retry_after)
    }

    pub(crate) fn with_response(self, http_status: u16, response: Option<ErrorResponse>) -> Self {
        self.change(|inner| {
            inner.http_status = Some(http_status);
            inner.response = response;
        })
    }

    /// The coarse kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the same call may succeed later without any change.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// How long the server asked to wait, from when the error arose; at most an
    /// hour. `None` when it did not say.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The HTTP status of the token endpoint's answer, if there was one.
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// The error object of the token endpoint's answer, if there was one.
    pub fn error_response(&self) -> Option<&ErrorResponse> {
        self.0.response.as_ref()
    }

    /// One plain sentence on what to do about it.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Errors are built by chaining, before anybody shares them: the clone
    /// inside `make_mut` is never taken in practice.
    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug
            .field("kind", &self.0.kind)
            .field("message", &self.0.message);
        if let Some(status) = self.0.http_status {
            debug.field("http_status", &status);
        }
        if let Some(retry_after) = self.0.retry_after {
            debug.field("retry_after", &retry_after);
        }
        if let Some(source) = &self.0.source {
            debug.field("source", source);
        }
        debug.finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_wide_and_shareable() {
        fn shareable<T: Send + Sync + Clone + 'static>() {}
        shareable::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<(), Error>>(), size_of::<usize>());
    }

    #[test]
    fn display_is_the_message_alone() {
        let error = Error::new(ErrorKind::Timeout, "no answer within 10 s")
            .with_hint("try again")
            .with_source(std::io::Error::other("inner text"));
        assert_eq!(error.to_string(), "no answer within 10 s");
        assert_eq!(error.hint(), Some("try again"));
        assert!(error.source().is_some());
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::HashSet<_> =
            ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(names.len(), ErrorKind::ALL.len());
    }
}
