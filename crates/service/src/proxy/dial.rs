//! Connections to the API: name, TCP, the profile's HTTP proxy if it has one, TLS; all
//! of it within one limit.

mod foreword;

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use self::foreword::Foreword;
pub(super) use self::foreword::TooLong;
use crate::patience::Patience;

/// How long an API may be silent, from the last byte that it was sent or sent itself.
const SILENCE: Duration = Duration::from_secs(60);

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Cause = Box<dyn StdError + Send + Sync>;

/// Opens connections for one profile.
#[derive(Clone, Debug)]
pub(super) struct Dialer {
    /// To the API, or to the proxy before it.
    tcp: HttpConnector<Resolver>,
    /// `None` for an API without TLS, on loopback.
    tls: Option<Arc<ClientConfig>>,
    proxy: Option<Uri>,
    limit: Duration,
}

impl Dialer {
    /// `limit` is for all of it together. `proxy` is for connections with TLS alone.
    pub(super) fn new(tls: Option<Arc<ClientConfig>>, proxy: Option<Uri>, limit: Duration) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver);
        tcp.enforce_http(false);
        // A head is written at once and whole: there is nothing to wait for.
        tcp.set_nodelay(true);
        Self {
            tcp,
            tls,
            proxy,
            limit,
        }
    }

    async fn dial(mut self, target: Uri) -> Result<Line, DialError> {
        let Some(config) = &self.tls else {
            let stream = self.tcp.call(target).await.map_err(DialError::tcp)?;
            return Ok(Line::new(stream.into_inner()));
        };
        let tls = TlsConnector::from(Arc::clone(config));
        let name = server_name(&target)?;
        let secured = match self.proxy {
            None => {
                let stream = self.tcp.call(target).await.map_err(DialError::tcp)?;
                Line::new(secure(&tls, name, stream.into_inner()).await?)
            }
            Some(proxy) => {
                let way = ToProxy {
                    tcp: self.tcp,
                    tls: tls.clone(),
                };
                let tunnel = Tunnel::new(proxy, way).call(target).await;
                let stream = tunnel.map_err(|error| DialError::proxy(error.into()))?;
                Line::new(secure(&tls, name, stream.into_inner()).await?)
            }
        };
        Ok(secured)
    }
}

impl Service<Uri> for Dialer {
    type Response = TokioIo<Line>;
    type Error = DialError;
    type Future = Boxed<Result<TokioIo<Line>, DialError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let dialer = self.clone();
        Box::pin(async move {
            let limit = dialer.limit;
            let dialed = tokio::time::timeout(limit, dialer.dial(target)).await;
            dialed.unwrap_or(Err(DialError::Timeout)).map(TokioIo::new)
        })
    }
}

async fn secure<S>(
    tls: &TlsConnector,
    name: ServerName<'static>,
    stream: S,
) -> Result<tokio_rustls::client::TlsStream<S>, DialError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    tls.connect(name, stream).await.map_err(DialError::tls)
}

fn server_name(target: &Uri) -> Result<ServerName<'static>, DialError> {
    let host = target.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(host.to_owned()).map_err(|_| DialError::Resolve)
}

/// The way to the HTTP proxy: by TLS, if its address says so.
#[derive(Clone)]
struct ToProxy {
    tcp: HttpConnector<Resolver>,
    tls: TlsConnector,
}

impl Service<Uri> for ToProxy {
    type Response = TokioIo<Box<dyn Stream>>;
    type Error = Cause;
    type Future = Boxed<Result<Self::Response, Cause>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, proxy: Uri) -> Self::Future {
        let mut way = self.clone();
        Box::pin(async move {
            let stream = way.tcp.call(proxy.clone()).await?.into_inner();
            let stream: Box<dyn Stream> = match proxy.scheme_str() {
                Some("https") => Box::new(secure(&way.tls, server_name(&proxy)?, stream).await?),
                _ => Box::new(stream),
            };
            Ok(TokioIo::new(stream))
        })
    }
}

/// Names to addresses: with the system's resolver, but `localhost` without asking
/// anybody, for plain text is let through because that is loopback.
#[derive(Clone, Debug)]
struct Resolver;

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = DialError;
    type Future = Boxed<Result<Self::Response, DialError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(async move {
            if name.as_str().eq_ignore_ascii_case("localhost") {
                let both = [
                    IpAddr::V4(Ipv4Addr::LOCALHOST),
                    IpAddr::V6(Ipv6Addr::LOCALHOST),
                ];
                return Ok(both.map(|ip| SocketAddr::new(ip, 0)).to_vec().into_iter());
            }
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let addresses: Vec<_> = found.map_err(|_| DialError::Resolve)?.collect();
            match addresses.is_empty() {
                true => Err(DialError::Resolve),
                false => Ok(addresses.into_iter()),
            }
        })
    }
}

/// Why there is no connection.
#[derive(Clone, Debug)]
pub(super) enum DialError {
    Resolve,
    Connect(io::ErrorKind),
    Tls(rustls::Error),
    /// Of the HTTP proxy: by what it said, or did not.
    Proxy(String),
    Timeout,
}

impl DialError {
    fn tcp(error: impl StdError + 'static) -> Self {
        match find::<Self>(&error) {
            Some(error) => error.clone(),
            None => Self::Connect(kind(&error)),
        }
    }

    fn tls(error: io::Error) -> Self {
        match find::<rustls::Error>(&error) {
            Some(error) => Self::Tls(error.clone()),
            None => Self::Connect(error.kind()),
        }
    }

    fn proxy(error: Cause) -> Self {
        match find::<Self>(&*error) {
            Some(Self::Tls(error)) => Self::Proxy(error.to_string()),
            Some(error) => Self::Proxy(error.to_string()),
            None => Self::Proxy(match find::<io::Error>(&*error) {
                Some(error) => error.kind().to_string(),
                None => error.to_string(),
            }),
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve => f.write_str("its name could not be resolved"),
            Self::Connect(kind) => write!(f, "no connection: {kind}"),
            Self::Tls(error) => write!(f, "TLS failed: {error}"),
            Self::Proxy(reason) => write!(f, "the HTTP proxy in between failed: {reason}"),
            Self::Timeout => f.write_str("no connection in time"),
        }
    }
}

impl StdError for DialError {}

/// The first error of type `T` in the chain of sources.
pub(super) fn find<'e, T: StdError + 'static>(
    error: &'e (dyn StdError + 'static),
) -> Option<&'e T> {
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

fn kind(error: &(dyn StdError + 'static)) -> io::ErrorKind {
    find::<io::Error>(error).map_or(io::ErrorKind::Other, io::Error::kind)
}

/// What a connection is made of, layer by layer.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection to the API, which fails when that is silent for too long, or says too much
/// before its answer. One that is kept for later is silent as well, but is closed sooner
/// than that.
pub(super) struct Line {
    stream: Box<dyn Stream>,
    patience: Patience,
    foreword: Foreword,
}

impl Line {
    pub(super) fn new(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            patience: Patience::new(SILENCE),
            foreword: Foreword::new(),
        }
    }

    /// Takes note if a write got on.
    fn heard<T>(&mut self, outcome: Poll<T>) -> Poll<T> {
        if outcome.is_ready() {
            self.patience.renew();
            self.foreword.sent();
        }
        outcome
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.patience.renew();
            let came = self.foreword.came(&buffer.filled()[before..]);
            return read.map(|read| read.and(came.map_err(io::Error::other)));
        }
        let run_out = self.patience.poll(context);
        run_out.map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.heard(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.heard(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Connection for Line {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_silent_api_is_given_up_and_a_slow_one_is_not() {
        let (near, mut far) = duplex(16);
        let mut line = Line::new(near);
        let api = tokio::spawn(async move {
            let mut request = [0; 4];
            for _ in 0..5 {
                far.read_exact(&mut request).await.unwrap();
                sleep(SILENCE * 4 / 5).await;
                far.write_all(b"slow").await.unwrap();
            }
            far
        });
        let mut answer = [0; 4];
        for _ in 0..5 {
            line.write_all(b"more").await.unwrap();
            line.read_exact(&mut answer).await.unwrap();
        }
        let _far = api.await.unwrap();
        let silent = Instant::now();
        let error = line.read_exact(&mut answer).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(silent.elapsed() >= SILENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn localhost_needs_no_resolver() {
        let name: Name = "LocalHost".parse().unwrap();
        let addresses: Vec<_> = Resolver.call(name).await.unwrap().collect();
        assert!(addresses.iter().all(|address| address.ip().is_loopback()));
        assert_eq!(addresses.len(), 2);
    }
}
