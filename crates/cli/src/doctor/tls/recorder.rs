//! Sees the certificates of a server, and leaves the verdict to who is asked anyway.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

/// A verifier that decides exactly as the one behind it, and remembers what it was
/// shown. So a server that is not trusted can be described without a second
/// connection that would trust it.
#[derive(Debug)]
pub(super) struct Recorder {
    verifier: Arc<dyn ServerCertVerifier>,
    chain: OnceLock<Vec<CertificateDer<'static>>>,
}

impl Recorder {
    pub(super) fn before(verifier: Arc<dyn ServerCertVerifier>) -> Self {
        Self {
            verifier,
            chain: OnceLock::new(),
        }
    }

    /// The server's own certificate, and those it sent along. Empty if the handshake
    /// did not come so far.
    pub(super) fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.chain.get().cloned().unwrap_or_default()
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = [end_entity].into_iter().chain(intermediates);
        let _ = self
            .chain
            .set(shown.map(|shown| shown.clone().into_owned()).collect());
        self.verifier
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.verifier.requires_raw_public_keys()
    }
}
