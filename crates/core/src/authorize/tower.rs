//! A layer for services of the crate `tower` that send `http` requests: hyper-util's
//! client, say.
//!
//! ```
//! use prove_token::TokenClient;
//! use prove_token::authorize::tower::{BearerAuth, BearerAuthLayer, CloneBody};
//! use tower_layer::Layer;
//! # fn example<S>(tokens: TokenClient, http: S) -> Result<BearerAuth<S, CloneBody>, prove_token::Error> {
//! let api = "https://api.example.com".parse()?;
//! let service = BearerAuthLayer::new(tokens, api).replay(CloneBody).layer(http);
//! # Ok(service) }
//! ```

use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::AUTHORIZATION;
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::bearer::Bearer;
use super::rejects_token;
use crate::client::TokenClient;
use crate::endpoint::Endpoint;
use crate::request::AccessTokenRequest;
use crate::token::AccessToken;

/// A service's error or, without a token, the [`prove_token::Error`](crate::Error):
/// ask its `downcast_ref`.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// What a [`BearerAuth`] answers with.
pub type ResponseFuture<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Makes a [`BearerAuth`] of a service that sends requests.
#[derive(Clone, Debug)]
pub struct BearerAuthLayer<R = NoReplay> {
    bearer: Bearer,
    replay: R,
}

impl BearerAuthLayer {
    /// Authorizes requests to the origin of `api`, whatever its path, with the tokens
    /// of `client`. Requests to other origins pass as they are, and so do those whose
    /// URI is only a path.
    ///
    /// No request is replayed: how a body is copied is for [`replay`](Self::replay) to
    /// say.
    pub fn new(client: TokenClient, api: Endpoint) -> Self {
        Self {
            bearer: Bearer::new(client, api),
            replay: NoReplay,
        }
    }
}

impl<R> BearerAuthLayer<R> {
    /// What the tokens are asked for, as in
    /// [`TokenClient::access_token_with`]. Default: what the client was built with.
    #[must_use]
    pub fn request(mut self, request: AccessTokenRequest) -> Self {
        self.bearer.ask_for(request);
        self
    }

    /// How a body is copied, before it is sent, for the case that its request must be
    /// replayed: [`CloneBody`], or a function from `&B` to `Option<B>`. Default:
    /// [`NoReplay`].
    #[must_use]
    pub fn replay<N>(self, replay: N) -> BearerAuthLayer<N> {
        BearerAuthLayer {
            bearer: self.bearer,
            replay,
        }
    }
}

impl<S, R: Clone> Layer<S> for BearerAuthLayer<R> {
    type Service = BearerAuth<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        BearerAuth {
            inner,
            bearer: self.bearer.clone(),
            replay: self.replay.clone(),
        }
    }
}

/// How to get a second copy of a request's body.
pub trait ReplayBody<B> {
    /// A copy of the whole body, or `None` if there is none. It is asked for before
    /// each request, so it must be cheap, and must not collect a body that streams.
    fn copy(&self, body: &B) -> Option<B>;
}

/// No request is replayed. Its answer is handed on, and the next one gets another
/// token.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoReplay;

impl<B> ReplayBody<B> for NoReplay {
    fn copy(&self, _: &B) -> Option<B> {
        None
    }
}

/// Bodies are cloned: for types whose clone is a whole body of its own, such as
/// http-body-util's `Full<Bytes>`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CloneBody;

impl<B: Clone> ReplayBody<B> for CloneBody {
    fn copy(&self, body: &B) -> Option<B> {
        Some(body.clone())
    }
}

impl<B, F: Fn(&B) -> Option<B>> ReplayBody<B> for F {
    fn copy(&self, body: &B) -> Option<B> {
        self(body)
    }
}

/// Authorizes requests to one API with a bearer token (RFC 6750), and replays one
/// whose token was rejected; [`authorize`](crate::authorize) has the rules, and
/// [`BearerAuthLayer`] makes it.
///
/// A layer that follows redirects belongs outside of this one: each hop is then
/// judged anew, and the token goes to no other origin. So does one that retries or
/// that limits the time of a request.
#[derive(Clone)]
pub struct BearerAuth<S, R = NoReplay> {
    inner: S,
    bearer: Bearer,
    replay: R,
}

impl<S, R, B, A> Service<Request<B>> for BearerAuth<S, R>
where
    S: Service<Request<B>, Response = Response<A>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    R: ReplayBody<B>,
    B: Send + 'static,
    A: Send + 'static,
{
    type Response = Response<A>;
    type Error = BoxError;
    type Future = ResponseFuture<Response<A>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that is ready is used; its clone has yet to become so.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        if !self.bearer.is_for(request.uri()) {
            let passing = inner.call(request);
            return Box::pin(async move { passing.await.map_err(Into::into) });
        }
        let (head, body) = request.into_parts();
        let copy = self.replay.copy(&body);
        let spare = copy.map(|copy| Request::from_parts(head.clone(), copy));
        let request = Request::from_parts(head, body);
        Box::pin(send(inner, self.bearer.clone(), request, spare))
    }
}

async fn send<S, B, A>(
    mut inner: S,
    bearer: Bearer,
    mut request: Request<B>,
    spare: Option<Request<B>>,
) -> Result<Response<A>, BoxError>
where
    S: Service<Request<B>, Response = Response<A>>,
    S::Error: Into<BoxError>,
{
    let token = bearer.token().await?;
    authorize(&mut request, &token);
    let answer = inner.call(request).await.map_err(Into::into)?;
    if !rejects_token(answer.status(), answer.headers()) {
        return Ok(answer);
    }
    bearer.reject(&token);
    let Some(mut again) = spare else {
        return Ok(answer);
    };
    let Some(token) = bearer.replacement(&token).await? else {
        return Ok(answer);
    };
    // Its connection, or its place in a limit, is free for the next request.
    drop(answer);
    authorize(&mut again, &token);
    poll_fn(|context| inner.poll_ready(context))
        .await
        .map_err(Into::into)?;
    inner.call(again).await.map_err(Into::into)
}

fn authorize<B>(request: &mut Request<B>, token: &AccessToken) {
    let header = token.authorization_header();
    request.headers_mut().insert(AUTHORIZATION, header);
}

/// A service may hold requests with tokens.
impl<S, R> fmt::Debug for BearerAuth<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerAuth")
            .field("bearer", &self.bearer)
            .finish_non_exhaustive()
    }
}
