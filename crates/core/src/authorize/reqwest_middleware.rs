//! A middleware for clients of the crate `reqwest-middleware`.
//!
//! ```no_run
//! use prove_token::authorize::reqwest_middleware::BearerAuth;
//! use prove_token::{ClientSecret, Environment, TokenClient};
//! # async fn example(secret: ClientSecret) -> Result<(), Box<dyn std::error::Error>> {
//! let tokens = TokenClient::builder(Environment::UatUs)
//!     .credentials("my-client-id", secret)
//!     .build()?;
//! let http = reqwest::Client::builder()
//!     .redirect(reqwest::redirect::Policy::none())
//!     .build()?;
//! let api = Environment::UatUs.api_base();
//! let client = reqwest_middleware::ClientBuilder::new(http)
//!     .with(BearerAuth::new(tokens, api.clone()))
//!     .build();
//! let answer = client.post(format!("{api}/v3/start")).body("{}").send().await?;
//! # Ok(()) }
//! ```

use ::reqwest_middleware::{Error as MiddlewareError, Middleware, Next, Result as Answer};
use http::header::AUTHORIZATION;
use http::{Extensions, Uri};
use reqwest::{Request, Response, Url};

use super::bearer::Bearer;
use super::rejects_token;
use crate::client::TokenClient;
use crate::endpoint::Endpoint;
use crate::request::AccessTokenRequest;
use crate::token::AccessToken;

/// Authorizes requests to one API with a bearer token (RFC 6750), and replays one
/// whose token was rejected; [`authorize`](crate::authorize) has the rules.
///
/// A request is replayed if its body can be copied
/// ([`Request::try_clone`]), which bodies that stream cannot; its time limit then
/// starts anew. Middleware that retries belongs outside of this one (before it, in
/// the order of `with`), so that each try gets a current token.
///
/// # Redirects
///
/// They are followed below, by reqwest, which takes the `Authorization` header away
/// when the scheme, host or port changes: the token goes to no other origin, and a
/// 401 from there is not held against it. A 401 that comes after a redirect
/// within the origin rejects the token, but is replayed only for safe methods (`GET`
/// and the like): what the first answer stood for has been done. APIs have no need of
/// redirects, so it is best to turn them off, as above.
///
/// # Errors
///
/// Without a token, a request fails with [`reqwest_middleware::Error::Middleware`],
/// which holds the [`prove_token::Error`](crate::Error): ask its `downcast_ref`.
///
/// [`reqwest_middleware::Error::Middleware`]: MiddlewareError::Middleware
#[derive(Clone, Debug)]
pub struct BearerAuth(Bearer);

impl BearerAuth {
    /// Authorizes requests to the origin of `api`, whatever its path, with the tokens
    /// of `client`. Requests to other origins pass as they are; for several APIs, give
    /// a client several of these.
    pub fn new(client: TokenClient, api: Endpoint) -> Self {
        Self(Bearer::new(client, api))
    }

    /// What the tokens are asked for, as in
    /// [`TokenClient::access_token_with`]. Default: what the client was built with.
    #[must_use]
    pub fn request(mut self, request: AccessTokenRequest) -> Self {
        self.0.ask_for(request);
        self
    }

    fn is_for(&self, url: &Url) -> bool {
        // The very conversion by which reqwest finds out where to connect.
        let target = url.as_str().parse::<Uri>();
        target.is_ok_and(|target| self.0.is_for(&target))
    }
}

#[async_trait::async_trait]
impl Middleware for BearerAuth {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Answer<Response> {
        if !self.is_for(request.url()) {
            return next.run(request, extensions).await;
        }
        let spare = request.try_clone();
        let token = self.0.token().await.map_err(MiddlewareError::middleware)?;
        authorize(&mut request, &token);
        let answer = next.clone().run(request, extensions).await?;
        if !rejects_token(answer.status(), answer.headers()) || !self.is_for(answer.url()) {
            return Ok(answer);
        }
        self.0.reject(&token);
        let Some(mut again) = spare.filter(|request| is_answered_by(request, &answer)) else {
            return Ok(answer);
        };
        let replacement = self.0.replacement(&token).await;
        match replacement.map_err(MiddlewareError::middleware)? {
            None => Ok(answer),
            Some(token) => {
                // Its connection is free for the next request.
                drop(answer);
                authorize(&mut again, &token);
                next.run(again, extensions).await
            }
        }
    }
}

fn authorize(request: &mut Request, token: &AccessToken) {
    let header = token.authorization_header();
    request.headers_mut().insert(AUTHORIZATION, header);
}

/// Whether the answer is to this request, and not to one that a redirect led to. For
/// a safe method that makes no difference.
fn is_answered_by(request: &Request, answer: &Response) -> bool {
    fn sent(url: &Url) -> Option<&str> {
        url.as_str().split('#').next()
    }
    request.method().is_safe() || sent(request.url()) == sent(answer.url())
}
