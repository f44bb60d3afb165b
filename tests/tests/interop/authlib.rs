//! PyPI's `authlib`, which takes the Basic header as it is.

use std::time::Duration;

use prove_token::{ClientAuthentication, ErrorKind};
use prove_token_tests::canary::SECRET;
use prove_token_tests::peer::{Peer, Registered};

use super::{POST, ask, code, reading, scoped};

const RAW: Registered = Registered {
    client_id: "raw + client",
    client_secret: SECRET,
    token_endpoint_auth_method: "client_secret_basic",
    scope: "read write",
};

#[tokio::test]
async fn post_carries_every_character() {
    let peer = Peer::authlib(&[POST]);
    let method = ClientAuthentication::RequestBody;
    let token = ask(&peer, POST, method, reading()).await.unwrap();
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
async fn basic_is_raw_and_the_encoded_style_is_refused() {
    let peer = Peer::authlib(&[RAW]);
    let method = ClientAuthentication::BasicRaw;
    ask(&peer, RAW, method, reading()).await.unwrap();

    for method in [
        ClientAuthentication::Basic,
        ClientAuthentication::RequestBody,
    ] {
        let error = ask(&peer, RAW, method, reading()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsRejected, "{error}");
        assert_eq!(code(&error), Some("invalid_client"));
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn scope_is_understood() {
    let peer = Peer::authlib(&[POST]);
    let method = ClientAuthentication::RequestBody;
    let error = ask(&peer, POST, method, scoped("unknown"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestRejected, "{error}");
    assert_eq!(code(&error), Some("invalid_scope"));

    // It grants what the client may have of what was asked for.
    let error = ask(&peer, POST, method, scoped("admin read"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestRejected, "{error}");
    assert!(error.to_string().contains("less than the scope"), "{error}");
}
