//! No byte of HTTP goes to a server that is not known to be the right one.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use prove_token::{ErrorKind, TokenClient, TokenClientBuilder};
use prove_token_tests::canary;
use prove_token_tests::client::{self, GRACE, brisk, timed};
use prove_token_tests::http::granted;
use prove_token_tests::listener::Listener;
use prove_token_tests::tls::{self, Authority, Flaw, Server};

use crate::wire::FORM;

/// Nothing of a request, in clear.
pub(crate) fn assert_no_http(listener: &Listener) {
    let received = listener.received();
    let text = String::from_utf8_lossy(&received);
    for piece in ["POST", "HTTP/", "client_id", "grant_type"] {
        assert!(!text.contains(piece), "{piece} was sent in clear");
    }
    assert_eq!(canary::leak(&text), None);
}

/// The call fails for good, after one connection, with these words.
async fn assert_refused(builder: TokenClientBuilder, listener: &Listener, words: &str) {
    let client = builder.build().unwrap();
    let error = client.access_token().await.expect_err(words);
    assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
    assert!(!error.is_retryable(), "{error}");
    assert!(
        error.to_string().contains("no trusted TLS connection"),
        "{error}"
    );
    assert!(error.to_string().contains(words), "{error}");
    assert!(error.hint().is_some());
    assert_eq!(canary::leak_of(&error), None);
    assert_eq!(listener.connections(), 1, "it is not tried again");
    assert_no_http(listener);
}

#[tokio::test]
async fn a_good_certificate_of_a_trusted_authority_is_accepted() {
    let server = Server::start(tls::authority(), Flaw::None, granted(60));
    let by_address = format!("https://127.0.0.1:{}/token", server.listener().port());
    for endpoint in [server.endpoint(), by_address.parse().unwrap()] {
        client::client(endpoint).access_token().await.unwrap();
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| request.body == FORM));
    assert_no_http(server.listener());
}

#[tokio::test]
async fn a_bad_certificate_is_refused() {
    for (flaw, words) in [
        (Flaw::Expired, "expired"),
        (Flaw::NotYetValid, "not valid yet"),
        (Flaw::WrongHost, "not valid for name"),
    ] {
        let server = Server::start(tls::authority(), flaw, granted(60));
        let builder = client::builder(server.endpoint());
        assert_refused(builder, server.listener(), words).await;
        assert!(server.requests().is_empty());
    }
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    for (name, words) in [
        ("another authority", "UnknownIssuer"),
        // A name is no proof.
        (tls::TRUSTED, "BadSignature"),
    ] {
        let server = Server::start(&Authority::new(name), Flaw::None, granted(60));
        let builder = client::builder(server.endpoint());
        assert_refused(builder, server.listener(), words).await;
        assert!(server.requests().is_empty());
    }
}

/// Without certificates of one's own, those of the system count.
#[tokio::test]
async fn the_system_does_not_trust_just_anybody() {
    let server = Server::start(tls::authority(), Flaw::None, granted(60));
    let builder = TokenClient::builder(server.endpoint())
        .credentials(client::client_id(), client::client_secret());
    assert_refused(builder, server.listener(), "UnknownIssuer").await;
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn without_a_usable_certificate_to_trust_nothing_is_sent() {
    let server = Server::start(tls::authority(), Flaw::None, granted(60));
    for pem in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n"] {
        let builder = client::builder(server.endpoint()).ca_certificates(pem);
        let error = builder.build().unwrap().access_token().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{pem:?}: {error}");
        assert!(!error.is_retryable());
    }
    assert_eq!(server.listener().connections(), 0);
}

/// Waits for the first bytes of the client, and says this.
fn answering(bytes: impl Into<Vec<u8>>) -> Listener {
    let bytes = bytes.into();
    Listener::start(move |mut connection| {
        let mut hello = [0; 4096];
        if connection.read(&mut hello).is_ok() && connection.write_all(&bytes).is_ok() {
            connection.finish();
        }
    })
}

#[tokio::test]
async fn a_server_without_tls_is_told_nothing() {
    for plain in [
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        "220 mail.example.com ESMTP\r\n",
    ] {
        let listener = answering(plain);
        let builder = client::builder(tls::endpoint(&listener));
        assert_refused(builder, &listener, "corrupt message").await;
    }
}

#[tokio::test]
async fn a_server_with_tls_1_1_only_is_told_nothing() {
    // A fatal alert: protocol_version.
    let alert = answering([0x15, 3, 2, 0, 2, 2, 70]);
    let builder = client::builder(tls::endpoint(&alert));
    assert_refused(builder, &alert, "ProtocolVersion").await;

    // A ServerHello of TLS 1.1 with TLS_RSA_WITH_AES_128_CBC_SHA.
    let mut hello = vec![0x16, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
    hello.extend_from_slice(&[7; 32]);
    hello.extend_from_slice(&[0, 0, 0x2f, 0]);
    let old = answering(hello);
    let builder = client::builder(tls::endpoint(&old));
    assert_refused(builder, &old, "peer is incompatible").await;
}

#[tokio::test]
async fn a_handshake_that_breaks_off_is_tried_again() {
    let listener = Listener::start(|mut connection| {
        let mut hello = [0; 4096];
        if connection.read(&mut hello).is_ok() {
            connection.finish();
        }
    });
    let client = client::client(tls::endpoint(&listener));
    let error = client.access_token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
    assert!(error.is_retryable());
    assert_eq!(listener.connections(), 3);
    assert_no_http(&listener);
}

#[tokio::test]
async fn a_handshake_that_hangs_ends_by_the_limit_for_connecting() {
    let listener = Listener::silent();
    let policy = brisk()
        .attempts(2)
        .connect_timeout(Duration::from_millis(200));
    let builder = client::builder(tls::endpoint(&listener)).retry(policy);
    let (outcome, took) = timed(&builder.build().unwrap()).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(took <= Duration::from_secs(2) + GRACE, "{took:?}");
    assert!(took >= Duration::from_millis(400), "{took:?}");
    assert_eq!(listener.connections(), 2);
    assert_no_http(&listener);
}
