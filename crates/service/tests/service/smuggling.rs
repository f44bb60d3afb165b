//! Requests that two servers would read differently: answered with 400 and the end of
//! the connection, whatever they are for, and never sent on.

use std::io::{Read as _, Write as _};

use crate::harness::{KEY, Service, Setup, emulator};
use crate::upstream::{Upstream, answer};

/// Everything that comes back on one connection.
fn send(service: &Service, bytes: &str) -> String {
    let mut stream = service.tcp();
    stream
        .write_all(bytes.replace("KEY", KEY).as_bytes())
        .unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    answers
}

const START: &str =
    "POST /proxy/local/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer KEY\r\n";

const SMUGGLED: &str = "GET /proxy/local/smuggled HTTP/1.1\r\nHost: localhost\r\n\
    Authorization: Bearer KEY\r\nConnection: close\r\n\r\n";

#[test]
fn what_is_ambiguous_is_refused_and_ends_the_connection() {
    let emulator = emulator().start().unwrap();
    let api = Upstream::start(|_, _| answer("200 OK", "", "fine"));
    let service = Setup::to_api(&emulator, &api.url(), "").start();
    for (name, rest) in [
        (
            "CL.TE",
            "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
        ),
        (
            "TE.CL",
            "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n1\r\na\r\n0\r\n\r\n",
        ),
        ("CL.CL", "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
        (
            "CL.CL that differ",
            "Content-Length: 3\r\nContent-Length: 0\r\n\r\nabc",
        ),
        ("CL list", "Content-Length: 3, 3\r\n\r\nabc"),
        ("CL sign", "Content-Length: +3\r\n\r\nabc"),
        ("CL hex", "Content-Length: 0x3\r\n\r\nabc"),
        ("CL negative", "Content-Length: -1\r\n\r\n"),
        ("CL empty", "Content-Length:\r\n\r\n"),
        (
            "CL too large",
            "Content-Length: 18446744073709551617\r\n\r\na",
        ),
        ("CL space", "Content-Length : 3\r\n\r\nabc"),
        ("TE space", "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        ("TE tab", "Transfer-Encoding:\tchunked\x0b\r\n\r\n0\r\n\r\n"),
        ("TE unknown", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        (
            "TE list",
            "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "TE not last",
            "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        ),
        (
            "TE.TE",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n\r\n0\r\n\r\n",
        ),
        (
            "TE twice",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        ("obs-fold", "X: a\r\n b\r\n\r\n"),
        (
            "obs-fold TE",
            "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        ),
        ("bare LF in the head", "X: a\nContent-Length: 0\r\n\r\n"),
        ("bare LF at the end", "Content-Length: 0\n\n"),
        ("bare CR", "X: a\rContent-Length: 3\r\n\r\nabc"),
        ("NUL", "X: a\0b\r\n\r\n"),
        ("no colon", "X\r\n\r\n"),
        ("no name", ": a\r\n\r\n"),
        ("name with a control", "X\x01: a\r\n\r\n"),
        ("underscore", "Content_Length: 3\r\n\r\n"),
    ] {
        let answers = send(&service, &format!("{START}{rest}{SMUGGLED}"));
        assert!(answers.starts_with("HTTP/1.1 400 "), "{name}: {answers}");
        let count = answers.matches("HTTP/1.1 ").count();
        // Without a doubt about the framing, what comes behind is another request.
        assert!(count == 1 || name == "underscore", "{name}: {answers}");
        assert!(
            !answers.contains("200 OK") || name == "underscore",
            "{name}: {answers}"
        );
    }
    assert!(
        api.seen()
            .iter()
            .all(|seen| seen.line.contains("/smuggled"))
    );
}

/// What is before the head of a request cannot be answered any more, but ends the
/// connection, and with it the request to the API.
#[test]
fn a_body_with_broken_chunks_never_becomes_a_request() {
    let emulator = emulator().start().unwrap();
    let api = Upstream::start(|_, _| answer("200 OK", "", "fine"));
    let service = Setup::to_api(&emulator, &api.url(), "").start();
    for chunks in [
        "1\na\r\n0\r\n\r\n",
        "-1\r\na\r\n0\r\n\r\n",
        "+1\r\na\r\n0\r\n\r\n",
        "0x1\r\na\r\n0\r\n\r\n",
        "\r\na\r\n0\r\n\r\n",
        "fffffffffffffffff\r\na",
        "1\r\nabc\r\n0\r\n\r\n",
        "1\r\na0\r\n\r\n",
        "1;a\nb\r\na\r\n0\r\n\r\n",
        "1\r\na\r\n0\r\nX: a\n\r\n\r\n",
    ] {
        let head = "Transfer-Encoding: chunked\r\n\r\n";
        let answers = send(&service, &format!("{START}{head}{chunks}{SMUGGLED}"));
        assert!(!answers.contains("200 OK"), "{chunks:?}: {answers}");
        assert!(
            answers.starts_with("HTTP/1.1 400 "),
            "{chunks:?}: {answers}"
        );
    }
    assert!(api.seen().is_empty(), "none was whole");
}

#[test]
fn requests_one_after_another_are_told_apart() {
    let emulator = emulator().start().unwrap();
    let api = Upstream::start(|_, seen| answer("200 OK", "", &seen.line));
    let service = Setup::to_api(&emulator, &api.url(), "").start();
    let bodies = [
        "Content-Length: 3\r\n\r\nabc",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "\r\n",
    ];
    let several: String = bodies.iter().map(|body| format!("{START}{body}")).collect();
    let answers = send(&service, &format!("{several}\r\n{SMUGGLED}"));
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 4, "{answers}");
    let bodies: Vec<_> = api.seen().into_iter().map(|seen| seen.body.len()).collect();
    assert_eq!(bodies, [3, 3, 0, 0]);
}
