//! The transport that applications use, and the only file that sends by reqwest.
//!
//! reqwest's defaults would send a client secret to another origin (redirects)
//! or in clear through a proxy named by a variable, and inflate a small answer
//! to any size. Here is the one builder that turns all of that off.

mod failure;
mod resolver;

use std::fmt;
use std::time::Duration;

use bytes::BytesMut;
use reqwest::{Client, ClientBuilder, NoProxy, Proxy, redirect, retry};

use self::failure::{classify, rustls_error};
use self::resolver::Resolver;
use super::{
    Body, BodyLimit, LARGEST_BODY, Sending, Transport, TransportError, TransportErrorKind,
};
use crate::endpoint::{ProxyAddress, is_loopback};
use crate::process::PerProcess;
use crate::text;

/// An idle connection is closed after this: load balancers forget idle ones
/// after a minute, and tokens are rarely asked for more often.
const IDLE: Duration = Duration::from_secs(30);

/// Reached without a proxy, for which these names mean itself.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// HTTP/1.1 over TCP and TLS: the [`Transport`] that a
/// [`TokenClient`](crate::TokenClient) makes for itself.
///
/// It is public so that an application can share its connections between tokens
/// and other calls. Plain http goes to loopback addresses only. The TLS client is
/// built at first use: that takes milliseconds, reads the system's trust store
/// (which, on most Unixes, `SSL_CERT_FILE` and `SSL_CERT_DIR` can replace), and
/// fails where there is none; connections to a plain loopback address need none.
///
/// ```
/// use std::time::Duration;
/// use prove_token::transport::HttpTransport;
/// let transport = HttpTransport::builder()
///     .connect_timeout(Duration::from_secs(1))
///     .build();
/// ```
#[derive(Debug)]
pub struct HttpTransport {
    options: HttpTransportBuilder,
    /// Of each process its own: a forked child inherits connections that its parent
    /// goes on using.
    tls: PerProcess<Client>,
    plain: PerProcess<Client>,
}

impl HttpTransport {
    /// Starts with the defaults.
    pub fn builder() -> HttpTransportBuilder {
        HttpTransportBuilder::default()
    }

    fn client_for(&self, uri: &http::Uri) -> Result<Client, TransportError> {
        let client = match (uri.scheme_str(), uri.host()) {
            (Some("https"), _) => self.tls.get_or_try_make(|| tls_client(&self.options)),
            (Some("http"), Some(host)) if is_loopback(&host.to_ascii_lowercase()) => {
                self.plain.get_or_try_make(|| plain_client(&self.options))
            }
            _ => Err(setup("plain http is for loopback addresses only")),
        };
        Ok(Client::clone(&*client?))
    }
}

/// The settings of an [`HttpTransport`].
#[derive(Clone)]
#[must_use]
pub struct HttpTransportBuilder {
    connect_timeout: Duration,
    ca_certificates: Option<Vec<u8>>,
    proxy: Option<ProxyAddress>,
}

impl Default for HttpTransportBuilder {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            ca_certificates: None,
            proxy: None,
        }
    }
}

impl HttpTransportBuilder {
    /// Limit for name resolution, TCP and TLS together. Default 3 s; with zero
    /// nothing can be reached.
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

    /// The transport; nothing is read or connected yet.
    pub fn build(self) -> HttpTransport {
        HttpTransport {
            options: self,
            tls: PerProcess::empty(),
            plain: PerProcess::empty(),
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
            .finish()
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: http::Request<Body>) -> Sending<'_> {
        Box::pin(async move {
            let client = self.client_for(request.uri())?;
            let (parts, body) = request.into_parts();
            let limit = parts
                .extensions
                .get()
                .map_or(LARGEST_BODY, |BodyLimit(limit)| *limit);
            let request = http::Request::from_parts(parts, body.expose_secret().clone());
            let request = reqwest::Request::try_from(request).map_err(|_| {
                TransportError::new(TransportErrorKind::Resolve, "the host name is not valid")
            })?;
            let mut answer = client.execute(request).await.map_err(classify)?;
            let body = read_body(&mut answer, limit).await.map_err(classify)?;
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

/// The one private builder: what every client is, whatever it is for.
///
/// Only HTTP/1.1: a request that ran out of time then takes its connection with it,
/// while a silent HTTP/2 connection would be used for every further attempt. The
/// decoders are off even if another crate turns reqwest's features for them on.
fn builder(options: &HttpTransportBuilder) -> ClientBuilder {
    Client::builder()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .referer(false)
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .http1_only()
        .tls_backend_rustls()
        .dns_resolver(Resolver)
        .connect_timeout(options.connect_timeout)
        .pool_idle_timeout(IDLE)
}

/// For https, and nothing else.
fn tls_client(options: &HttpTransportBuilder) -> Result<Client, TransportError> {
    let mut builder = builder(options).https_only(true);
    if let Some(pem) = &options.ca_certificates {
        let certificates = reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|_| setup("the CA certificates are not PEM"))?;
        if certificates.is_empty() {
            return Err(setup("the CA file holds no certificate"));
        }
        builder = builder.tls_certs_only(certificates);
    }
    if let Some(proxy) = &options.proxy {
        let proxy = Proxy::https(proxy.as_str()).map_err(|_| setup("the proxy is not a URL"))?;
        builder = builder.proxy(proxy.no_proxy(NoProxy::from_string(LOOPBACK)));
    }
    finish(builder)
}

/// For loopback addresses. It trusts nobody and goes through no proxy: a machine
/// without a trust store can use the emulator all the same.
fn plain_client(options: &HttpTransportBuilder) -> Result<Client, TransportError> {
    finish(builder(options).tls_certs_only([]))
}

fn finish(builder: ClientBuilder) -> Result<Client, TransportError> {
    builder.build().map_err(|error| match rustls_error(&error) {
        None => setup("the TLS trust store could not be loaded"),
        Some(error) => setup(&text::line(
            &format!("TLS could not be set up: {error}"),
            200,
        )),
    })
}

fn setup(reason: &str) -> TransportError {
    TransportError::new(TransportErrorKind::Setup, reason)
}

#[cfg(test)]
mod tests;
