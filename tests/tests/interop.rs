//! Authorization servers and clients that are not ours: what they decode is what we
//! meant. And a stranger who believes what the service says of itself.

mod authlib;
#[cfg(unix)]
mod broker;
#[cfg(unix)]
mod curl;
#[cfg(unix)]
mod oauth_clients;
mod oidc_provider;
#[cfg(unix)]
mod prove_sdk;
#[cfg(unix)]
mod schemathesis;

use prove_token::{
    AccessToken, AccessTokenRequest, ClientAuthentication, ClientId, ClientSecret, Error,
};
use prove_token_tests::canary::{self, CLIENT_ID, SECRET};
use prove_token_tests::client;
use prove_token_tests::peer::{Peer, Registered};

const POST: Registered = Registered {
    client_id: CLIENT_ID,
    client_secret: SECRET,
    token_endpoint_auth_method: "client_secret_post",
    scope: "read write",
};

/// One call as `client`, by `authentication`.
async fn ask(
    peer: &Peer,
    client: Registered,
    authentication: ClientAuthentication,
    request: AccessTokenRequest,
) -> Result<AccessToken, Error> {
    let id = ClientId::new(client.client_id).unwrap();
    let secret = ClientSecret::new(client.client_secret).unwrap();
    let outcome = client::builder(peer.endpoint())
        .credentials(id, secret)
        .client_authentication(authentication)
        .request(request)
        .build()
        .unwrap()
        .access_token()
        .await;
    if let Err(error) = &outcome {
        assert_eq!(canary::leak_of(error), None);
    }
    outcome
}

fn reading() -> AccessTokenRequest {
    scoped("read")
}

fn scoped(scope: &str) -> AccessTokenRequest {
    AccessTokenRequest::new().scope(scope.parse().unwrap())
}

/// RFC 6749 §5.2 `error`.
fn code(error: &Error) -> Option<&str> {
    error.error_response()?.error.as_deref()
}
