//! Answers that are not HTTP, or barely.

use std::io::Write as _;
use std::time::Duration;

use prove_token::{AccessTokenRequest, ErrorKind};
use prove_token_emulator::Fault;
use prove_token_tests::canary;
use prove_token_tests::client::{self, brisk};
use prove_token_tests::emulator;
use prove_token_tests::http::{Server, Then, granted, token_body};

use super::failure;

/// Not understood: asking again would bring the same, and the connection is not
/// used again.
#[tokio::test]
async fn what_is_not_http_is_a_protocol_error() {
    let body = token_body(60);
    let whole = |head: &str| format!("{head}\r\n\r\n{body}");
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for answer in [
        "SSH-2.0-OpenSSH_9.6\r\n".to_owned(),
        "220 mail.example.com ESMTP\r\n".to_owned(),
        "\u{16}\u{3}\u{3}\0\u{2}\u{2}F".to_owned(),
        body.clone(),
        "<html></html>\r\n\r\n".to_owned(),
        whole("HTTP/1.1 abc OK"),
        whole("HTTP/1.1 20 OK"),
        whole("HTTP/1.1 2000 OK"),
        whole("HTTP/9.9 200 OK"),
        whole("HTTP/1.1 200 OK\r\nno colon"),
        whole("HTTP/1.1 200 OK\r\nbad name: x"),
        whole("HTTP/1.1 200 OK\r\nX: a\0b"),
        whole("HTTP/1.1 200 OK\r\nContent-Length: -1"),
        whole("HTTP/1.1 200 OK\r\nContent-Length: many"),
        whole("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6"),
        whole("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999"),
        format!("{chunked}ZZ\r\n{body}\r\n0\r\n\r\n"),
        format!("{chunked}-1\r\n{body}\r\n0\r\n\r\n"),
        format!("{chunked}\r\n\r\n"),
        format!("{chunked}5\r\n{body}\r\n0\r\n\r\n"),
        format!("{chunked}fffffffffffffffff\r\n{body}\r\n0\r\n\r\n"),
    ] {
        let bytes = answer.clone().into_bytes();
        let server = Server::playing(vec![bytes, granted(60)], Then::KeepOpen);
        let client = client::client(server.endpoint());
        let error = client.access_token().await.expect_err(&answer);
        assert_eq!(error.kind(), ErrorKind::Protocol, "{answer:?}: {error}");
        assert!(!error.is_retryable(), "{answer:?}");
        assert_eq!(canary::leak_of(&error), None, "{answer:?}");
        assert_eq!(server.requests().len(), 1, "{answer:?}");
        // Not by `access_token`, which remembers the failure for a while.
        let request = AccessTokenRequest::new();
        client.request_access_token(&request).await.expect(&answer);
        assert_eq!(server.connections(), 2, "{answer:?}");
    }
}

/// Odd, but understood by one reading only.
#[tokio::test]
async fn unusual_http_is_understood() {
    let body = token_body(60);
    let length = body.len();
    for answer in [
        format!("HTTP/1.0 200 OK\r\n\r\n{body}"),
        format!("HTTP/1.1 200\r\nContent-Length: {length}\r\n\r\n{body}"),
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}"),
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{length:X}\r\n{body}\r\n00\r\n\r\n"
        ),
    ] {
        let server = Server::playing(vec![answer.clone().into_bytes()], Then::Close);
        let client = client::client(server.endpoint());
        client.access_token().await.expect(&answer);
        assert_eq!(server.requests().len(), 1, "{answer:?}");
    }
}

#[tokio::test]
async fn large_heads_are_bounded() {
    let padding = |name: &str, bytes: usize| format!("{name}: {}\r\n", "h".repeat(bytes));
    let head = |fields: &str| format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n");
    let many: String = (0..2000).map(|n| padding(&format!("X-{n}"), 40)).collect();
    for (what, answer) in [
        ("2,000 fields", head(&many)),
        ("a field of 10 MiB", head(&padding("X", 10 << 20))),
        (
            "a status line of 10 MiB",
            format!("HTTP/1.1 200 {}\r\n\r\n", "o".repeat(10 << 20)),
        ),
    ] {
        let server = Server::playing(vec![answer.into_bytes()], Then::KeepOpen);
        let (error, _) = failure(
            client::builder(server.endpoint()),
            1,
            Duration::from_secs(2),
        )
        .await;
        assert_eq!(error.kind(), ErrorKind::Protocol, "{what}");
    }
    // One of 100 KiB is large, but within what is read.
    let mut good = b"HTTP/1.1 200 OK\r\n".to_vec();
    good.extend_from_slice(padding("X", 100 << 10).as_bytes());
    good.extend_from_slice(&granted(60)[b"HTTP/1.1 200 Test\r\n".len()..]);
    let server = Server::playing(vec![good], Then::KeepOpen);
    client::client(server.endpoint())
        .access_token()
        .await
        .unwrap();
}

#[tokio::test]
async fn interim_answers_are_read_but_not_for_ever() {
    let server = Server::start(|_, connection| {
        for _ in 0..10_000 {
            connection.write_all(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")?;
        }
        connection.write_all(&granted(60))?;
        Ok(Then::KeepOpen)
    });
    client::client(server.endpoint())
        .access_token()
        .await
        .unwrap();
    // Each comes in time, and they never end.
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
    let trickle = Fault::drip(interim.len(), Duration::from_millis(1));
    let emulator = emulator::with(Fault::raw(interim.repeat(10_000)).and(trickle));
    let limit = Duration::from_millis(500);
    let policy = brisk().flight_timeout(limit);
    let builder = client::builder(emulator::endpoint(&emulator)).retry(policy);
    let (error, _) = failure(builder, 1, limit).await;
    assert_eq!(error.kind(), ErrorKind::Timeout);
}
