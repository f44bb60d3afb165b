//! What is sent, byte by byte.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prove_token::{AccessTokenRequest, ClientAuthentication};
use prove_token_tests::client;
use prove_token_tests::http::{Request, Server, Then, granted};

/// The form with the tests' credentials in it, each character encoded once.
pub(crate) const FORM: &str = "grant_type=client_credentials&client_id=wire+client\
                               &client_secret=p%2Bo%26s%3Dt%25+%C3%BC%7Es3cret5e1f";

async fn sent(authentication: ClientAuthentication, request: AccessTokenRequest) -> Request {
    let server = Server::playing(vec![granted(3600)], Then::KeepOpen);
    let client = client::builder(server.endpoint())
        .client_authentication(authentication)
        .request(request)
        .build()
        .unwrap();
    client.access_token().await.unwrap();
    let mut requests = server.requests();
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

#[tokio::test]
async fn the_form_holds_each_field_once() {
    let request = AccessTokenRequest::new()
        .scope("write read".parse().unwrap())
        .audience("https://api.example.com/a b")
        .resource("urn:ü")
        .parameter("tenant", "a&b=c")
        .unwrap();
    let sent = sent(ClientAuthentication::RequestBody, request).await;
    assert_eq!(
        sent.body,
        format!(
            "{FORM}&scope=read+write&audience=https%3A%2F%2Fapi.example.com%2Fa+b\
             &resource=urn%3A%C3%BC&tenant=a%26b%3Dc"
        )
    );
    assert!(sent.header("authorization").is_empty());
}

#[tokio::test]
async fn the_head_says_what_it_must_and_no_more() {
    let sent = sent(ClientAuthentication::RequestBody, AccessTokenRequest::new()).await;
    assert_eq!(sent.head.lines().next(), Some("POST /token HTTP/1.1"));
    for (name, value) in [
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept", "application/json"),
        ("accept-encoding", "identity"),
        ("content-length", &*FORM.len().to_string()),
    ] {
        assert_eq!(sent.header(name), [value], "{name}");
    }
    assert_eq!(sent.header("host").len(), 1);
    assert!(sent.header("user-agent")[0].starts_with("prove-token/"));
}

#[tokio::test]
async fn basic_encodes_before_it_joins_and_leaves_the_body_alone() {
    for (authentication, pair) in [
        (
            ClientAuthentication::Basic,
            "wire+client:p%2Bo%26s%3Dt%25+%C3%BC%7Es3cret5e1f",
        ),
        (
            ClientAuthentication::BasicRaw,
            "wire client:p+o&s=t% ü~s3cret5e1f",
        ),
    ] {
        let sent = sent(authentication, AccessTokenRequest::new()).await;
        let header = format!("Basic {}", STANDARD.encode(pair));
        assert_eq!(sent.header("authorization"), [&*header], "{pair}");
        assert_eq!(sent.body, "grant_type=client_credentials");
    }
}
