//! Why the API was not reached, or did not answer: for the caller, and for those who
//! read `Proxy-Status` (RFC 9209).

use std::io;

use http::{HeaderName, HeaderValue, StatusCode};
use hyper_util::client::legacy;

use super::body::Cut;
use super::dial::{DialError, TooLong, find};
use crate::reply::Refusal;

const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

/// The longest reason that is repeated, in characters.
const LONGEST: usize = 200;

/// What happened: its kind in the words of all errors, its type in those of RFC 9209.
struct Fault {
    status: StatusCode,
    kind: &'static str,
    proxy_error: &'static str,
    retryable: bool,
    reason: String,
}

/// A failed request to the API, as an answer.
pub(super) fn refusal(error: &legacy::Error) -> Refusal {
    if let Some(cut) = find::<Cut>(error) {
        return of_caller(*cut);
    }
    let fault = match find::<DialError>(error) {
        Some(error) => dialed(error),
        None => sent(error),
    };
    let reason: String = fault.reason.chars().take(LONGEST).collect();
    let reason = reason.replace(char::is_control, " ");
    let description = format!("the API gave no answer: {reason}");
    let refusal = Refusal::new(fault.status, fault.kind, description)
        .header(PROXY_STATUS, status(fault.proxy_error));
    match fault.retryable {
        true => refusal.retryable(),
        false => refusal,
    }
}

/// An answer that no API gives.
pub(super) fn protocol(description: &'static str) -> Refusal {
    Refusal::new(StatusCode::BAD_GATEWAY, "protocol", description)
        .header(PROXY_STATUS, status("http_protocol_error"))
}

/// Any other refusal of the proxy's own, marked as such: an API answers with the same
/// statuses.
pub(super) fn own(refusal: Refusal) -> Refusal {
    if refusal.has(&PROXY_STATUS) {
        return refusal;
    }
    let proxy_error = match refusal.status() {
        StatusCode::BAD_REQUEST | StatusCode::REQUEST_TIMEOUT => "http_request_error",
        status if status.is_client_error() => "http_request_denied",
        // There is no token, or no place in the queue.
        _ => "proxy_internal_error",
    };
    refusal.header(PROXY_STATUS, status(proxy_error))
}

/// Whether the API closed the connection before it said anything, as one that was idle
/// is closed just when it is used.
pub(super) fn is_hung_up(error: &legacy::Error) -> bool {
    let is_incomplete =
        find::<hyper::Error>(error).is_some_and(hyper::Error::is_incomplete_message);
    let reset = find::<io::Error>(error).map(io::Error::kind);
    let is_reset = matches!(
        reset,
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
    );
    !error.is_connect() && find::<Cut>(error).is_none() && (is_incomplete || is_reset)
}

fn dialed(error: &DialError) -> Fault {
    use rustls::Error as Tls;
    let (kind, proxy_error, retryable) = match error {
        DialError::Resolve => ("connect", "dns_error", true),
        DialError::Connect(io::ErrorKind::ConnectionRefused) => {
            ("connect", "connection_refused", true)
        }
        DialError::Connect(_) | DialError::Proxy(_) => ("connect", "destination_unavailable", true),
        DialError::Tls(Tls::InvalidCertificate(_)) => ("connect", "tls_certificate_error", false),
        DialError::Tls(Tls::AlertReceived(_)) => ("connect", "tls_alert_received", true),
        DialError::Tls(_) => ("connect", "tls_protocol_error", false),
        DialError::Timeout => ("timeout", "connection_timeout", true),
    };
    Fault {
        status: match error {
            DialError::Timeout => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_GATEWAY,
        },
        kind,
        proxy_error,
        retryable,
        reason: error.to_string(),
    }
}

/// By type, never by the text of the library.
fn sent(error: &legacy::Error) -> Fault {
    let timed_out = find::<io::Error>(error).map(io::Error::kind) == Some(io::ErrorKind::TimedOut);
    let is_malformed = find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse);
    let is_too_long = find::<TooLong>(error).is_some();
    let (status, kind, proxy_error, reason) = match () {
        () if timed_out => (
            StatusCode::GATEWAY_TIMEOUT,
            "timeout",
            "http_response_timeout",
            "it was silent for too long",
        ),
        () if is_malformed => (
            StatusCode::BAD_GATEWAY,
            "protocol",
            "http_protocol_error",
            "what it said is not HTTP",
        ),
        () if is_too_long => (
            StatusCode::BAD_GATEWAY,
            "protocol",
            "http_protocol_error",
            "it announced an answer again and again, and gave none",
        ),
        () => (
            StatusCode::BAD_GATEWAY,
            "unavailable",
            "connection_terminated",
            "the connection broke",
        ),
    };
    Fault {
        status,
        kind,
        proxy_error,
        retryable: !is_malformed && !is_too_long,
        reason: reason.to_owned(),
    }
}

/// What the caller did wrong, or nobody who is still there.
fn of_caller(cut: Cut) -> Refusal {
    match cut {
        Cut::Silent => Refusal::new(StatusCode::REQUEST_TIMEOUT, "timeout", cut.to_string()),
        Cut::Broken | Cut::Over => Refusal::bad_request(cut.to_string()),
    }
}

fn status(proxy_error: &str) -> HeaderValue {
    let value = HeaderValue::try_from(format!("prove-token; error={proxy_error}"));
    value.unwrap_or(HeaderValue::from_static("prove-token"))
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Poll};

    use bytes::Bytes;
    use http::{Request, Uri};
    use http_body_util::Empty;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tower_service::Service;

    use super::super::dial::Line;
    use super::*;

    /// Connects to whatever `api` does.
    struct Connector<F>(Arc<F>);

    impl<F> Clone for Connector<F> {
        fn clone(&self) -> Self {
            Self(Arc::clone(&self.0))
        }
    }

    impl<F, D> Service<Uri> for Connector<F>
    where
        F: Fn(DuplexStream) -> D + Send + Sync + 'static,
        D: Future<Output = ()> + Send + 'static,
    {
        type Response = TokioIo<Line>;
        type Error = DialError;
        type Future = Pin<Box<dyn Future<Output = Result<TokioIo<Line>, DialError>> + Send>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Uri) -> Self::Future {
            let (near, far) = duplex(1024);
            tokio::spawn((self.0)(far));
            Box::pin(async move { Ok(TokioIo::new(Line::new(near))) })
        }
    }

    /// The refusal of a request to `api`, as it is seen.
    async fn refused<F, D>(api: F) -> (u16, String)
    where
        F: Fn(DuplexStream) -> D + Send + Sync + 'static,
        D: Future<Output = ()> + Send + 'static,
    {
        let connector = Connector(Arc::new(api));
        let client = legacy::Client::builder(TokioExecutor::new()).build(connector);
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.uri_mut() = Uri::from_static("http://localhost/x");
        let error = client.request(request).await.unwrap_err();
        shown(refusal(&error))
    }

    fn shown(refusal: Refusal) -> (u16, String) {
        let answer = refusal.answer("");
        let proxy_status = answer.headers()[PROXY_STATUS].to_str().unwrap();
        (answer.status().as_u16(), proxy_status.to_owned())
    }

    fn status_and(status: u16, error: &str) -> (u16, String) {
        (status, format!("prove-token; error={error}"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_api_is_a_time_out() {
        let silent = |far: DuplexStream| async move {
            std::future::pending::<()>().await;
            drop(far);
        };
        assert_eq!(
            refused(silent).await,
            status_and(504, "http_response_timeout")
        );
        let half = |mut far: DuplexStream| async move {
            far.read_exact(&mut [0; 10]).await.unwrap();
            far.write_all(b"HTTP/1.1 200 OK\r\nContent-").await.unwrap();
            std::future::pending::<()>().await;
        };
        assert_eq!(
            refused(half).await,
            status_and(504, "http_response_timeout")
        );
    }

    #[tokio::test]
    async fn an_api_that_does_not_speak_http_is_no_time_out() {
        let garbage = |mut far: DuplexStream| async move {
            far.read_exact(&mut [0; 10]).await.unwrap();
            far.write_all(b"SSH-2.0-x\r\n\r\n").await.unwrap();
            let _ = far.read_to_end(&mut Vec::new()).await;
        };
        assert_eq!(
            refused(garbage).await,
            status_and(502, "http_protocol_error")
        );
        let closes = |mut far: DuplexStream| async move {
            let _ = far.read_exact(&mut [0; 10]).await;
        };
        assert_eq!(
            refused(closes).await,
            status_and(502, "connection_terminated")
        );
    }

    #[test]
    fn a_refusal_of_our_own_is_marked_once() {
        let denied = own(own(Refusal::no_such_profile()));
        assert_eq!(shown(denied), status_and(404, "http_request_denied"));
        let odd = own(Refusal::bad_request("x"));
        assert_eq!(shown(odd), status_and(400, "http_request_error"));
        let protocol = own(protocol("x"));
        assert_eq!(shown(protocol), status_and(502, "http_protocol_error"));
    }
}
