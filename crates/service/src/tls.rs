//! TLS on the listeners that ask for it: one certificate, which may be replaced while
//! connections are open.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use prove_token_config::{Env, Tls, read_private_file, read_public_file};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::console::printable;
use crate::failure::Failure;
use crate::plan::refused;

/// For the whole handshake, from the first byte that could come.
const HANDSHAKE: Duration = Duration::from_secs(10);

const H2: &[u8] = b"h2";
const HTTP_1: &[u8] = b"http/1.1";

/// What answers TLS handshakes, with whatever certificate is the current one.
#[derive(Clone)]
pub(crate) struct Tailor {
    acceptor: TlsAcceptor,
    current: Arc<Current>,
}

struct Current(ArcSwap<CertifiedKey>);

impl Tailor {
    pub(crate) fn new(key: Arc<CertifiedKey>) -> Result<Self, Failure> {
        let current = Arc::new(Current(ArcSwap::new(key)));
        let provider = Arc::new(aws_lc_rs::default_provider());
        // TLS 1.2 and 1.3.
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| refused(format!("TLS cannot be set up: {error}")))?;
        let mut config = config
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Current>::clone(&current));
        config.alpn_protocols = vec![H2.to_vec(), HTTP_1.to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            current,
        })
    }

    /// From the next handshake on, this is the certificate.
    pub(crate) fn replace(&self, key: Arc<CertifiedKey>) {
        self.current.0.store(key);
    }

    /// Shakes hands, if that does not take too long.
    pub(crate) async fn greet<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        match tokio::time::timeout(HANDSHAKE, self.acceptor.accept(stream)).await {
            Ok(greeted) => greeted,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

/// Whether the client chose HTTP/2.
pub(crate) fn is_http2<S>(stream: &TlsStream<S>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(H2)
}

/// The files of a pair.
pub(crate) fn files(pair: &Tls) -> [PathBuf; 2] {
    [pair.certificate_file.clone(), pair.key_file.clone()]
}

/// Reads a certificate and its key, and checks that they are a pair.
///
/// # Errors
///
/// `Configuration`; no text of it holds anything of the key.
pub(crate) fn load(pair: &Tls, env: &Env) -> Result<Arc<CertifiedKey>, Failure> {
    let (certificate, key) = (printable(&pair.certificate_file), printable(&pair.key_file));
    let chain = read_public_file(&pair.certificate_file)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<_, _>>()
        .map_err(|_| refused(format!("the file {certificate} is not in PEM form")))?;
    if chain.is_empty() {
        return Err(
            refused(format!("the file {certificate} holds no certificate"))
                .hint("name the chain in PEM form, the server's own certificate first"),
        );
    }
    let text = read_private_file(&pair.key_file, env)?;
    let unusable = || {
        refused(format!(
            "the file {key} holds no private key that can be used"
        ))
        .hint("name a key in PEM form: PKCS #8, PKCS #1 or SEC 1, without a passphrase")
    };
    let private = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| unusable())?;
    let signing = aws_lc_rs::sign::any_supported_type(&private).map_err(|_| unusable())?;
    let certified = CertifiedKey::new(chain, signing);
    match certified.keys_match() {
        Ok(()) => Ok(Arc::new(certified)),
        Err(_) => Err(refused(format!(
            "the key in {key} is not that of the certificate in {certificate}"
        ))
        .hint("name a certificate and its own key")),
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current([redacted])")
    }
}

impl fmt::Debug for Tailor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tailor")
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::time::Instant;

    use super::*;

    fn tailor() -> Tailor {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (certificate_file, key_file) = (path("cert.pem"), path("key.pem"));
        let key = made.signing_key.serialize_pem();
        prove_token_config::replace_file(&key_file, key.as_bytes(), 0o600).unwrap();
        std::fs::write(&certificate_file, made.cert.pem()).unwrap();
        let pair = Tls::new(certificate_file, key_file);
        Tailor::new(load(&pair, &Env::default()).unwrap()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_shake_hands_is_left_standing() {
        let tailor = tailor();
        for words in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
            let (near, mut far) = tokio::io::duplex(1024);
            far.write_all(words).await.unwrap();
            let started = Instant::now();
            let error = tailor.greet(near).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            assert_eq!(started.elapsed(), HANDSHAKE);
        }
        let (near, mut far) = tokio::io::duplex(1024);
        far.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let error = tailor.greet(near).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn no_debug_shows_the_key() {
        assert_eq!(format!("{:?}", tailor()), "Tailor");
    }
}
