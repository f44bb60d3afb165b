//! An HTTP/1.1 server on loopback that gives every request the same answer.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use crate::figure::Outcome;
use crate::ours;

/// Runs until the program ends.
pub struct Server {
    port: u16,
    scheme: &'static str,
    requests: Arc<AtomicUsize>,
}

/// What is answered, and how.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub delay: Duration,
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            status: 200,
            delay: Duration::ZERO,
            tls: None,
        }
    }
}

impl Server {
    /// On a thread of its own.
    pub fn start(answer: Answer) -> Outcome<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let server = Self::start_on(&runtime, answer)?;
        std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
        Ok(server)
    }

    /// On a runtime that somebody else drives.
    pub fn start_on(runtime: &Runtime, answer: Answer) -> Outcome<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let requests = Arc::new(AtomicUsize::new(0));
        let scheme = if answer.tls.is_some() {
            "https"
        } else {
            "http"
        };
        runtime.spawn(accept(listener, answer, Arc::clone(&requests)));
        Ok(Self {
            port,
            scheme,
            requests,
        })
    }

    /// The address of its token endpoint.
    pub fn url(&self) -> String {
        format!("{}/token", self.origin())
    }

    /// Where it is, without a path.
    pub fn origin(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    /// The requests since this was asked last.
    pub fn take_requests(&self) -> usize {
        self.requests.swap(0, Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, answer: Answer, requests: Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener on loopback");
    let text = text(answer.status);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        drop(stream.set_nodelay(true));
        let (answer, requests, text) = (answer.clone(), Arc::clone(&requests), Arc::clone(&text));
        tokio::spawn(async move {
            match answer.tls {
                None => serve(stream, answer.delay, &requests, &text).await,
                Some(config) => {
                    let stream = TlsAcceptor::from(config).accept(stream).await?;
                    serve(stream, answer.delay, &requests, &text).await
                }
            }
        });
    }
}

fn text(status: u16) -> Arc<str> {
    let body = match status {
        200 => ours::answer(1),
        _ => r#"{"error":"server_error"}"#.to_owned(),
    };
    // Another one than the usual would be kept apart by clients.
    let reason = if status == 200 { "OK" } else { "Status" };
    let length = body.len();
    format!(
        "HTTP/1.1 {status} {reason}\r\ncontent-type: application/json\r\n\
         metadata-flavor: Google\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into()
}

/// Answers the requests of one connection, one after another.
async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    delay: Duration,
    requests: &AtomicUsize,
    text: &str,
) -> std::io::Result<()> {
    let mut read = Vec::with_capacity(4096);
    loop {
        while let Some(length) = complete(&read) {
            let long = long_answer(&read);
            read.drain(..length);
            requests.fetch_add(1, Ordering::SeqCst);
            if let Some(long) = long {
                write_long(&mut stream, long).await?;
                continue;
            }
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            stream.write_all(text.as_bytes()).await?;
            stream.flush().await?;
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
    }
}

/// The length that a request for `/length/N` asks for.
fn long_answer(read: &[u8]) -> Option<usize> {
    let path = read.strip_prefix(b"GET /length/")?;
    let digits = path.split(|byte| *byte == b' ').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

async fn write_long(
    stream: &mut (impl AsyncWrite + Unpin),
    mut length: usize,
) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let block = vec![b'x'; 64 << 10];
    while length > 0 {
        let part = length.min(block.len());
        stream.write_all(&block[..part]).await?;
        length -= part;
    }
    stream.flush().await
}

/// The length of the first request, if all of it is there.
fn complete(read: &[u8]) -> Option<usize> {
    let head_end = read.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&read[..head_end]).ok()?;
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0);
    (read.len() >= head_end + length).then_some(head_end + length)
}
