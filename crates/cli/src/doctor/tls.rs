//! The handshake, through the same roots as the product's own connections.

mod reason;
mod recorder;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use prove_token::{Clock as _, ErrorKind, SystemClock};
use prove_token_config::Profile;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use self::reason::{explain, of_tls};
use self::recorder::Recorder;
use super::certificate::{CERTIFICATE, Certificate};
use super::finding::{Check, Finding};
use super::limit::Limit;
use super::network::Host;
use crate::times::brief;

pub(super) const TLS: Check = Check::new("tls.handshake", "encryption");

/// The most certificates of a chain that are told.
const CHAIN: usize = 6;

/// Whom to trust: the roots of the product's own transport.
#[derive(Clone, Debug)]
pub(super) struct Trust {
    verifier: Arc<dyn ServerCertVerifier>,
    provider: Arc<CryptoProvider>,
}

impl Trust {
    /// The profile's CA file alone, or else the system's store.
    pub(super) fn of(profile: &Profile) -> Result<Self, Finding> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let refuse = |problem: &str, remedy: &str| {
            Err(TLS.failed(ErrorKind::Configuration, problem).remedy(remedy))
        };
        let pem = match profile.ca_certificates() {
            Ok(pem) => pem,
            Err(error) => return refuse(&error.to_string(), error.hint().unwrap_or_default()),
        };
        let Some(pem) = pem else {
            let of_system = rustls_platform_verifier::Verifier::new(Arc::clone(&provider));
            return match of_system {
                Ok(verifier) => Ok(Self {
                    verifier: Arc::new(verifier),
                    provider,
                }),
                Err(_) => refuse(
                    "this machine has no certificates to trust",
                    "install the system's CA certificates, or name a CA file (ca_file, --ca-file)",
                ),
            };
        };
        let mut roots = RootCertStore::empty();
        let certificates = CertificateDer::pem_slice_iter(&pem).flatten();
        roots.add_parsable_certificates(certificates);
        match WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
            .build()
        {
            Ok(verifier) => Ok(Self { verifier, provider }),
            Err(_) => refuse(
                "the CA file holds no certificate",
                "name a file of certificates in PEM form",
            ),
        }
    }

    /// The same trust, with an eye on what the server shows.
    fn recording(&self) -> Result<(ClientConfig, Arc<Recorder>), rustls::Error> {
        let recorder = Arc::new(Recorder::before(Arc::clone(&self.verifier)));
        let verifier: Arc<dyn ServerCertVerifier> = Arc::clone(&recorder) as _;
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok((config, recorder))
    }
}

/// What came of a handshake.
pub(super) struct Handshake<S> {
    pub(super) findings: Vec<Finding>,
    /// The encrypted connection, if the server is trusted.
    pub(super) stream: Option<TlsStream<S>>,
}

/// Shakes hands with `host` over `stream`, and sends nothing more. The certificates
/// are told whether they are trusted or not.
pub(super) async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
    host: &Host,
    stream: S,
    trust: &Trust,
    each: Duration,
    limit: &Limit,
) -> Handshake<S> {
    let failed = |finding| Handshake {
        findings: vec![finding],
        stream: None,
    };
    let Ok(name) = ServerName::try_from(host.name.clone()) else {
        let sentence = "the host has no name that a certificate could be for";
        return failed(TLS.failed(ErrorKind::Configuration, sentence));
    };
    let (config, recorder) = match trust.recording() {
        Ok(made) => made,
        Err(error) => return failed(TLS.failed(ErrorKind::Internal, error.to_string())),
    };
    let work = TlsConnector::from(Arc::new(config)).connect(name, stream);
    let outcome = limit.step(each, work).await;
    let chain = recorder.chain();
    let certificates: Vec<_> = chain.iter().map(Certificate::read).collect();
    let now = SystemClock.now().wall;
    let (first, stream) = match outcome {
        Ok((Ok(stream), took)) => (agreed(&stream, host, chain.len(), took), Some(stream)),
        Ok((Err(error), _)) => (refusal(&error, host, &certificates, now), None),
        Err(cut) => {
            let remedy = "something between may drop what it cannot read; or the server does not speak TLS on this port";
            let finding = TLS.failed(ErrorKind::Timeout, cut.to_string());
            (finding.remedy(remedy), None)
        }
    };
    let mut findings = vec![first];
    findings.extend(
        certificates
            .iter()
            .take(CHAIN)
            .enumerate()
            .map(|(index, certificate)| match certificate {
                Some(certificate) => certificate.finding(index == 0, now),
                None => CERTIFICATE.warning("a certificate that cannot be read"),
            }),
    );
    Handshake { findings, stream }
}

fn agreed<S>(stream: &TlsStream<S>, host: &Host, chain: usize, took: Duration) -> Finding {
    let connection = stream.get_ref().1;
    let version = connection.protocol_version();
    let version = version
        .and_then(|version| version.as_str())
        .unwrap_or("TLS");
    let suite = connection.negotiated_cipher_suite();
    let suite = suite.and_then(|suite| suite.suite().as_str());
    TLS.good(format!(
        "{} is trusted: {}, {}, {chain} certificate{}, in {}",
        host.name,
        version.replace("TLSv1_", "TLS 1."),
        suite.unwrap_or("an unknown cipher"),
        if chain == 1 { "" } else { "s" },
        brief(took)
    ))
}

fn refusal(
    error: &io::Error,
    host: &Host,
    chain: &[Option<Certificate>],
    now: Duration,
) -> Finding {
    let Some(error) = of_tls(error) else {
        return TLS
            .failed(
                ErrorKind::Connect,
                format!("the connection broke off: {}", error.kind()),
            )
            .remedy("a firewall or a proxy may cut it; or the server does not speak TLS here");
    };
    let (sentence, remedy) = explain(error, host, chain, now);
    TLS.failed(ErrorKind::Connect, sentence).remedy(remedy)
}
