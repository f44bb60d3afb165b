//! Requests by HTTP/2 that would be two, or another one, behind a server of HTTP/1.1: none
//! of them reaches the API.

use std::io::{Read as _, Write as _};

use crate::harness::{KEY, Setup, emulator};
use crate::tls::{
    DATA, END_HEADERS, END_STREAM, HEADERS, Pair, RST_STREAM, Stream, frame, http2, literal,
    service,
};
use crate::upstream::{Upstream, answer};

/// `POST`, `https`.
const POST: [u8; 2] = [0x83, 0x87];

/// `:status: 200` as it is indexed.
const OK: u8 = 0x88;

/// A request with these fields in place of, or beside, the right ones.
fn head(fields: &[(&str, &str)]) -> Vec<u8> {
    let bearer = format!("Bearer {KEY}");
    let mut all = vec![(":authority", "localhost"), (":path", "/proxy/local/x")];
    for field in fields.iter().filter(|(name, _)| name.starts_with(':')) {
        all.retain(|(name, _)| *name != field.0);
        all.push(*field);
    }
    all.push(("authorization", &bearer));
    all.extend(fields.iter().filter(|(name, _)| !name.starts_with(':')));
    let fields = all.iter().flat_map(|(name, value)| literal(name, value));
    POST.into_iter().chain(fields).collect()
}

/// A frame of stream 1: its type, its flags and what it holds.
type Part = (u8, u8, Vec<u8>);

/// The next one; `None` if the connection ends.
fn next_part(stream: &mut Stream) -> Option<Part> {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).ok()?;
        if head[8] == 1 {
            return Some((head[3], head[4], payload));
        }
    }
}

/// Whether the answer on stream 1 is a 200; `false` if the stream or the connection ends.
fn is_served(stream: &mut Stream) -> bool {
    loop {
        match next_part(stream) {
            Some((HEADERS, _, payload)) => return payload.first() == Some(&OK),
            None | Some((RST_STREAM, ..)) => return false,
            Some(_) => {}
        }
    }
}

/// One request with `abc` as its body.
fn post(port: u16, pair: &Pair, fields: &[(&str, &str)]) -> bool {
    let mut stream = http2(port, pair);
    let head = frame(HEADERS, END_HEADERS, 1, &head(fields));
    let body = frame(DATA, END_STREAM, 1, b"abc");
    // It may be over before the body comes.
    let _ = stream.write_all(&[head, body].concat());
    is_served(&mut stream)
}

#[test]
fn what_http1_would_read_differently_is_refused() {
    let emulator = emulator().start().unwrap();
    let api = Upstream::start(|_, _| answer("200 OK", "", "fine"));
    let (_service, pair, port) = service(Setup::to_api(&emulator, &api.url(), ""));
    for fields in [
        &[("content-length", "2")][..],
        &[("content-length", "4")],
        &[("content-length", "+3")],
        &[("content-length", "3, 3")],
        &[("content-length", "3"), ("content-length", "4")],
        &[("content-length", "3"), ("content-length", "3")],
        &[("content-length", "3"), ("content-length", "03")],
        &[("transfer-encoding", "chunked")],
        &[("connection", "close")],
        &[("X-Upper", "a")],
        &[("x y", "a")],
        &[("x:y", "a")],
        &[("x", "a\r\nTransfer-Encoding: chunked")],
        &[("x", "a\nb")],
        &[("x", "a\0b")],
        &[("x_forwarded_for", "1.2.3.4")],
        &[("host", "other.example")],
        &[("authorization", "Bearer another")],
        &[(":path", "/proxy/local/x HTTP/1.1\r\nX: y\r\n\r\nGET /")],
        &[(":path", "/proxy/local/../x")],
        &[(":path", "proxy/local/x")],
        &[(":path", "*")],
        &[(":authority", "a@localhost")],
        &[(":authority", "localhost, evil.example")],
        &[(":protocol", "websocket")],
    ] {
        assert!(!post(port, &pair, fields), "{fields:?}");
    }
    let mut stream = http2(port, &pair);
    let no_length = head(&[("content-length", "")]);
    let request = frame(HEADERS, END_HEADERS | END_STREAM, 1, &no_length);
    stream.write_all(&request).unwrap();
    assert!(!is_served(&mut stream), "a length that is none");
    assert!(api.seen().is_empty(), "{:?}", api.seen());

    assert!(post(port, &pair, &[("content-length", "3")]));
    assert!(post(port, &pair, &[]));
    let bodies: Vec<_> = api.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies, [b"abc", b"abc"]);
}

/// As many as by HTTP/1.1: each takes far more memory than it takes to send.
#[test]
fn more_headers_than_anybody_needs_are_too_many() {
    let emulator = emulator().start().unwrap();
    let api = Upstream::start(|_, _| answer("200 OK", "", "fine"));
    let (_service, pair, port) = service(Setup::to_api(&emulator, &api.url(), ""));
    let names: Vec<_> = (0..100).map(|number| format!("x{number}")).collect();
    let headers: Vec<_> = names.iter().map(|name| (&**name, "")).collect();
    assert!(
        post(port, &pair, &headers[..99]),
        "with one that says who calls"
    );
    assert!(!post(port, &pair, &headers));
    assert_eq!(api.seen().len(), 1);
}

#[test]
fn trailers_of_an_api_end_here() {
    let emulator = emulator().start().unwrap();
    let api = Upstream::start(|_, _| {
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n\
          3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n"
            .to_vec()
    });
    let (_service, pair, port) = service(Setup::to_api(&emulator, &api.url(), ""));
    let mut stream = http2(port, &pair);
    let request = frame(HEADERS, END_HEADERS | END_STREAM, 1, &head(&[]));
    stream.write_all(&request).unwrap();
    let (mut heads, mut body) = (0, Vec::new());
    loop {
        let (kind, flags, payload) = next_part(&mut stream).unwrap();
        match kind {
            HEADERS => heads += 1,
            DATA => body.extend(payload),
            other => panic!("a frame of type {other}"),
        }
        if flags & END_STREAM != 0 {
            break;
        }
    }
    assert_eq!((heads, &*body), (1, &b"abc"[..]));
}
