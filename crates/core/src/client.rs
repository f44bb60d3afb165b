//! The facade: a client of one authorization server.

mod builder;

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

pub use builder::TokenClientBuilder;

use crate::cache::{Flight, Key, Landing, Lane, Outcome, Pilot, Slot, SlotMap};
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::obtain::{Obtainer, within};
use crate::random;
use crate::request::AccessTokenRequest;
use crate::token::AccessToken;

/// Obtains access tokens and hands them out while they live.
///
/// Cheap to clone; all clones share one cache. Any number of tasks and threads,
/// on any async runtime, may ask at once: one request is sent, everybody gets its
/// outcome, and no caller that goes away takes it from the others.
///
/// ```no_run
/// use prove_token::{ClientSecret, Environment, TokenClient};
/// # async fn example(secret: ClientSecret) -> Result<(), prove_token::Error> {
/// let client = TokenClient::builder(Environment::UatUs)
///     .credentials("my-client-id", secret)
///     .build()?;
/// let token = client.access_token().await?;
/// let header = token.authorization_header();
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TokenClient(Arc<Inner>);

struct Inner {
    obtainer: Obtainer,
    lane: Lane,
    /// Those of the builder, for requests that bring none.
    credentials: Option<Credentials>,
    /// The builder's request, for callers that ask for nothing in particular.
    request: AccessTokenRequest,
    /// Its key; `None` if there are no credentials for it.
    key: Option<Key>,
    /// Its slot: found without computing a key.
    slot: Arc<Slot>,
    /// The slots of all other requests.
    others: SlotMap,
}

impl TokenClient {
    /// Starts a client of the authorization server whose token endpoint this is:
    /// an [`Environment`](crate::Environment) of Prove or an [`Endpoint`].
    pub fn builder(endpoint: impl Into<Endpoint>) -> TokenClientBuilder {
        TokenClientBuilder::new(endpoint.into())
    }

    /// A usable token: from the cache, or else from the server.
    ///
    /// It lives at least for the guard: 5 % of its life, at most 10 s.
    ///
    /// # Errors
    ///
    /// `SecretSource`, `CredentialsRejected`, `RequestRejected`, `Connect`,
    /// `Unavailable`, `Timeout`, `RateLimited` and `Protocol` by what went wrong;
    /// `Configuration` if there are no credentials or no trust store; `Expired` if
    /// tokens end faster than they can be handed out; `Internal` if requests cannot
    /// be run at all. All callers that waited for the same request get the same
    /// error, and so does who asks before it makes sense to try again.
    pub async fn access_token(&self) -> Result<AccessToken, Error> {
        let inner = &self.0;
        match inner.slot.fresh(inner.obtainer.clock.coarse()) {
            Some(token) => Ok(token),
            None => self.wait(&inner.slot, &inner.request).await,
        }
    }

    /// A usable token for `request`, which replaces the builder's as a whole
    /// (except for credentials: without its own it uses the builder's). Each
    /// different request has a token of its own, of which 10,000 are kept. Finding
    /// it costs a hash and a short lock, which [`access_token`](Self::access_token)
    /// does without.
    ///
    /// # Errors
    ///
    /// As [`access_token`](Self::access_token); `Configuration` if neither the
    /// request nor the builder has credentials.
    pub async fn access_token_with(
        &self,
        request: &AccessTokenRequest,
    ) -> Result<AccessToken, Error> {
        let inner = &self.0;
        let now = inner.obtainer.clock.now();
        let key = self.key(request)?;
        let slot = match inner.key == Some(key) {
            true => Arc::clone(&inner.slot),
            false => inner.others.slot(key, now),
        };
        match slot.fresh(inner.obtainer.clock.coarse()) {
            Some(token) => Ok(token),
            None => self.wait(&slot, request).await,
        }
    }

    /// A new token, always from the server, by a request of its own: the cache is
    /// neither read nor written.
    ///
    /// # Errors
    ///
    /// As [`access_token_with`](Self::access_token_with).
    pub async fn request_access_token(
        &self,
        request: &AccessTokenRequest,
    ) -> Result<AccessToken, Error> {
        // A slot that nobody else can reach: the same machinery, no sharing.
        let slot = Arc::new(Slot::default());
        self.wait(&slot, request).await
    }

    /// Says that an API rejected `token` (status 401), so that it is not handed
    /// out again. Other tokens are not affected: a late rejection of an old token
    /// costs nothing.
    pub fn invalidate(&self, token: &AccessToken) {
        let data = token.data();
        if data.reject() {
            let expires_in = token.expires_in();
            self.0
                .obtainer
                .events
                .emit(|| Event::TokenRejected { expires_in });
        }
    }

    /// The token endpoint.
    pub fn token_endpoint(&self) -> &Endpoint {
        &self.0.obtainer.endpoint
    }

    async fn wait(
        &self,
        slot: &Arc<Slot>,
        request: &AccessTokenRequest,
    ) -> Result<AccessToken, Error> {
        let now = || self.0.obtainer.clock.now();
        let start = |flight: Arc<Flight>, pilot: Pilot| {
            let (client, request, slot) = (self.clone(), request.clone(), Arc::clone(slot));
            match self.0.lane.handle() {
                Ok(lane) => {
                    lane.spawn(async move {
                        let outcome = contained(client.fly_with(&pilot, &request)).await;
                        client.land(&slot, &flight, pilot, outcome);
                    });
                }
                Err(error) => client.land(&slot, &flight, pilot, Err(error)),
            }
        };
        slot.token(now, start).await
    }

    /// Flies, and tells those who hold a live token when it takes too long.
    async fn fly_with(&self, pilot: &Pilot, request: &AccessTokenRequest) -> Outcome {
        let obtainer = &self.0.obtainer;
        let mut work = pin!(self.fly(request));
        let patience = obtainer.clock.sleep(obtainer.renewal.patience());
        match within(work.as_mut(), patience).await {
            Some(outcome) => outcome,
            None => {
                pilot.be_late();
                work.await
            }
        }
    }

    fn land(&self, slot: &Slot, flight: &Arc<Flight>, pilot: Pilot, outcome: Outcome) {
        let obtainer = &self.0.obtainer;
        let error = outcome.as_ref().err().cloned();
        let landing = slot.land(flight, pilot, outcome, obtainer.clock.now(), random::unit());
        if let (
            Landing::RenewalFailed {
                valid_for,
                retry_in,
            },
            Some(error),
        ) = (landing, error)
        {
            obtainer.events.emit(|| Event::RenewalFailed {
                error,
                valid_for,
                retry_in,
            });
        }
    }

    async fn fly(&self, request: &AccessTokenRequest) -> Outcome {
        let credentials = self.credentials(request)?;
        let token = self.0.obtainer.obtain(credentials, request).await?;
        Ok(Arc::new(token))
    }

    fn key(&self, request: &AccessTokenRequest) -> Result<Key, Error> {
        let obtainer = &self.0.obtainer;
        let credentials = self.credentials(request)?;
        Ok(Key::new(
            &obtainer.endpoint,
            obtainer.authentication,
            credentials,
            request,
        ))
    }

    fn credentials<'a>(
        &'a self,
        request: &'a AccessTokenRequest,
    ) -> Result<&'a Credentials, Error> {
        request
            .credentials
            .as_ref()
            .or(self.0.credentials.as_ref())
            .ok_or_else(|| {
                Error::new(ErrorKind::Configuration, "there are no client credentials")
                    .with_hint("give credentials to the builder or to the request")
            })
    }
}

/// Makes a panic, of a transport or a secret source, a failure like others: told to
/// those who wait, and not repeated with every call.
async fn contained(work: impl Future<Output = Outcome>) -> Outcome {
    let mut work = pin!(work);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        polled.unwrap_or_else(|_| {
            let error = Error::new(ErrorKind::Internal, "the request for a token panicked")
                .with_hint("the panic's message is on standard error");
            Poll::Ready(Err(error))
        })
    })
    .await
}

impl fmt::Debug for TokenClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenClient")
            .field("token_endpoint", self.token_endpoint())
            .field("slot", &self.0.slot)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
