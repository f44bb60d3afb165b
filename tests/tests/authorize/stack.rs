//! The integrations behind one face, and the API that they call.

use std::fmt;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use prove_token::authorize::reqwest_middleware::BearerAuth as Middleware;
use prove_token::authorize::tower::{BearerAuth, BearerAuthLayer, CloneBody};
use prove_token::{Endpoint, TokenClient};
use prove_token_tests::canary;
use prove_token_tests::http::Server;
use reqwest_middleware::ClientWithMiddleware;
use serde_json::Value;
use tower::{Layer as _, ServiceExt as _};

pub(super) type Hyper = Client<HttpConnector, Full<Bytes>>;

/// A client of an API.
#[derive(Clone)]
pub(super) enum Stack {
    Reqwest(ClientWithMiddleware),
    Tower(Box<BearerAuth<Hyper, CloneBody>>),
}

impl Stack {
    /// One of each kind.
    pub(super) fn both(tokens: impl Fn() -> TokenClient, api: &Endpoint) -> [Self; 2] {
        [
            Self::reqwest(tokens(), api, reqwest::Client::builder()),
            Self::tower(tokens(), api),
        ]
    }

    /// The middleware over reqwest, which follows redirects unless told otherwise.
    pub(super) fn reqwest(
        tokens: TokenClient,
        api: &Endpoint,
        builder: reqwest::ClientBuilder,
    ) -> Self {
        let http = builder.no_proxy().tls_certs_only([]).build().unwrap();
        let auth = Middleware::new(tokens, api.clone());
        assert_eq!(canary::leak(&format!("{auth:?}")), None);
        Self::Reqwest(
            reqwest_middleware::ClientBuilder::new(http)
                .with(auth)
                .build(),
        )
    }

    pub(super) fn tower(tokens: TokenClient, api: &Endpoint) -> Self {
        let layer = BearerAuthLayer::new(tokens, api.clone()).replay(CloneBody);
        let service = layer.layer(hyper());
        assert_eq!(canary::leak(&format!("{layer:?} {service:?}")), None);
        Self::Tower(Box::new(service))
    }

    /// The status of the answer, or the token client's error.
    pub(super) async fn post(&self, url: &str, body: &str) -> Result<u16, prove_token::Error> {
        self.send(Method::POST, url, body, None).await
    }

    /// The status and the body of an answer to JSON.
    pub(super) async fn post_json(&self, url: &str, body: &Value) -> (u16, Value) {
        let request = request(Method::POST, url, &body.to_string(), None);
        let (status, body) = self.exchange(request).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    pub(super) async fn send(
        &self,
        method: Method,
        url: &str,
        body: &str,
        own_authorization: Option<&str>,
    ) -> Result<u16, prove_token::Error> {
        let request = request(method, url, body, own_authorization);
        self.exchange(request).await.map(|(status, _)| status)
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<(u16, Bytes), prove_token::Error> {
        match self {
            Self::Reqwest(client) => {
                let answer = client.execute(request.try_into().unwrap()).await;
                let answer = answer.map_err(|error| match error {
                    reqwest_middleware::Error::Middleware(error) => token_error(&*error),
                    other => panic!("{other}"),
                })?;
                Ok((answer.status().as_u16(), answer.bytes().await.unwrap()))
            }
            Self::Tower(service) => {
                let service = BearerAuth::clone(service);
                let answer = service.oneshot(request.map(Full::new)).await;
                let answer = answer.map_err(|error| token_error(&*error))?;
                let status = answer.status().as_u16();
                let body = answer.into_body().collect().await.unwrap();
                Ok((status, body.to_bytes()))
            }
        }
    }
}

fn request(
    method: Method,
    url: &str,
    body: &str,
    own_authorization: Option<&str>,
) -> Request<Bytes> {
    let mut request = Request::builder()
        .method(method)
        .uri(url)
        .header("content-type", "application/json");
    if let Some(own) = own_authorization {
        request = request.header(AUTHORIZATION, own);
    }
    request.body(Bytes::from(body.to_owned())).unwrap()
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reqwest(_) => "reqwest",
            Self::Tower(_) => "tower",
        })
    }
}

pub(super) fn hyper() -> Hyper {
    Client::builder(TokioExecutor::new()).build_http()
}

/// The core's error, as applications find it: it is the error itself or a source of it.
fn token_error(error: &(dyn std::error::Error + Send + Sync + 'static)) -> prove_token::Error {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<prove_token::Error>() {
            assert_eq!(canary::leak_of(found), None);
            return found.clone();
        }
        next = error.source();
    }
    panic!("no error of the token client: {error}")
}

/// The base address of a server.
pub(super) fn base(server: &Server) -> Endpoint {
    server.endpoint().origin().parse().unwrap()
}

/// The `Authorization` values that a server has seen, in order; `-` for a request
/// without.
pub(super) fn authorizations(server: &Server) -> Vec<String> {
    let each = server.requests();
    each.iter()
        .map(|request| match request.header("authorization")[..] {
            [] => "-".to_owned(),
            [one] => one.to_owned(),
            _ => panic!("several: {}", request.head),
        })
        .collect()
}
