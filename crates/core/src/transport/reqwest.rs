//! The transport that applications use, and the only file that names reqwest.
//!
//! reqwest's defaults would send a client secret to another origin (redirects)
//! or in clear through a proxy named by a variable, and inflate a small answer
//! to any size. Here is the one builder that turns all of that off.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwapOption, Guard};
use bytes::BytesMut;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, NoProxy, Proxy, redirect, retry};

use super::{Body, LARGEST_BODY, Sending, Transport, TransportError, TransportErrorKind};
use crate::endpoint::ProxyAddress;
use crate::text;

/// An idle connection is closed after this: load balancers forget idle ones
/// after a minute, and tokens are rarely asked for more often.
const IDLE: Duration = Duration::from_secs(30);

/// Reached without a proxy, for which these names mean itself.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// HTTP/1.1 and HTTP/2 over TCP and TLS: the [`Transport`] that a
/// [`TokenClient`](crate::TokenClient) makes for itself.
///
/// It is public so that an application can share its connections between tokens
/// and other calls. Its client is built at first use: that takes milliseconds,
/// reads the system's trust store, and fails where there is none.
///
/// ```
/// use prove_token::transport::HttpTransport;
/// let transport = HttpTransport::builder().largest_body(1 << 20).build();
/// ```
#[derive(Debug)]
pub struct HttpTransport {
    options: HttpTransportBuilder,
    client: ArcSwapOption<Built>,
}

#[derive(Debug)]
struct Built {
    /// A forked child inherits the client, and with it connections that its
    /// parent goes on using: it must make a client of its own.
    process: u32,
    client: Client,
}

impl HttpTransport {
    /// Starts with the defaults.
    pub fn builder() -> HttpTransportBuilder {
        HttpTransportBuilder::default()
    }

    fn client(&self) -> Result<Client, TransportError> {
        let process = std::process::id();
        let seen = self.client.load();
        if let Some(built) = seen.as_ref().filter(|built| built.process == process) {
            return Ok(built.client.clone());
        }
        let client = build(&self.options)?;
        let built = Built {
            process,
            client: client.clone(),
        };
        let before = self.client.compare_and_swap(&seen, Some(Arc::new(built)));
        match Guard::into_inner(before) {
            // Somebody else was faster: one pool of connections is enough.
            Some(theirs) if theirs.process == process => Ok(theirs.client.clone()),
            // Its connections' locks may be held by threads of the parent: it is
            // never dropped here.
            Some(parents) => {
                std::mem::forget(parents);
                Ok(client)
            }
            None => Ok(client),
        }
    }
}

/// The settings of an [`HttpTransport`].
#[derive(Clone)]
#[must_use]
pub struct HttpTransportBuilder {
    connect_timeout: Duration,
    ca_certificates: Option<Vec<u8>>,
    proxy: Option<ProxyAddress>,
    largest_body: usize,
}

impl Default for HttpTransportBuilder {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            ca_certificates: None,
            proxy: None,
            largest_body: LARGEST_BODY,
        }
    }
}

impl HttpTransportBuilder {
    /// Limit for name resolution, TCP and TLS together. Default 3 s.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Trusts exactly these certificates (PEM) instead of the system's.
    pub fn ca_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_certificates = Some(pem.into());
        self
    }

    /// Sends https requests through this HTTP proxy, by `CONNECT`, so that it
    /// sees no more than the host name; a loopback address is reached directly.
    /// Default: none; proxy variables of the environment are never used.
    pub fn proxy(mut self, proxy: ProxyAddress) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// The most bytes of an answer's body that are kept. Default: [`LARGEST_BODY`].
    pub fn largest_body(mut self, bytes: usize) -> Self {
        self.largest_body = bytes;
        self
    }

    /// The transport; nothing is read or connected yet.
    pub fn build(self) -> HttpTransport {
        HttpTransport {
            options: self,
            client: ArcSwapOption::empty(),
        }
    }
}

/// Certificates are no secret, but pages of numbers.
impl fmt::Debug for HttpTransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransportBuilder")
            .field("connect_timeout", &self.connect_timeout)
            .field("own_ca_certificates", &self.ca_certificates.is_some())
            .field("proxy", &self.proxy)
            .field("largest_body", &self.largest_body)
            .finish()
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: http::Request<Body>) -> Sending<'_> {
        Box::pin(async move {
            let client = self.client()?;
            let (parts, body) = request.into_parts();
            let request = http::Request::from_parts(parts, body.expose_secret().clone());
            let request = reqwest::Request::try_from(request).map_err(|_| {
                TransportError::new(TransportErrorKind::Setup, "the address is not a URL")
            })?;
            let mut answer = client.execute(request).await.map_err(classify)?;
            let body = read_body(&mut answer, self.options.largest_body)
                .await
                .map_err(classify)?;
            let mut response = http::Response::new(body);
            *response.status_mut() = answer.status();
            *response.headers_mut() = std::mem::take(answer.headers_mut());
            Ok(response)
        })
    }
}

/// An answer that is left unread past the limit takes its connection with it.
async fn read_body(answer: &mut reqwest::Response, limit: usize) -> reqwest::Result<Body> {
    let mut read = BytesMut::new();
    while let Some(chunk) = answer.chunk().await? {
        let room = limit - read.len();
        if chunk.len() > room {
            read.extend_from_slice(&chunk[..room]);
            return Ok(Body::cut_off(read));
        }
        read.extend_from_slice(&chunk);
    }
    Ok(Body::new(read))
}

/// The one private builder.
fn build(options: &HttpTransportBuilder) -> Result<Client, TransportError> {
    let setup = |reason: &str| TransportError::new(TransportErrorKind::Setup, reason);
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .referer(false)
        .tls_backend_rustls()
        .dns_resolver(Resolver)
        .connect_timeout(options.connect_timeout)
        .pool_idle_timeout(IDLE)
        .http2_max_header_list_size(64 * 1024);
    if let Some(pem) = &options.ca_certificates {
        let certificates = reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|_| setup("the CA certificates are not PEM"))?;
        if certificates.is_empty() {
            return Err(setup("the CA file holds no certificate"));
        }
        builder = builder.tls_certs_only(certificates);
    }
    if let Some(proxy) = &options.proxy {
        // Only https: in clear, a proxy would read the secret.
        let proxy = Proxy::https(proxy.as_str()).map_err(|_| setup("the proxy is not a URL"))?;
        builder = builder.proxy(proxy.no_proxy(NoProxy::from_string(LOOPBACK)));
    }
    builder.build().map_err(|error| {
        let reason = rustls_error(&error).map_or_else(
            || "the TLS trust store could not be loaded".to_owned(),
            |error| {
                format!(
                    "TLS could not be set up: {}",
                    text::line(&error.to_string(), 160)
                )
            },
        );
        setup(&reason)
    })
}

/// Resolves names with the system's resolver, but `localhost` without asking
/// anybody: the exemption from https rests on its being loopback.
#[derive(Debug)]
struct Resolver;

#[derive(Debug)]
struct ResolveError;

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host name could not be resolved")
    }
}

impl StdError for ResolveError {}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            if name.as_str().eq_ignore_ascii_case("localhost") {
                let both = [
                    IpAddr::V4(Ipv4Addr::LOCALHOST),
                    IpAddr::V6(Ipv6Addr::LOCALHOST),
                ];
                let addresses: Addrs = Box::new(both.into_iter().map(|ip| SocketAddr::new(ip, 0)));
                return Ok(addresses);
            }
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let addresses: Vec<_> = found.map_err(|_| ResolveError)?.collect();
            if addresses.is_empty() {
                return Err(ResolveError.into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// By type, never by message text; and never with reqwest's own text, which
/// holds the URL.
fn classify(error: reqwest::Error) -> TransportError {
    use TransportErrorKind as Kind;
    if let Some(tls) = rustls_error(&error) {
        return TransportError::new(Kind::Tls, text::line(&tls.to_string(), 160));
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

fn rustls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    find(error)
}
