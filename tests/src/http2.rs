//! An HTTP/2 server over TLS.

use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prove_token::Endpoint;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::tls::{self, Flaw};

/// What is answered; `None` resets the stream.
pub type Answer = Option<Response<Full<Bytes>>>;

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The connection it came on, counted from 0.
    pub connection: usize,
    /// The `Authorization` field.
    pub authorization: Option<String>,
    /// The body.
    pub body: String,
}

/// A server that speaks HTTP/2 only, with a certificate of [`tls::authority`]. It
/// ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

type Answerer = dyn Fn(usize) -> Answer + Send + Sync;

impl Server {
    /// Starts one; `answer` is given the number of the request, from 0.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub fn start(answer: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let socket = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = socket.local_addr().expect("it is bound").port();
        socket.set_nonblocking(true).expect("a socket of ours");
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let peer = Arc::new(Peer {
            answer: Box::new(answer),
            asked: Arc::clone(&asked),
        });
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                let listener = TcpListener::from_std(socket).expect("a runtime with I/O");
                tokio::select! {
                    _ = stopped => {}
                    () = accept(listener, peer) => {}
                }
            });
        });
        Self {
            port,
            asked,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// The address of the token endpoint.
    ///
    /// # Panics
    ///
    /// Never: an https address is an endpoint.
    pub fn endpoint(&self) -> Endpoint {
        let address = format!("https://localhost:{}/token", self.port);
        address.parse().expect("an https address is an endpoint")
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Asked> {
        let asked = self.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !thread::panicking()
        {
            panic!("the thread of a test's server panicked");
        }
    }
}

/// What all connections share.
struct Peer {
    answer: Box<Answerer>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

async fn accept(listener: TcpListener, peer: Arc<Peer>) {
    let mut config = (*tls::authority().server_config(Flaw::None)).clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let mut number = 0;
    while let Ok((stream, _)) = listener.accept().await {
        // A connection that breaks is its client's matter: nobody waits for it.
        tokio::spawn(serve(stream, acceptor.clone(), number, Arc::clone(&peer)));
        number += 1;
    }
}

async fn serve(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    connection: usize,
    peer: Arc<Peer>,
) -> io::Result<()> {
    let stream = TokioIo::new(acceptor.accept(stream).await?);
    let service = service_fn(move |request| respond(request, connection, Arc::clone(&peer)));
    let served = http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service);
    served.await.map_err(io::Error::other)
}

async fn respond(
    request: Request<Incoming>,
    connection: usize,
    peer: Arc<Peer>,
) -> io::Result<Response<Full<Bytes>>> {
    let authorization = request.headers().get("authorization");
    let authorization = authorization.and_then(|value| value.to_str().ok());
    let authorization = authorization.map(str::to_owned);
    let body = request.into_body().collect().await;
    let body = body.map_err(io::Error::other)?.to_bytes();
    let number = {
        let mut asked = peer.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push(Asked {
            connection,
            authorization,
            body: String::from_utf8_lossy(&body).into_owned(),
        });
        asked.len() - 1
    };
    (peer.answer)(number).ok_or_else(|| io::Error::other("reset on purpose"))
}
