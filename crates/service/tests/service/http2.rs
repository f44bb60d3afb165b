//! Requests by HTTP/2 that would be two, or another one, behind a server of HTTP/1.1: none
//! of them reaches the API.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};

use crate::harness::{KEY, Setup, emulator};
use crate::tls::{
    DATA, END_HEADERS, END_STREAM, HEADERS, Pair, RST_STREAM, SETTINGS, Stream, WINDOW_UPDATE,
    frame, http2, literal, service,
};
use crate::upstream::{Upstream, answer};

/// Grants of one connection whose body may be waited for.
const MOST_UNNAMED: u32 = 16;

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

/// A frame: its type, its flags and what it holds.
type Part = (u8, u8, Vec<u8>);

/// The next one, and the number of its stream; `None` if the connection ends.
fn next_frame(stream: &mut Stream) -> Option<(u32, Part)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; length as usize];
    stream.read_exact(&mut payload).ok()?;
    let number = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    Some((number, (head[3], head[4], payload)))
}

/// The next one of stream 1.
fn next_part(stream: &mut Stream) -> Option<Part> {
    loop {
        if let (1, part) = next_frame(stream)? {
            return Some(part);
        }
    }
}

/// The first answer that is whole: its stream and its body.
fn next_body(stream: &mut Stream) -> (u32, String) {
    let mut bodies = BTreeMap::<u32, Vec<u8>>::new();
    loop {
        let (number, (kind, flags, payload)) = next_frame(stream).unwrap();
        let body = bodies.entry(number).or_default();
        match kind {
            DATA => body.extend(payload),
            HEADERS => {}
            _ => continue,
        }
        if flags & END_STREAM != 0 {
            return (number, String::from_utf8(body.clone()).unwrap());
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

/// The head of a grant on the stream of this number, with headers that nobody asked for; its
/// body is still to come.
fn grant(number: u32, more: usize) -> Vec<u8> {
    let mut fields = vec![
        (":authority".to_owned(), "localhost".to_owned()),
        (":path".to_owned(), "/token".to_owned()),
        (
            "content-type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        ),
    ];
    fields.extend((0..more).map(|field| (format!("x{field}"), "y".repeat(120))));
    let fields = fields.iter().flat_map(|(name, value)| literal(name, value));
    let head: Vec<_> = POST.into_iter().chain(fields).collect();
    frame(HEADERS, END_HEADERS, number, &head)
}

/// Each keeps memory for as long as its body may take.
#[test]
fn grants_that_do_not_say_who_asks_have_little_room() {
    let emulator = emulator().start().unwrap();
    let (_service, pair, port) = service(Setup::new(&emulator));
    let mut stream = http2(port, &pair);
    let last = 2 * MOST_UNNAMED + 1;
    for number in (1..=last).step_by(2) {
        stream.write_all(&grant(number, 0)).unwrap();
    }
    // One of them; which one is a matter of chance.
    let (number, body) = next_body(&mut stream);
    assert!(body.contains("\"temporarily_unavailable\""), "{body}");
    assert!(body.contains("\"retry_after\":1"), "{body}");
    let other = if number == 1 { 3 } else { 1 };
    let form = format!("grant_type=client_credentials&client_id=billing&client_secret={KEY}");
    let form = frame(DATA, END_STREAM, other, form.as_bytes());
    stream.write_all(&form).unwrap();
    let (number, body) = next_body(&mut stream);
    assert_eq!(number, other);
    assert!(body.contains("access_token"), "{body}");
}

/// What a head said is not kept while its body is waited for.
#[cfg(target_os = "linux")]
#[test]
fn a_grant_without_a_body_keeps_no_headers() {
    const CONNECTIONS: usize = 100;
    let emulator = emulator().start().unwrap();
    let (service, pair, port) = service(Setup::new(&emulator));
    // With `more` headers for each grant; what the service takes once all were looked at.
    let hold = |more: usize| {
        let one = || {
            let mut stream = http2(port, &pair);
            for number in (1..=2 * MOST_UNNAMED - 1).step_by(2) {
                stream.write_all(&grant(number, more)).unwrap();
            }
            let last = grant(2 * MOST_UNNAMED + 1, more);
            stream.write_all(&last).unwrap();
            next_body(&mut stream);
            stream
        };
        let streams: Vec<_> = (0..CONNECTIONS).map(|_| one()).collect();
        (service.memory("VmRSS"), streams)
    };
    let (few, _few) = hold(0);
    let (many, _many) = hold(90);
    // A second hundred connections take as much as the first, and the headers 40 KiB for each
    // grant if they are kept.
    assert!(many - few < 32 * 1024, "{few} {many}");
}

/// What a client may send before anybody reads it: RFC 9113 §6.5.2, §6.9.2. It is kept for
/// each connection and each stream.
#[test]
fn little_is_let_in_that_nobody_reads_yet() {
    /// Where windows begin if nobody says otherwise.
    const USUAL: u32 = 65_535;
    let emulator = emulator().start().unwrap();
    let (_service, pair, port) = service(Setup::new(&emulator));
    let mut stream = http2(port, &pair);
    let request = frame(HEADERS, END_HEADERS | END_STREAM, 1, &head(&[]));
    stream.write_all(&request).unwrap();
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap());
    let (mut of_stream, mut of_connection) = (USUAL, USUAL);
    loop {
        match next_frame(&mut stream).unwrap() {
            (0, (SETTINGS, _, settings)) => {
                let mut all = settings.chunks(6);
                let window = all.rfind(|setting| setting[..2] == [0, 4]);
                of_stream = window.map_or(of_stream, |setting| number(&setting[2..]));
            }
            (0, (WINDOW_UPDATE, _, more)) => of_connection += number(&more),
            (1, (HEADERS, ..)) => break,
            _ => {}
        }
    }
    assert_eq!((of_stream, of_connection), (64 * 1024, 256 * 1024));
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
