//! reqwest's errors told apart.

use std::error::Error as StdError;
use std::io;

use rustls::AlertDescription as Alert;

use super::resolver::ResolveError;
use crate::text;
use crate::transport::{TransportError, TransportErrorKind};

/// By type, never by message text; and never with reqwest's own text, which
/// holds the URL.
pub(super) fn classify(error: reqwest::Error) -> TransportError {
    use TransportErrorKind as Kind;
    if let Some(tls) = rustls_error(&error) {
        let kind = match is_for_good(tls) {
            true => Kind::Tls,
            false if error.is_connect() => Kind::Connect,
            false => Kind::Broken,
        };
        return TransportError::new(kind, text::line(&tls.to_string(), 160));
    }
    if find::<ResolveError>(&error).is_some() {
        return TransportError::new(Kind::Resolve, ResolveError.to_string());
    }
    let io = find::<io::Error>(&error).map(io::Error::kind);
    let reason = |fallback: &str| io.map_or(fallback.to_owned(), |kind| kind.to_string());
    if error.is_timeout() {
        let what = if error.is_connect() {
            "no connection in time"
        } else {
            "no answer in time"
        };
        TransportError::new(Kind::Timeout, what)
    } else if error.is_connect() {
        TransportError::new(Kind::Connect, reason("no connection"))
    } else if is_malformed(&error) {
        TransportError::new(Kind::Malformed, "the answer is not well-formed HTTP")
    } else {
        TransportError::new(
            Kind::Broken,
            reason("the connection was closed before the answer was complete"),
        )
    }
}

/// Whether TLS will fail again: a certificate, a version, or a peer that speaks
/// something else. A balancer that is overloaded or restarting sends other alerts.
fn is_for_good(error: &rustls::Error) -> bool {
    use rustls::Error as Tls;
    match error {
        Tls::AlertReceived(alert) => !matches!(
            alert,
            Alert::CloseNotify | Alert::InternalError | Alert::UserCanceled | Alert::BadRecordMac
        ),
        Tls::DecryptError | Tls::EncryptError | Tls::HandshakeNotComplete => false,
        _ => true,
    }
}

/// Whether hyper could not parse what came, as opposed to its ending early; it
/// reports a bad chunk as invalid data or input.
fn is_malformed(error: &reqwest::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput};
    let bad_bytes = find::<io::Error>(error).map(io::Error::kind);
    matches!(bad_bytes, Some(InvalidData | InvalidInput))
        || find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse)
}

/// The first error of type `T` in the chain of sources.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // An io::Error hides the error it carries: its `source` is that one's.
        let carried = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if let Some(found) = carried.and_then(|carried| find(carried)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

pub(super) fn rustls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    find(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balancer_in_trouble_is_asked_again_and_a_bad_certificate_is_not() {
        use rustls::{CertificateError, Error as Tls};
        for passing in [
            Tls::AlertReceived(Alert::InternalError),
            Tls::AlertReceived(Alert::CloseNotify),
            Tls::AlertReceived(Alert::UserCanceled),
            Tls::DecryptError,
        ] {
            assert!(!is_for_good(&passing), "{passing}");
        }
        for lasting in [
            Tls::InvalidCertificate(CertificateError::Expired),
            Tls::InvalidCertificate(CertificateError::UnknownIssuer),
            Tls::AlertReceived(Alert::ProtocolVersion),
            Tls::AlertReceived(Alert::HandshakeFailure),
            Tls::InvalidMessage(rustls::InvalidMessage::InvalidContentType),
        ] {
            assert!(is_for_good(&lasting), "{lasting}");
        }
    }

    /// An io::Error hides what it carries from `source`.
    #[test]
    fn an_error_is_found_wherever_it_hides() {
        let inner = io::Error::other(ResolveError);
        let outer = io::Error::other(inner);
        assert!(find::<ResolveError>(&outer).is_some());
        assert!(find::<rustls::Error>(&outer).is_none());
    }
}
