use super::*;

async fn send(transport: &HttpTransport, uri: &str) -> TransportError {
    let mut request = http::Request::new(Body::new("client_secret=canary"));
    *request.uri_mut() = uri.parse().unwrap();
    transport.send(request).await.unwrap_err()
}

#[tokio::test]
async fn plain_http_goes_nowhere_but_to_loopback() {
    let transport = HttpTransport::builder().build();
    for uri in [
        "http://192.0.2.2/token",
        "http://example.com/token",
        "ftp://localhost/",
    ] {
        let error = send(&transport, uri).await;
        assert_eq!(error.kind(), TransportErrorKind::Setup, "{uri}");
    }
    let error = send(&transport, "http://LOCALHOST:1/token").await;
    assert_eq!(error.kind(), TransportErrorKind::Connect);
}

#[tokio::test]
async fn a_loopback_address_needs_no_trust_store() {
    let transport = HttpTransport::builder()
        .ca_certificates("no certificate")
        .build();
    let error = send(&transport, "http://127.0.0.1:1/token").await;
    assert_eq!(error.kind(), TransportErrorKind::Connect);
    let error = send(&transport, "https://127.0.0.1:1/token").await;
    assert_eq!(error.kind(), TransportErrorKind::Setup);
}

#[tokio::test]
async fn a_host_name_that_no_parser_takes_is_an_address_mistake() {
    let error = send(
        &HttpTransport::builder().build(),
        "https://xn--a.example/token",
    )
    .await;
    assert_eq!(error.kind(), TransportErrorKind::Resolve);
}

#[test]
fn debug_shows_no_certificate() {
    let builder = HttpTransport::builder().ca_certificates("canary");
    assert!(!format!("{builder:?} {:?}", builder.clone().build()).contains("canary"));
}
