//! TLS servers with good and bad certificates.

use std::io::{self, Write as _};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use prove_token::{Clock as _, Endpoint, SystemClock};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::http::{Request, read_request};
use crate::listener::{Connection, Listener};

/// A certificate authority of the tests' own.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// The name of [`authority`].
pub const TRUSTED: &str = "authority of the tests";

/// The one that the tests' clients trust.
pub fn authority() -> &'static Authority {
    static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::new(TRUSTED));
    &AUTHORITY
}

/// What is wrong with a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing: it is valid for `localhost` and 127.0.0.1.
    None,
    /// It ended in 2021.
    Expired,
    /// It ends in ten days.
    EndsSoon,
    /// It starts in 2190.
    NotYetValid,
    /// It is valid for `elsewhere.example` only.
    WrongHost,
}

impl Authority {
    /// A new one of this name, with a key of its own.
    ///
    /// # Panics
    ///
    /// If no key can be made.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    /// Its certificate, for clients that trust it.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn server_config(&self, flaw: Flaw) -> Arc<ServerConfig> {
        let names = match flaw {
            Flaw::WrongHost => vec!["elsewhere.example".to_owned()],
            _ => vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        };
        let mut params = CertificateParams::new(names).expect("the names are DNS names");
        match flaw {
            Flaw::Expired => {
                params.not_before = date_time_ymd(2020, 1, 1);
                params.not_after = date_time_ymd(2021, 1, 1);
            }
            Flaw::EndsSoon => {
                let end = SystemClock.now().wall + Duration::from_secs(10 * 24 * 60 * 60);
                params.not_after = date_time_ymd(1970, 1, 1) + end;
            }
            Flaw::NotYetValid => params.not_before = date_time_ymd(2190, 1, 1),
            Flaw::None | Flaw::WrongHost => {}
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("the key belongs to the certificate");
        Arc::new(config)
    }
}

/// A server over TLS on loopback that answers every request alike.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Starts one with a certificate of `authority`.
    pub fn start(authority: &Authority, flaw: Flaw, answer: Vec<u8>) -> Self {
        Self::serving(authority.server_config(flaw), answer, |_| Ok(()))
    }

    /// Starts one that is its own HTTP proxy: it expects a `CONNECT` before TLS.
    pub fn behind_proxy(authority: &Authority, flaw: Flaw, answer: Vec<u8>) -> Self {
        Self::serving(authority.server_config(flaw), answer, |connection| {
            read_request(connection)?;
            connection.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")
        })
    }

    fn serving(
        config: Arc<ServerConfig>,
        answer: Vec<u8>,
        before: impl Fn(&mut Connection) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let recorder = Arc::clone(&requests);
        let listener = Listener::start(move |mut connection| {
            // A client that refuses the certificate breaks off: that is no error
            // of the server.
            let _ = before(&mut connection)
                .and_then(|()| serve(connection, &config, &answer, &recorder));
        });
        Self { listener, requests }
    }

    /// The address of the token endpoint, by name.
    pub fn endpoint(&self) -> Endpoint {
        endpoint(&self.listener)
    }

    /// The requests that came through the encryption.
    pub fn requests(&self) -> Vec<Request> {
        let requests = self.requests.lock();
        requests.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The port, and what came to it.
    pub fn listener(&self) -> &Listener {
        &self.listener
    }
}

/// `https://localhost:port/token`.
pub fn endpoint(listener: &Listener) -> Endpoint {
    let address = format!("https://localhost:{}/token", listener.port());
    address.parse().expect("an https address is an endpoint")
}

fn serve(
    connection: Connection,
    config: &Arc<ServerConfig>,
    answer: &[u8],
    recorder: &Mutex<Vec<Request>>,
) -> io::Result<()> {
    let number = connection.number();
    let tls = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(tls, connection);
    while let Some((head, body)) = read_request(&mut stream)? {
        let mut requests = recorder.lock().unwrap_or_else(PoisonError::into_inner);
        let request = Request {
            number: requests.len(),
            connection: number,
            head,
            body,
        };
        requests.push(request);
        drop(requests);
        stream.write_all(answer)?;
        stream.flush()?;
    }
    Ok(())
}
