//! Deadlines on paused time, over a pipe in memory.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::Instant;

use super::*;
use crate::roster::Roster;

/// Answers with the length of the body, or with `LONG` bytes for `/long`.
#[derive(Debug)]
struct Echo;

const LONG: usize = 1024 * 1024;

impl Answer for Echo {
    async fn answer(&self, _: Visitor<'_>, request: Request<Incoming>) -> Response<Body> {
        if request.uri().path() == "/long" {
            return Response::new(Body::whole(vec![b'x'; LONG]));
        }
        let answer = match whole(request.into_body(), 100).await {
            Ok(body) => format!("{} bytes", body.len()),
            Err(fault) => format!("{fault:?}"),
        };
        Response::new(Body::whole(answer))
    }
}

/// One connection: its other end, and how it ends.
struct Line {
    far: DuplexStream,
    near: tokio::task::JoinHandle<()>,
    stop: watch::Sender<bool>,
    roster: Arc<Roster>,
}

fn line() -> Line {
    let (near, far) = duplex(1024);
    let roster = Roster::new(1);
    let admission = roster.admit().unwrap();
    let (stop, stopped) = watch::channel(false);
    let near = tokio::spawn(serve(near, Peer::Tcp, admission, Arc::new(Echo), stopped));
    Line {
        far,
        near,
        stop,
        roster,
    }
}

/// A body of so many frames of one byte, each in a buffer of its own. The next comes when
/// nobody holds the one before any more.
struct Pieces(u32, Arc<()>);

struct Buffer(#[expect(dead_code, reason = "it counts who holds it")] Arc<()>);

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        b"x"
    }
}

impl hyper::body::Body for Pieces {
    type Data = bytes::Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, Infallible>>> {
        assert_eq!(Arc::strong_count(&self.1), 1, "a buffer is held");
        if self.0 == 0 {
            return Poll::Ready(None);
        }
        self.0 -= 1;
        let piece = bytes::Bytes::from_owner(Buffer(Arc::clone(&self.1)));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

#[tokio::test]
async fn a_body_in_pieces_takes_no_more_room_than_its_length() {
    let pieces = |count| Pieces(count, Arc::default());
    assert_eq!(*whole(pieces(100), 100).await.unwrap(), [b'x'; 100]);
    assert_eq!(whole(pieces(101), 100).await.unwrap_err(), BodyFault::Long);
}

/// Sends `bytes` and nothing more; how many seconds the connection then lives.
async fn patience(bytes: &[u8]) -> u64 {
    let mut line = line();
    line.far.write_all(bytes).await.unwrap();
    let started = Instant::now();
    line.near.await.unwrap();
    assert_eq!(line.roster.len(), 0);
    started.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_or_too_little_is_closed() {
    for bytes in [
        &b""[..],
        b"G",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        let seconds = patience(bytes).await;
        assert!((10..=12).contains(&seconds), "{bytes:?}: {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn headers_that_trickle_are_cut_off() {
    let mut line = line();
    let started = Instant::now();
    line.far.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    // A byte a second would never come to an end.
    while line.far.write_all(b"a").await.is_ok() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(started.elapsed() < Duration::from_secs(14));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_told_to_be_late() {
    let mut line = line();
    let request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345";
    line.far.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    line.far.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.ends_with("Slow"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stops_is_given_up() {
    let mut line = line();
    line.far
        .write_all(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let started = Instant::now();
    line.near.await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn who_has_not_asked_yet_makes_room() {
    let mut line = line();
    line.far.write_all(b"GET / HT").await.unwrap();
    tokio::task::yield_now().await;
    let started = Instant::now();
    let admission = line.roster.admit();
    line.near.await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 0);
    assert!(admission.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_came_as_its_place_was_given_up_is_answered() {
    let mut line = line();
    let head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n";
    line.far.write_all(head).await.unwrap();
    // It was not read yet.
    let _admission = line.roster.admit().unwrap();
    tokio::task::yield_now().await;
    line.far.write_all(b"12345").await.unwrap();
    let mut answer = Vec::new();
    line.far.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.ends_with("5 bytes"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    line.near.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_on_its_way_is_answered_though_the_end_was_called() {
    let mut line = line();
    line.stop.send_replace(true);
    tokio::task::yield_now().await;
    line.far
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    line.far.read_to_end(&mut answer).await.unwrap();
    assert!(answer.ends_with(b"0 bytes"), "{answer:?}");
    line.near.await.unwrap();
}

/// As [`patience`], with HTTP/2; the other side reads what comes, and answers pings.
async fn patience_http2(bytes: &[u8]) -> u64 {
    let (near, far) = duplex(64 * 1024);
    let admission = Roster::new(1).admit().unwrap();
    let (_stop, stopped) = watch::channel(false);
    let near = tokio::spawn(serve_http2(
        near,
        Peer::Tls,
        admission,
        Arc::new(Echo),
        stopped,
    ));
    let (mut reader, mut writer) = tokio::io::split(far);
    writer.write_all(bytes).await.unwrap();
    let started = Instant::now();
    let mut head = [0; 9];
    while reader.read_exact(&mut head).await.is_ok() {
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        reader.read_exact(&mut payload).await.unwrap();
        const PING: u8 = 6;
        const ACK: u8 = 1;
        if head[3] == PING && head[4] & ACK == 0 {
            head[4] |= ACK;
            let _ = writer.write_all(&[&head[..], &payload].concat()).await;
        }
    }
    near.await.unwrap();
    started.elapsed().as_secs()
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// `GET /long` on stream 1, of which the client takes the first 64 KiB.
const GET_LONG: &[u8] = b"\0\0\x14\x01\x05\0\0\0\x01\x82\x87\x41\x09localhost\x44\x05/long";

#[tokio::test(start_paused = true)]
async fn who_says_too_little_with_http2_is_closed_as_well() {
    for bytes in [&b""[..], b"PRI * HTTP", PREFACE] {
        let seconds = patience_http2(bytes).await;
        assert!((10..=20).contains(&seconds), "{bytes:?}: {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stops_with_http2_is_given_up() {
    let seconds = patience_http2(&[PREFACE, GET_LONG].concat()).await;
    assert!((10..=40).contains(&seconds), "{seconds} s");
}
