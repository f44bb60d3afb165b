//! A load of HTTP/1.1 requests: so many connections, one request after another on each.

use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::daemon::Place;
use crate::figure::Outcome;

/// One kind of request, to one place.
#[derive(Clone)]
pub struct Target {
    to: To,
    request: String,
}

#[derive(Clone)]
enum To {
    Tcp(u16),
    Unix(std::path::PathBuf),
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Target {
    /// `GET path`, with those lines of the head, over TCP.
    pub fn tcp(place: &Place, path: &str, head: &str) -> Self {
        let (to, host) = (To::Tcp(place.port), format!("127.0.0.1:{}", place.port));
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{head}\r\n");
        Self { to, request }
    }

    /// The same over the Unix socket.
    pub fn unix(place: &Place, path: &str, head: &str) -> Self {
        let to = To::Unix(place.socket.clone());
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n");
        Self { to, request }
    }

    async fn connect(&self) -> std::io::Result<Box<dyn Stream>> {
        Ok(match &self.to {
            To::Unix(path) => Box::new(UnixStream::connect(path).await?),
            To::Tcp(port) => {
                let stream = TcpStream::connect(("127.0.0.1", *port)).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
        })
    }
}

/// Connections that are open, and what is asked on them.
pub struct Load<'a> {
    runtime: &'a Runtime,
    request: String,
    lines: Vec<Line>,
}

struct Line {
    stream: Box<dyn Stream>,
    read: Vec<u8>,
}

impl<'a> Load<'a> {
    pub fn open(runtime: &'a Runtime, target: &Target, connections: usize) -> Outcome<Self> {
        let mut lines = Vec::with_capacity(connections);
        for _ in 0..connections {
            let stream = runtime.block_on(target.connect())?;
            let read = Vec::with_capacity(64 << 10);
            lines.push(Line { stream, read });
        }
        Ok(Self {
            runtime,
            request: target.request.clone(),
            lines,
        })
    }

    /// Asks so often in all, as fast as there are answers. The thread never sleeps
    /// meanwhile: to wake it would be work of the server that it waits for, and the more of
    /// it the longer it waits.
    pub fn ask(&mut self, count: usize) -> Outcome<()> {
        let each = count / self.lines.len();
        let awake = self.runtime.spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        let asked = self.drive(|mut line, _, request| async move {
            for _ in 0..each {
                line.ask(&request).await?;
            }
            Ok((line, Vec::new()))
        });
        awake.abort();
        asked.map(drop)
    }

    /// Asks at a steady rate in all (requests a second) for so long, and says how long each
    /// answer took, in microseconds. What an answer makes late counts from when it was due.
    pub fn latencies(&mut self, rate: f64, time: Duration) -> Outcome<Vec<f64>> {
        let pause = Duration::from_secs_f64(self.lines.len() as f64 / rate);
        let share = pause / u32::try_from(self.lines.len())?;
        let start = Instant::now();
        self.drive(|mut line, index, request| async move {
            let (mut due, mut taken) = (start + share * index, Vec::new());
            while due < start + time {
                let is_late = Instant::now() > due;
                tokio::time::sleep_until(due.into()).await;
                // The timer's own lateness, up to 1 ms, is not the server's.
                let from = if is_late { due } else { Instant::now() };
                line.ask(&request).await?;
                taken.push(from.elapsed().as_secs_f64() * 1e6);
                due += pause;
            }
            Ok((line, taken))
        })
    }

    /// Has each connection do `work`, all at once.
    fn drive<F>(&mut self, work: impl Fn(Line, u32, String) -> F) -> Outcome<Vec<f64>>
    where
        F: Future<Output = Result<(Line, Vec<f64>), Failure>> + Send + 'static,
    {
        let _guard = self.runtime.enter();
        let mut set = JoinSet::new();
        for (index, line) in (0..).zip(self.lines.drain(..)) {
            set.spawn(work(line, index, self.request.clone()));
        }
        let mut all = Vec::new();
        while let Some(done) = self.runtime.block_on(set.join_next()) {
            let (line, taken) =
                done?.map_err(|failure| -> Box<dyn std::error::Error> { failure })?;
            self.lines.push(line);
            all.extend(taken);
        }
        Ok(all)
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Line {
    /// One request and its whole answer, which must be a 200 with a body.
    async fn ask(&mut self, request: &str) -> Result<(), Failure> {
        self.stream.write_all(request.as_bytes()).await?;
        self.read.clear();
        let (head, mut left) = loop {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err("the server closed the connection".into());
            }
            if let Some(found) = head_and_length(&self.read)? {
                break found;
            }
        };
        left -= (self.read.len() - head) as u64;
        while left > 0 {
            self.read.clear();
            let count = self.stream.read_buf(&mut self.read).await?;
            left = match count {
                0 => return Err("the answer ended early".into()),
                count => left - count as u64,
            };
        }
        Ok(())
    }
}

/// The length of the head of an answer, and that of its body, once all of the head is read.
fn head_and_length(read: &[u8]) -> Result<Option<(usize, u64)>, Failure> {
    let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&read[..end])?;
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err(format!("not a 200: {}", head.lines().next().unwrap_or_default()).into());
    }
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let length = fields
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .find_map(|(_, value)| value.trim().parse().ok());
    match length {
        Some(length) if length > 0 => Ok(Some((end + 4, length))),
        _ => Err("an answer without a length".into()),
    }
}
