//! Which connections are used again.

use std::io::Write as _;
use std::time::Duration;

use prove_token::{AccessTokenRequest, Error, ErrorKind, TokenClient};
use prove_token_tests::client;
use prove_token_tests::http::{Server, Then, answer, granted, token_body};

/// A token of its own for each call.
async fn fetch(client: &TokenClient) -> Result<String, Error> {
    let request = AccessTokenRequest::new();
    let token = client.request_access_token(&request).await?;
    Ok(token.value().to_owned())
}

#[tokio::test]
async fn a_good_connection_is_used_again() {
    let server = Server::playing(vec![granted(60)], Then::KeepOpen);
    let client = client::client(server.endpoint());
    for _ in 0..3 {
        fetch(&client).await.unwrap();
    }
    assert_eq!((server.requests().len(), server.connections()), (3, 1));
}

#[tokio::test]
async fn a_connection_that_dies_under_a_request_costs_one_fresh_retry() {
    let server = Server::start(|request, connection| {
        if request.number == 1 {
            // The one that was kept: closed without an answer, as by a load
            // balancer that has forgotten it.
            return Ok(Then::Close);
        }
        connection.write_all(&granted(60))?;
        Ok(Then::KeepOpen)
    });
    let client = client::client(server.endpoint());
    fetch(&client).await.unwrap();
    fetch(&client).await.unwrap();
    let seen: Vec<_> = server.requests().iter().map(|r| r.connection).collect();
    assert_eq!(seen, [0, 0, 1]);
}

/// The worst a balancer can do: it keeps the connection and answers nothing. The
/// attempt that runs out of time takes the connection with it.
#[tokio::test]
async fn a_kept_connection_that_falls_silent_is_used_once() {
    let server = Server::start(|request, connection| {
        if request.number == 1 {
            return Ok(Then::Hold);
        }
        connection.write_all(&granted(60))?;
        Ok(Then::KeepOpen)
    });
    let policy = client::brisk().attempt_timeout(Duration::from_millis(200));
    let client = client::builder(server.endpoint())
        .retry(policy)
        .build()
        .unwrap();
    fetch(&client).await.unwrap();
    fetch(&client).await.unwrap();
    let seen: Vec<_> = server.requests().iter().map(|r| r.connection).collect();
    assert_eq!(seen, [0, 0, 1]);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_not_used_again() {
    let server = Server::playing(vec![granted(60)], Then::Close);
    let client = client::client(server.endpoint());
    for _ in 0..3 {
        fetch(&client).await.unwrap();
    }
    let seen: Vec<_> = server.requests().iter().map(|r| r.connection).collect();
    assert!(seen.is_sorted() && server.connections() == 3, "{seen:?}");
}

#[tokio::test]
async fn an_answer_too_large_takes_its_connection_with_it() {
    let large = answer(503, &[("Retry-After", "5")], &"x".repeat(1 << 20));
    let server = Server::playing(vec![large, granted(60)], Then::KeepOpen);
    let client = client::client(server.endpoint());
    assert!(fetch(&client).await.is_err());
    fetch(&client).await.unwrap();
    assert_eq!((server.requests().len(), server.connections()), (2, 2));
}

#[tokio::test]
async fn a_body_without_end_is_cut_off_at_once() {
    let server = Server::start(|_, connection| {
        connection.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        loop {
            connection.write_all(b"1000\r\n")?;
            connection.write_all(&[b' '; 4096])?;
            connection.write_all(b"\r\n")?;
        }
    });
    let error = fetch(&client::client(server.endpoint())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("larger than 64 KiB"), "{error}");
    assert_eq!(server.requests().len(), 1);
}

/// More bytes than the length said: a second answer, say, that the next request
/// must not be given.
#[tokio::test]
async fn what_follows_an_answer_is_no_answer() {
    let stray = token_body(60).replace("canary", "stray");
    let mut both = granted(60);
    both.extend_from_slice(&answer(200, &[], &stray));
    let server = Server::playing(vec![both], Then::KeepOpen);
    let client = client::client(server.endpoint());
    for _ in 0..5 {
        let token = fetch(&client).await.unwrap();
        assert!(!token.starts_with("stray"), "{token}");
    }
    assert_eq!((server.requests().len(), server.connections()), (5, 5));
}

#[tokio::test]
async fn a_length_that_promises_more_is_a_broken_connection() {
    let body = token_body(60);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
        body.len() + 1
    );
    let short = (head + &body).into_bytes();
    let server = Server::playing(vec![short.clone()], Then::Close);
    let error = fetch(&client::client(server.endpoint())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!((server.requests().len(), server.connections()), (3, 3));
    // With the connection held open, it is the limit of the attempt that ends it.
    let server = Server::playing(vec![short, granted(60)], Then::Hold);
    let policy = client::brisk().attempt_timeout(Duration::from_millis(200));
    let builder = client::builder(server.endpoint()).retry(policy);
    fetch(&builder.build().unwrap()).await.unwrap();
    assert_eq!((server.requests().len(), server.connections()), (2, 2));
}

#[tokio::test]
async fn a_length_that_promises_less_is_not_made_good_by_what_follows() {
    let body = token_body(60);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
        body.len() - 1
    );
    let server = Server::playing(vec![(head + &body).into_bytes()], Then::KeepOpen);
    let error = fetch(&client::client(server.endpoint())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(
        error.to_string().contains("is not JSON from byte"),
        "{error}"
    );
    assert_eq!((server.requests().len(), server.connections()), (3, 3));
}

#[tokio::test]
async fn a_cookie_of_a_good_answer_is_forgotten() {
    let cookies = [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2")];
    let server = Server::playing(vec![answer(200, &cookies, &token_body(60))], Then::KeepOpen);
    let client = client::client(server.endpoint());
    for _ in 0..2 {
        fetch(&client).await.unwrap();
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|r| r.header("cookie").is_empty()));
}
