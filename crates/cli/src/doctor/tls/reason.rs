//! Why a handshake failed, in words, and what to do about it.

use std::io;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

use super::super::certificate::Certificate;
use super::super::network::Host;

/// The error of TLS that an error of the connection carries.
pub(super) fn of_tls(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// What is wrong, and the remedy.
pub(super) fn explain(
    error: &Error,
    host: &Host,
    chain: &[Option<Certificate>],
    now: Duration,
) -> (String, String) {
    match error {
        Error::InvalidCertificate(error) => of_certificate(error, host, chain, now),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => (
            format!("{} does not speak TLS", host.authority()),
            "check the port: this one may be for plain http, or for something else".to_owned(),
        ),
        Error::PeerIncompatible(_)
        | Error::AlertReceived(
            AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure,
        ) => (
            format!("no common way to encrypt: {error}"),
            "the server has to offer TLS 1.2 or 1.3; older versions are not safe".to_owned(),
        ),
        Error::AlertReceived(AlertDescription::UnrecognisedName) => (
            format!("the server knows no host {}", host.name),
            "check the host name in the address".to_owned(),
        ),
        error => (
            error.to_string(),
            "check the host and the port; a proxy between may speak in the server's place"
                .to_owned(),
        ),
    }
}

fn of_certificate(
    error: &CertificateError,
    host: &Host,
    chain: &[Option<Certificate>],
    now: Duration,
) -> (String, String) {
    use CertificateError as Fault;
    let server = chain.first().and_then(Option::as_ref);
    match error {
        Fault::Expired
        | Fault::ExpiredContext { .. }
        | Fault::NotValidYet
        | Fault::NotValidYetContext { .. } => (
            format!(
                "the certificate is not valid now: {}",
                server.map_or_else(|| error.to_string(), |server| server.span(now))
            ),
            "the server's owner has to replace it, unless this machine's clock is wrong".to_owned(),
        ),
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => (
            format!(
                "the certificate is not for {}: it is for {}",
                host.name,
                server.map_or_else(|| "others".to_owned(), Certificate::hosts)
            ),
            "check the host name in the address; if it is right, something else answers there"
                .to_owned(),
        ),
        Fault::UnknownIssuer | Fault::BadSignature => unknown(error, host, chain),
        error => (
            format!("the certificate is not accepted: {error}"),
            "the server's owner has to replace it".to_owned(),
        ),
    }
}

/// Whoever issued it is the clue: a company's proxy puts its own name there.
fn unknown(
    error: &CertificateError,
    host: &Host,
    chain: &[Option<Certificate>],
) -> (String, String) {
    let last = chain.last().and_then(Option::as_ref);
    let issuer = match last.map(|last| last.issuer.as_str()) {
        Some(issuer) if !issuer.is_empty() => issuer,
        _ => "somebody without a name",
    };
    let sentence = match error {
        CertificateError::BadSignature => {
            format!(
                "{issuer}, who is trusted here, did not sign this certificate: somebody uses the name"
            )
        }
        _ => format!("the certificate is issued by {issuer}, who is not trusted here"),
    };
    let remedy = match host.name.ends_with(".proveapis.com") {
        true => {
            "Prove's certificates are of a public authority: a proxy that inspects TLS may stand \
             between; ask its owner to let this host through, or for its certificate as ca_file"
        }
        false => {
            "a private authority, or a proxy that inspects TLS: name its certificate as ca_file in \
             the profile (--ca-file), if it is to be trusted"
        }
    };
    (sentence, remedy.to_owned())
}
