//! HTTP/2, which most servers choose.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use prove_token::{AccessTokenRequest, ClientAuthentication, ErrorKind};
use prove_token_tests::canary::{self, TOKEN};
use prove_token_tests::client;
use prove_token_tests::http::token_body;
use prove_token_tests::http2::{Answer, Server};

use crate::wire::FORM;

fn answer(status: u16, body: String) -> Answer {
    let response = Response::builder().status(status);
    Some(response.body(Full::new(Bytes::from(body))).unwrap())
}

#[tokio::test]
async fn tokens_are_obtained_over_one_connection() {
    let server = Server::start(|_| answer(200, token_body(60)));
    let client = client::client(server.endpoint());
    for _ in 0..3 {
        let request = AccessTokenRequest::new();
        let token = client.request_access_token(&request).await.unwrap();
        assert_eq!(token.value(), TOKEN);
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        assert_eq!(request.body, FORM);
        assert_eq!(request.connection, 0);
    }
}

#[tokio::test]
async fn the_basic_header_arrives_whole() {
    let server = Server::start(|_| answer(200, token_body(60)));
    let client = client::builder(server.endpoint())
        .client_authentication(ClientAuthentication::BasicRaw)
        .build()
        .unwrap();
    client.access_token().await.unwrap();
    let pair = format!("{}:{}", canary::CLIENT_ID, canary::SECRET);
    let header = format!("Basic {}", STANDARD.encode(pair));
    assert_eq!(server.requests()[0].authorization, Some(header));
}

#[tokio::test]
async fn a_stream_that_is_reset_is_tried_again() {
    let server = Server::start(|number| match number {
        0 | 1 => None,
        _ => answer(200, token_body(60)),
    });
    let client = client::client(server.endpoint());
    client.access_token().await.unwrap();
    assert_eq!(server.requests().len(), 3);

    let server = Server::start(|_| None);
    let client = client::client(server.endpoint());
    let error = client.access_token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.is_retryable());
    assert_eq!(server.requests().len(), 3);
    assert_eq!(canary::leak_of(&error), None);
}

#[tokio::test]
async fn errors_redirects_and_large_bodies_come_out_as_ever() {
    for (status, body, kind, requests) in [
        (
            401,
            r#"{"code":8002}"#.to_owned(),
            ErrorKind::CredentialsRejected,
            1,
        ),
        (503, String::new(), ErrorKind::Unavailable, 3),
        (307, String::new(), ErrorKind::Protocol, 1),
        (200, "x".repeat(1 << 20), ErrorKind::Protocol, 1),
    ] {
        let server = Server::start(move |_| answer(status, body.clone()));
        let client = client::client(server.endpoint());
        let error = client.access_token().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status}");
        assert_eq!(server.requests().len(), requests, "{status}");
    }
}
