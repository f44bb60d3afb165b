//! The facade: a client of one authorization server.

mod builder;
mod gate;
mod status;
mod voyage;
mod watch;

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

pub use builder::TokenClientBuilder;
pub use status::TokenStatus;
pub use watch::TokenWatch;

use self::gate::Gate;
use crate::cache::{Key, Lane, Slot, SlotMap};
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::obtain::Obtainer;
use crate::options::CallOptions;
use crate::request::AccessTokenRequest;
use crate::store::{StoreKey, Vault};
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
    /// Tells clients of one process apart.
    number: NonZeroU64,
    obtainer: Obtainer,
    lane: Lane,
    vault: Option<Arc<Vault>>,
    renews_in_background: bool,
    keeps_warm: bool,
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

/// Getting tokens.
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
    /// there was no usable token within 30 s, or tokens end faster than they can be
    /// handed out; `Internal` if requests cannot be run at all. All callers that waited
    /// for the same request get the same error, and so does who asks before it makes
    /// sense to try again.
    pub async fn access_token(&self) -> Result<AccessToken, Error> {
        // A statement of its own: what lives across an await goes through memory.
        if let Some(token) = self.fresh_access_token() {
            return Ok(token);
        }
        self.default_gate().token(CallOptions::new()).await
    }

    /// A usable token for `request`, which replaces the builder's as a whole
    /// (except for credentials: without its own it uses the builder's). Each
    /// different request has a token of its own, of which so many are kept
    /// ([`max_tokens`](TokenClientBuilder::max_tokens)). Finding it costs a hash, which
    /// [`access_token`](Self::access_token) does without.
    ///
    /// # Errors
    ///
    /// As [`access_token`](Self::access_token); `Configuration` if neither the
    /// request nor the builder has credentials.
    pub async fn access_token_with(
        &self,
        request: &AccessTokenRequest,
    ) -> Result<AccessToken, Error> {
        if let Some(token) = self.fresh(request)? {
            return Ok(token);
        }
        let slot = self.slot(request)?;
        self.gate(&slot, request).token(CallOptions::new()).await
    }

    /// A token by the call's own [options](CallOptions), for `request` or, if that is
    /// `None`, for what [`access_token`](Self::access_token) asks for.
    ///
    /// # Errors
    ///
    /// As [`access_token_with`](Self::access_token_with); `Expired` if there was no
    /// usable token within the call's own limit.
    pub async fn access_token_with_options(
        &self,
        request: Option<&AccessTokenRequest>,
        options: CallOptions,
    ) -> Result<AccessToken, Error> {
        if options.take_any_fresh() {
            let fresh = match request {
                None => self.fresh_access_token(),
                Some(request) => self.fresh(request)?,
            };
            if let Some(token) = fresh {
                return Ok(token);
            }
        }
        match request {
            None => self.default_gate().token(options).await,
            Some(request) => {
                let slot = self.slot(request)?;
                self.gate(&slot, request).token(options).await
            }
        }
    }

    /// A usable token from memory or the store, and never from the server: nothing is
    /// started, be it a thread, a connection or a renewal. `None` if there is no token
    /// that lives long enough for the `options`, or if callers should wait for a renewal
    /// of the one there is; always with [`force`](CallOptions::force).
    ///
    /// With a store it may block, to read the secret and a small file; without one it
    /// does not.
    ///
    /// # Errors
    ///
    /// `SecretSource` if the secret cannot be read, without which the store cannot
    /// be; `Configuration` if there are no credentials.
    pub fn cached_access_token(
        &self,
        request: Option<&AccessTokenRequest>,
        options: CallOptions,
    ) -> Result<Option<AccessToken>, Error> {
        let request = request.unwrap_or(&self.0.request);
        let slot = self.slot(request)?;
        let gate = self.gate(&slot, request);
        if options.force {
            return Ok(None);
        }
        if let Some(token) = gate.held(options) {
            return Ok(Some(token));
        }
        gate.voyage().take_stored()?;
        Ok(gate.held(options))
    }

    /// A new token, always from the server, by a request of its own: neither cache nor
    /// store are read or written.
    ///
    /// # Errors
    ///
    /// As [`access_token_with`](Self::access_token_with).
    pub async fn request_access_token(
        &self,
        request: &AccessTokenRequest,
    ) -> Result<AccessToken, Error> {
        // A slot that nobody else can reach: the same machinery, no sharing.
        let slot = Arc::default();
        let gate = Gate {
            is_apart: true,
            ..self.gate(&slot, request)
        };
        gate.token(CallOptions::new()).await
    }

    /// Follows the tokens of `request` (`None`: what [`access_token`](Self::access_token)
    /// asks for), and keeps them renewed on time though nobody asks for them, as long as
    /// the watch lives.
    ///
    /// ```no_run
    /// # async fn example(client: prove_token::TokenClient) {
    /// let mut watch = client.watch(None);
    /// loop {
    ///     match watch.next().await {
    ///         Ok(token) => println!("a token until {:?}", token.expires_at()),
    ///         Err(error) => eprintln!("no token: {error}"),
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// None here; [`next`](TokenWatch::next) has them.
    pub fn watch(&self, request: Option<&AccessTokenRequest>) -> TokenWatch {
        let request = request.unwrap_or(&self.0.request);
        // Without credentials there is no key, and flights say so.
        let slot = self.slot(request).unwrap_or_default();
        TokenWatch::new(self.gate(&slot, request).voyage())
    }
}

/// Keeping things right.
impl TokenClient {
    /// Says that an API rejected `token` (status 401), so that it is not handed
    /// out again. Other tokens are not affected: a late rejection of an old token
    /// costs nothing. The store's entry goes, too, if it is that token. A rejection
    /// within 30 s of a renewal that a rejection forced is ignored
    /// ([`forced_renewal_interval`](crate::RenewalPolicy::forced_renewal_interval)).
    pub fn invalidate(&self, token: &AccessToken) {
        let (inner, data) = (&self.0, token.data());
        if !data.reject(inner.obtainer.renewal.rejection_interval()) {
            return;
        }
        let expires_in = token.expires_in();
        let event = || Event::TokenRejected { expires_in };
        inner.obtainer.events.emit(event);
        self.for_each_slot(|slot| slot.flash_about(data));
        if let (Some(vault), Some(home)) = (&inner.vault, data.home())
            && let Ok(lane) = inner.lane.handle()
        {
            let (vault, home, data) = (Arc::clone(vault), Arc::clone(home), Arc::clone(data));
            lane.spawn_blocking(move || {
                // Without the secret the entry cannot be told from others, and stays.
                if let Ok(secret) = home.credentials.read_secret_blocking() {
                    vault.discard(&home.key, &secret, &data);
                }
            });
        }
    }

    /// Forgets the failures that calls are held back by: the next call that needs a
    /// token asks for it at once, whatever this or other processes have met with.
    pub fn reset(&self) {
        self.for_each_slot(|slot| slot.reset(false));
    }

    /// Says that secrets may have changed: failures are forgotten, and a renewal is due
    /// now, with the secret that is read then. Live tokens are handed out until it
    /// succeeds.
    pub fn credentials_changed(&self) {
        self.for_each_slot(|slot| slot.reset(true));
    }

    /// Forgets the token of `request` (`None`: what [`access_token`](Self::access_token)
    /// asks for), in memory and in the store, where the remembered failure goes with it.
    /// It needs no secret; it blocks for a moment if there is a store. Says whether
    /// there was a token.
    ///
    /// # Errors
    ///
    /// `Configuration` if there are no credentials; `Internal` if the store cannot be
    /// written.
    pub fn forget(&self, request: Option<&AccessTokenRequest>) -> Result<bool, Error> {
        let request = request.unwrap_or(&self.0.request);
        let slot = self.slot(request)?;
        let was_held = slot.forget(self.0.obtainer.clock.now());
        let Some(vault) = &self.0.vault else {
            return Ok(was_held);
        };
        let was_stored = vault.forget(&self.store_key(request)?).map_err(|error| {
            Error::new(
                ErrorKind::Internal,
                format!("the stored token could not be removed: {error}"),
            )
            .with_hint("remove it from the store by hand")
        })?;
        Ok(was_held || was_stored)
    }

    /// The token endpoint.
    pub fn token_endpoint(&self) -> &Endpoint {
        &self.0.obtainer.endpoint
    }

    /// The token of `request`, if it is fresh beyond doubt.
    fn fresh(&self, request: &AccessTokenRequest) -> Result<Option<AccessToken>, Error> {
        let inner = &self.0;
        let key = self.key(request)?;
        let now = inner.obtainer.clock.coarse();
        Ok(match inner.key == Some(key) {
            true => inner.slot.fresh(now),
            false => {
                let fresh = |slot: &Slot| slot.fresh(now);
                inner.others.read(&key, now, fresh).flatten()
            }
        })
    }

    fn default_gate(&self) -> Gate<'_> {
        self.gate(&self.0.slot, &self.0.request)
    }

    fn gate<'a>(&'a self, slot: &'a Arc<Slot>, request: &'a AccessTokenRequest) -> Gate<'a> {
        Gate {
            client: self,
            slot,
            request,
            is_apart: false,
        }
    }

    fn slot(&self, request: &AccessTokenRequest) -> Result<Arc<Slot>, Error> {
        let inner = &self.0;
        let key = self.key(request)?;
        Ok(match inner.key == Some(key) {
            true => Arc::clone(&inner.slot),
            false => {
                let clock = &inner.obtainer.clock;
                inner.others.slot(key, clock.now(), clock.coarse())
            }
        })
    }

    fn for_each_slot(&self, act: impl Fn(&Slot)) {
        act(&self.0.slot);
        self.0.others.all().iter().for_each(|slot| act(slot));
    }

    /// The key of `request`, which it remembers: making one costs two digests. Inlined,
    /// so that a key that is known stays in registers.
    #[inline(always)]
    fn key(&self, request: &AccessTokenRequest) -> Result<Key, Error> {
        match request.key.known_to(self.0.number) {
            Some(key) => Ok(Key::from_words(key)),
            None => self.new_key(request),
        }
    }

    #[cold]
    fn new_key(&self, request: &AccessTokenRequest) -> Result<Key, Error> {
        let obtainer = &self.0.obtainer;
        let credentials = self.credentials(request)?;
        let (endpoint, authentication) = (&obtainer.endpoint, obtainer.authentication);
        let key = Key::new(endpoint, authentication, credentials, request);
        request.key.remember(self.0.number, key.words());
        Ok(key)
    }

    /// The name of `request`'s slot in a store, which is the same for every secret.
    fn store_key(&self, request: &AccessTokenRequest) -> Result<StoreKey, Error> {
        let obtainer = &self.0.obtainer;
        let credentials = self.credentials(request)?;
        Ok(StoreKey::from_digest(Key::digest_for_store(
            &obtainer.endpoint,
            obtainer.authentication,
            credentials.client_id(),
            request,
        )))
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
