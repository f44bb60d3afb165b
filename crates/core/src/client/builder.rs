//! How a [`TokenClient`] is set up.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::runtime::Handle;

use super::{Inner, TokenClient};
use crate::budget::RequestBudget;
use crate::cache::{Key, Lane, Slot, SlotMap};
use crate::clock::{Clock, SystemClock};
use crate::credentials::{ClientAuthentication, ClientId, ClientSecret, Credentials};
use crate::endpoint::{Endpoint, ProxyAddress};
use crate::error::{Error, ErrorKind};
use crate::event::{Event, EventHook};
use crate::obtain::Obtainer;
use crate::renewal::RenewalPolicy;
use crate::request::AccessTokenRequest;
use crate::retry::RetryPolicy;
use crate::store::{TokenStore, Vault};
use crate::transport::{HttpTransport, HttpTransportBuilder, Transport};

/// The settings of a [`TokenClient`]; see [`TokenClient::builder`].
#[derive(Debug)]
#[must_use]
pub struct TokenClientBuilder {
    endpoint: Endpoint,
    credentials: Option<Result<Credentials, Error>>,
    authentication: ClientAuthentication,
    request: AccessTokenRequest,
    accept_narrower_scope: bool,
    renewal: RenewalPolicy,
    retry: RetryPolicy,
    http: HttpTransportBuilder,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
    lane: Lane,
    store: Option<Arc<dyn TokenStore>>,
    budget: Option<RequestBudget>,
    renews_in_background: bool,
    keeps_warm: bool,
    max_tokens: usize,
    events: EventHook,
}

/// The most tokens of other requests than the builder's that are kept.
const MAX_TOKENS: usize = 10_000;

/// How many clients this process has built.
static BUILT: AtomicU64 = AtomicU64::new(0);

impl TokenClientBuilder {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            credentials: None,
            authentication: ClientAuthentication::default(),
            request: AccessTokenRequest::default(),
            accept_narrower_scope: false,
            renewal: RenewalPolicy::default(),
            retry: RetryPolicy::default(),
            http: HttpTransport::builder(),
            transport: None,
            clock: Arc::new(SystemClock),
            lane: Lane::default(),
            store: None,
            budget: None,
            renews_in_background: true,
            keeps_warm: false,
            max_tokens: MAX_TOKENS,
            events: EventHook::default(),
        }
    }

    /// The client id and a secret that is known now. The id is checked as by
    /// [`ClientId::new`] when the client is built.
    pub fn credentials(mut self, client_id: impl Into<String>, secret: ClientSecret) -> Self {
        self.credentials =
            Some(ClientId::new(client_id).map(|client_id| Credentials::new(client_id, secret)));
        self
    }

    /// The client id and where its secret is. Without credentials, every request
    /// must bring its own.
    pub fn credentials_from(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(Ok(credentials));
        self
    }

    /// How the client authenticates. Default: `client_secret_post`.
    pub fn client_authentication(mut self, authentication: ClientAuthentication) -> Self {
        self.authentication = authentication;
        self
    }

    /// What [`TokenClient::access_token`] asks for. Default: nothing in
    /// particular.
    pub fn request(mut self, request: AccessTokenRequest) -> Self {
        self.request = request;
        self
    }

    /// Whether a token with less than the scope that was asked for is taken.
    /// Default: no, it is a `RequestRejected` error.
    pub fn accept_narrower_scope(mut self, accept: bool) -> Self {
        self.accept_narrower_scope = accept;
        self
    }

    /// When tokens are renewed, and what is left of them then.
    pub fn renewal(mut self, policy: RenewalPolicy) -> Self {
        self.renewal = policy;
        self
    }

    /// Attempts, pauses and time limits.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Trusts exactly these certificates (PEM) instead of the system's.
    pub fn ca_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.http = self.http.ca_certificates(pem);
        self
    }

    /// Sends requests through this HTTP proxy, by `CONNECT`, so that it sees no
    /// more than the host name; a loopback endpoint is reached directly. Default:
    /// none; proxy variables of the environment are never used.
    pub fn proxy(mut self, proxy: ProxyAddress) -> Self {
        self.http = self.http.proxy(proxy);
        self
    }

    /// Sends requests by other means. CA certificates, proxy and the connect
    /// time limit are then the transport's own matter.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Takes time from elsewhere. Default: the system's clocks.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Runs requests on this Tokio runtime (with I/O and time enabled), which must
    /// outlive the client and be driven by somebody: while nobody does, callers wait.
    /// Default: a thread of this crate's own, started at the first request.
    pub fn runtime(mut self, handle: Handle) -> Self {
        self.lane = Lane::given(handle);
        self
    }

    /// Keeps tokens in `store` as well, sealed with the client secret, so that they
    /// outlive the process and are shared with others that have that secret: of all of
    /// them, one asks for the next token. Default: none, so memory alone. A store that does
    /// not work costs an event, and never a token. The secret is read before the
    /// store: a secret source that fails hides what is stored.
    pub fn store(mut self, store: impl TokenStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Counts token requests against `budget`, which clients of the same origin, and
    /// other calls to it, should share. Default: one of the client's own, of 24 requests
    /// in any second for Prove's environments, and unlimited for others.
    pub fn request_budget(mut self, budget: RequestBudget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Whether tokens in their advisory phase are renewed in the background. Default:
    /// yes. For a process that ends soon, and a renewal with it, say no: tokens are then
    /// renewed by calls that wait.
    pub fn background_renewal(mut self, renews: bool) -> Self {
        self.renews_in_background = renews;
        self
    }

    /// Whether tokens that have been asked for once are renewed on time though nobody
    /// asks again, until two in a row have gone unread. Default: no, renewal is driven
    /// by calls. [`TokenClient::watch`] does it for one request, without end.
    pub fn keep_warm(mut self, keeps_warm: bool) -> Self {
        self.keeps_warm = keeps_warm;
        self
    }

    /// How many tokens of other requests than the builder's are kept in memory; then the
    /// least needed of a few drawn at random makes room. Default 10,000, range 1 to
    /// 10,000,000.
    pub fn max_tokens(mut self, tokens: usize) -> Self {
        self.max_tokens = tokens;
        self
    }

    /// Calls `hook` with everything that happens. It must not block.
    pub fn on_event(mut self, hook: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.events = EventHook::new(hook);
        self
    }

    /// The client. Nothing is sent, read or started before the first token is
    /// asked for.
    ///
    /// # Errors
    ///
    /// `Configuration` if the client id is not one or a value is out of its range.
    pub fn build(self) -> Result<TokenClient, Error> {
        self.check()?;
        let credentials = self.credentials.transpose()?;
        let own = self.request.credentials.as_ref().or(credentials.as_ref());
        let (endpoint, authentication) = (&self.endpoint, self.authentication);
        let key =
            own.map(|credentials| Key::new(endpoint, authentication, credentials, &self.request));
        let http = self.http.connect_timeout(self.retry.connect_limit());
        let transport = self.transport.unwrap_or_else(|| Arc::new(http.build()));
        let budget = self.budget;
        let budget = budget.unwrap_or_else(|| RequestBudget::of_origin(self.endpoint.origin()));
        let vault = self.store.map(|store| {
            let (clock, renewal) = (Arc::clone(&self.clock), self.renewal.clone());
            Arc::new(Vault::new(store, clock, renewal, self.events.clone()))
        });
        Ok(TokenClient(Arc::new(Inner {
            number: NonZeroU64::MIN.saturating_add(BUILT.fetch_add(1, Ordering::Relaxed)),
            obtainer: Obtainer {
                endpoint: self.endpoint,
                authentication: self.authentication,
                accept_narrower_scope: self.accept_narrower_scope,
                renewal: self.renewal,
                retry: self.retry,
                transport,
                clock: self.clock,
                budget,
                events: self.events,
            },
            lane: self.lane,
            vault,
            renews_in_background: self.renews_in_background,
            keeps_warm: self.keeps_warm,
            credentials,
            key,
            request: self.request,
            slot: Arc::new(Slot::default()),
            others: SlotMap::with_capacity(self.max_tokens),
        })))
    }

    fn check(&self) -> Result<(), Error> {
        self.retry.check()?;
        self.renewal.check()?;
        if (1..=10_000_000).contains(&self.max_tokens) {
            return Ok(());
        }
        Err(
            Error::new(ErrorKind::Configuration, "max_tokens is out of range")
                .with_hint("max_tokens takes 1 to 10000000"),
        )
    }
}
