//! Whom the proxy takes for the API: what the token client trusts.

use std::sync::Arc;

use prove_token::ErrorKind;
use prove_token_config::Profile;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use crate::failure::Failure;

/// HTTP/1.1, and nothing that a server could choose in its place.
const PROTOCOL: &[u8] = b"http/1.1";

/// TLS with the certificates of the profile's CA file, and no others, or else with those
/// of the system.
pub(super) fn config(profile: &Profile) -> Result<Arc<ClientConfig>, Failure> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let refuse = |why: String| {
        let message = format!(
            "TLS could not be set up for profile {}: {why}",
            profile.name
        );
        Failure::new(ErrorKind::Configuration, message)
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| refuse(error.to_string()))?;
    let builder = match profile.ca_certificates()? {
        Some(pem) => {
            let roots = roots(&pem).ok_or_else(|| {
                refuse("the CA file holds no certificate, or is not PEM".to_owned())
            })?;
            builder.with_root_certificates(roots)
        }
        None => {
            let system = Verifier::new(provider).map_err(|error| {
                refuse(error.to_string())
                    .hint("install the system's CA certificates, or set ca_file")
            })?;
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(system))
        }
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(Arc::new(config))
}

/// The certificates of a PEM file, of which there is at least one.
fn roots(pem: &[u8]) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.ok()?).ok()?;
    }
    (!roots.is_empty()).then_some(roots)
}
