//! What is sent once more, and what is not.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use prove_token::authorize::reqwest_middleware::BearerAuth as Middleware;
use prove_token::authorize::tower::BearerAuthLayer;
use prove_token::{AccessTokenRequest, Endpoint, ErrorKind, TokenClient};
use prove_token_emulator::{Emulator, Fault};
use prove_token_tests::{client, emulator};
use tower::{Layer as _, ServiceExt as _};

use super::stack::{Stack, hyper};

const START: &str = r#"{"flowType":"mobile"}"#;

/// The next requests for `/v3/start` are answered so.
fn refusing(challenge: &str) -> Emulator {
    let fault = Fault::status(401).path("/v3/start");
    emulator::with(fault.header("WWW-Authenticate", challenge))
}

fn api(emulator: &Emulator) -> Endpoint {
    emulator.url().parse().unwrap()
}

fn start_url(emulator: &Emulator) -> String {
    format!("{}/v3/start", emulator.url())
}

fn tokens(emulator: &Emulator) -> TokenClient {
    client::client(emulator::endpoint(emulator))
}

/// How often the operation was called.
fn calls(emulator: &Emulator) -> usize {
    let requests = emulator.requests();
    let starts = requests.iter().filter(|seen| seen.path == "/v3/start");
    starts.count()
}

#[tokio::test]
async fn a_rejected_token_is_renewed_and_the_request_replayed() {
    for kind in 0..2 {
        for challenge in [
            r#"Bearer error="invalid_token""#,
            r#"Basic realm="a", BEARER realm="b""#,
        ] {
            let emulator = refusing(challenge);
            let stack = &Stack::both(|| tokens(&emulator), &api(&emulator))[kind];
            let status = stack.post(&start_url(&emulator), START).await.unwrap();
            assert_eq!(status, 200, "{stack:?} {challenge}");
            assert_eq!(calls(&emulator), 2);
            assert_eq!(emulator.token_requests(), 2);
            let requests = emulator.requests();
            let starts: Vec<_> = requests.iter().filter(|r| r.path == "/v3/start").collect();
            assert_eq!(starts[0].body_fields, starts[1].body_fields);
            assert_eq!(starts[0].headers, starts[1].headers);
        }
    }
}

#[tokio::test]
async fn another_error_is_handed_on() {
    for kind in 0..2 {
        for challenge in [
            r#"Bearer error="insufficient_scope", scope="admin""#,
            r#"Basic realm="error=", bearer realm="b" , Error = invalid_request"#,
        ] {
            let emulator = refusing(challenge);
            let stack = &Stack::both(|| tokens(&emulator), &api(&emulator))[kind];
            let status = stack.post(&start_url(&emulator), START).await.unwrap();
            assert_eq!(status, 401, "{stack:?} {challenge}");
            assert_eq!(calls(&emulator), 1);
            assert_eq!(emulator.token_requests(), 1);
        }
    }
}

/// A body that streams is sent as it is; after its 401 the next request gets another
/// token.
#[tokio::test]
async fn a_body_that_streams_is_not_replayed() {
    let emulator = refusing("Bearer");
    let http = reqwest::Client::builder().tls_certs_only([]);
    let client = reqwest_middleware::ClientBuilder::new(http.build().unwrap())
        .with(Middleware::new(tokens(&emulator), api(&emulator)))
        .build();
    let send = async || {
        let body = reqwest::Body::wrap(Full::new(Bytes::from(START)));
        let request = client.post(start_url(&emulator)).body(body);
        let request = request.header("content-type", "application/json");
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(send().await, 401);
    assert_eq!((calls(&emulator), emulator.token_requests()), (1, 1));
    assert_eq!(send().await, 200);
    assert_eq!((calls(&emulator), emulator.token_requests()), (2, 2));
}

#[tokio::test]
async fn a_body_that_is_not_copied_is_not_replayed() {
    let emulator = refusing("Bearer");
    let layer = BearerAuthLayer::new(tokens(&emulator), api(&emulator));
    let service = layer.layer(hyper());
    let send = async || {
        let request = Request::post(start_url(&emulator))
            .header("content-type", "application/json")
            .body(Full::from(START));
        let answer = service.clone().oneshot(request.unwrap()).await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(send().await, 401);
    assert_eq!((calls(&emulator), emulator.token_requests()), (1, 1));
    assert_eq!(send().await, 200);
    assert_eq!((calls(&emulator), emulator.token_requests()), (2, 2));
}

/// The application says which of its bodies are whole.
#[tokio::test]
async fn a_function_copies_bodies() {
    let emulator = refusing("Bearer");
    let layer = BearerAuthLayer::new(tokens(&emulator), api(&emulator))
        .replay(|body: &Full<Bytes>| Some(body.clone()));
    let request = Request::post(start_url(&emulator))
        .header("content-type", "application/json")
        .body(Full::from(START));
    let answer = layer
        .layer(hyper())
        .oneshot(request.unwrap())
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(body.starts_with(b"{"));
    assert_eq!(calls(&emulator), 2);
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let refusal = Fault::status(401).times(0);
    let emulator = emulator::with(refusal);
    for stack in Stack::both(|| tokens(&emulator), &api(&emulator)) {
        let error = stack.post(&start_url(&emulator), START).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsRejected, "{stack:?}");
    }
    assert_eq!(calls(&emulator), 0);
}

#[tokio::test]
async fn no_token_for_the_replay_is_an_error() {
    for kind in 0..2 {
        let emulator = refusing("Bearer");
        emulator.inject(Fault::status(403).skip(1));
        let stack = &Stack::both(|| tokens(&emulator), &api(&emulator))[kind];
        let error = stack.post(&start_url(&emulator), START).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RequestRejected, "{stack:?}");
        assert_eq!(calls(&emulator), 1);
    }
}

/// Each request for tokens has its own.
#[tokio::test]
async fn tokens_are_asked_for_as_wished() {
    let emulator = emulator::builder().start().unwrap();
    let tokens = tokens(&emulator);
    let wish = AccessTokenRequest::new().audience("the-audience");
    let auth = Middleware::new(tokens.clone(), api(&emulator)).request(wish.clone());
    let http = reqwest::Client::builder().tls_certs_only([]);
    let client = reqwest_middleware::ClientBuilder::new(http.build().unwrap())
        .with(auth)
        .build();
    let answer = client.get(start_url(&emulator)).send().await.unwrap();
    assert_ne!(answer.status(), 401);
    let layer = BearerAuthLayer::new(tokens, api(&emulator)).request(wish);
    let request = Request::builder()
        .method(Method::GET)
        .uri(start_url(&emulator));
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let answer = layer.layer(hyper()).oneshot(request).await.unwrap();
    assert_ne!(answer.status(), 401);
    let requests = emulator.requests();
    let asked: Vec<_> = requests.iter().filter(|r| r.path == "/token").collect();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].body_fields.contains(&"audience".to_owned()));
}
