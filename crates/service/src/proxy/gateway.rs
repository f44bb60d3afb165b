//! One profile's way to its API.

use std::time::Duration;

use http::header::{AUTHORIZATION, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Request, Response, StatusCode, Uri, Version};
use hyper::body::{Body as _, Incoming};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use prove_token::authorize::rejects_token;
use prove_token::{AccessToken, Endpoint, ErrorKind, RequestBudget, SystemClock, TokenClient};
use prove_token_config::Profile;

use super::body::{Reel, Run};
use super::dial::Dialer;
use super::queue::Rows;
use super::{fault, header, trust};
use crate::failure::Failure;
use crate::reply::Refusal;
use crate::trace::Upstream;

/// An idle connection is closed after this: load balancers forget idle ones after a
/// minute.
const IDLE: Duration = Duration::from_secs(30);

/// What is read ahead of a connection, and written ahead, in bytes: no more than the longest
/// head of an answer takes. hyper's own bound is six times as high, and every transfer whose
/// other side stands still comes to it.
const LARGEST_BUFFER: usize = 64 * 1024;

/// Sends requests to one API, each with the token.
#[derive(Debug)]
pub(crate) struct Gateway {
    tokens: TokenClient,
    budget: RequestBudget,
    rows: Rows,
    http: Client<Dialer, Run>,
    base: Uri,
    /// The `Host` of the base, ready: made anew for each request it takes as long as half
    /// of the other headers.
    host: HeaderValue,
}

/// A request on its way, with all that a second try takes.
struct Call<'c> {
    caller: &'c str,
    parts: Parts,
    target: PathAndQuery,
    reel: Reel,
}

/// What became of one try.
type Sent = Result<Response<Incoming>, legacy::Error>;

impl Gateway {
    /// The way to the API of `profile`, with the tokens of `client`; `None` if the
    /// profile has no API.
    ///
    /// # Errors
    ///
    /// `Configuration` if there is nobody to trust.
    pub(crate) fn new(profile: &Profile, client: &TokenClient) -> Result<Option<Self>, Failure> {
        let Some(api) = &profile.api_base else {
            return Ok(None);
        };
        let internal = |what: &str| {
            let message = format!("profile {}: the {what} is not a URL", profile.name);
            Failure::new(ErrorKind::Internal, message)
        };
        let base: Uri = api.as_str().parse().map_err(|_| internal("API base"))?;
        let host = base.authority().map(Authority::as_str).unwrap_or_default();
        let host = host.parse().map_err(|_| internal("API base"))?;
        let proxy = match &profile.proxy {
            Some(proxy) if !is_loopback(api) => {
                Some(proxy.as_str().parse().map_err(|_| internal("proxy"))?)
            }
            _ => None,
        };
        let tls = match api.is_https() {
            true => Some(trust::config(profile)?),
            false => None,
        };
        let http = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .set_host(false)
            .http1_max_buf_size(LARGEST_BUFFER)
            .build(Dialer::new(tls, proxy, profile.timeouts.connect));
        Ok(Some(Self {
            tokens: client.clone(),
            budget: profile.budget.clone(),
            rows: Rows::default(),
            http,
            base,
            host,
        }))
    }

    /// The path of the API base.
    pub(super) fn base_path(&self) -> &str {
        self.base.path()
    }

    /// The API's answer to the request of `parts` and `body`, whose target is `target`, by
    /// `caller`.
    /// A request whose token it rejects is sent once more, if its body allows, with
    /// another token; and so is one that it hung up on, if that is safe.
    pub(super) async fn send(
        &self,
        mut parts: Parts,
        body: Incoming,
        target: PathAndQuery,
        caller: &str,
    ) -> Result<Response<Incoming>, Refusal> {
        header::to_api(&mut parts.headers, parts.version);
        let call = Call {
            caller,
            parts,
            target,
            reel: Reel::new(body),
        };
        let (rejected, token) = self.answered(&call).await?;
        if !rejects_token(rejected.status(), rejected.headers()) {
            return answer(rejected, &token);
        }
        self.tokens.invalidate(&token);
        if !call.reel.can_run_again() {
            return answer(rejected, &token);
        }
        let another = self.tokens.access_token().await?;
        if another.value() == token.value() {
            return answer(rejected, &token);
        }
        // Its connection is free for the second try.
        drop(rejected);
        let (response, token) = self.answered(&call).await?;
        answer(response, &token)
    }

    /// Any answer; a connection that was closed before there was one gets a second try.
    async fn answered(
        &self,
        call: &Call<'_>,
    ) -> Result<(Response<Incoming>, AccessToken), Refusal> {
        let error = match self.once(call).await? {
            (Ok(response), token) => return Ok((response, token)),
            (Err(error), _) => error,
        };
        let is_safe = call.parts.method.is_idempotent() && call.reel.can_run_again();
        if !is_safe || !fault::is_hung_up(&error) {
            return Err(fault::refusal(&error));
        }
        let (response, token) = self.once(call).await?;
        let response = response.map_err(|error| fault::refusal(&error))?;
        Ok((response, token))
    }

    /// One try. It takes no place in the provider's window before there is a token to go
    /// on with, and takes the token anew after a queue: another may have come by then.
    async fn once(&self, call: &Call<'_>) -> Result<(Sent, AccessToken), Refusal> {
        let token = self.tokens.access_token().await?;
        let window = || self.budget.admit(&SystemClock);
        let token = match self.rows.admit(call.caller, window).await? {
            false => token,
            true => self.tokens.access_token().await?,
        };
        let mut request = call.request(self, &token)?;
        let tried = Upstream::begin(&call.parts.extensions, &mut request);
        let sent = self.http.request(request).await;
        tried.end(&sent, |error| fault::refusal(error).error());
        Ok((sent, token))
    }
}

impl Call<'_> {
    /// The request to the API, with its one `Authorization`.
    fn request(&self, gateway: &Gateway, token: &AccessToken) -> Result<Request<Run>, Refusal> {
        let impossible = |what| {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Refusal::new(status, ErrorKind::Internal.as_str(), what)
        };
        let run = self.reel.run();
        let run = run.ok_or_else(|| impossible("the body cannot be sent again"))?;
        let mut uri = gateway.base.clone().into_parts();
        uri.path_and_query = Some(self.target.clone());
        let uri = Uri::from_parts(uri).map_err(|_| impossible("the target is not a URL"))?;
        let mut headers = self.parts.headers.clone();
        headers.insert(HOST, gateway.host.clone());
        headers.insert(AUTHORIZATION, token.authorization_header());
        // Of some methods hyper would drop a body whose length is not known.
        if !run.is_end_stream() && run.size_hint().exact().is_none() {
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        let mut request = Request::new(run);
        *request.method_mut() = self.parts.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// The API's answer, as the caller gets it: it streams.
fn answer(
    response: Response<Incoming>,
    token: &AccessToken,
) -> Result<Response<Incoming>, Refusal> {
    let (mut parts, body) = response.into_parts();
    if parts.status.is_informational() {
        return Err(fault::protocol(
            "the API changed to another protocol unasked",
        ));
    }
    if !header::settle_length(&mut parts.headers) {
        return Err(fault::protocol(
            "the API encoded its answer for the way as nobody asked for",
        ));
    }
    header::to_caller(&mut parts.headers, parts.version, token.value());
    // The connection's, not the API's.
    parts.version = Version::HTTP_11;
    Ok(Response::from_parts(parts, body))
}

/// Reached without a proxy, for which these names mean itself.
fn is_loopback(api: &Endpoint) -> bool {
    let address = api.host().parse::<std::net::IpAddr>();
    api.host() == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
