//! npm's `oidc-provider`, which decodes by the letter of RFC 6749 §2.3.1.

use std::time::Duration;

use prove_token::{AccessTokenRequest, ClientAuthentication, ErrorKind};
use prove_token_tests::peer::{Peer, Registered};

use super::{POST, ask, code, reading, scoped};

/// Its Basic header takes ASCII only. `%41` is an `A` to whoever decodes twice.
const BASIC: Registered = Registered {
    client_id: "basic + client",
    client_secret: "p+o&s=t %41~s3cret5e1f",
    token_endpoint_auth_method: "client_secret_basic",
    scope: "read write",
};

#[tokio::test]
async fn post_carries_every_character() {
    let peer = Peer::oidc_provider(&[POST]);
    let method = ClientAuthentication::RequestBody;
    let token = ask(&peer, POST, method, reading()).await.unwrap();
    assert!(!token.value().is_empty());
    assert_eq!(token.lifetime(), Duration::from_secs(3600));
    assert_eq!(token.scope(), Some(&"read".parse().unwrap()));

    let wrong = Registered {
        client_secret: "p o&s=t% ü~s3cret5e1f",
        ..POST
    };
    let error = ask(&peer, wrong, method, reading()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
    assert_eq!(code(&error), Some("invalid_client"));
}

#[tokio::test]
async fn basic_is_form_encoded_and_the_raw_style_is_refused() {
    let peer = Peer::oidc_provider(&[BASIC]);
    let method = ClientAuthentication::Basic;
    ask(&peer, BASIC, method, reading()).await.unwrap();

    let method = ClientAuthentication::BasicRaw;
    let error = ask(&peer, BASIC, method, reading()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsRejected, "{error}");
    assert_eq!(code(&error), Some("invalid_client"));
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn scope_and_resource_are_understood() {
    let peer = Peer::oidc_provider(&[POST]);
    let method = ClientAuthentication::RequestBody;
    let error = ask(&peer, POST, method, scoped("admin")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestRejected, "{error}");
    assert_eq!(code(&error), Some("invalid_scope"));

    let resource = peer.resource().unwrap();
    let request = AccessTokenRequest::new().resource(resource);
    let token = ask(&peer, POST, method, request).await.unwrap();
    assert_eq!(token.value().split('.').count(), 3, "a JWT");

    let request = AccessTokenRequest::new().resource("https://other.example.com");
    let error = ask(&peer, POST, method, request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestRejected, "{error}");
    assert_eq!(code(&error), Some("invalid_target"));
}
