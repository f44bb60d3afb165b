//! How a [`TokenClient`] is set up.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::{Inner, TokenClient};
use crate::cache::{Key, Lane, Slot, SlotMap};
use crate::clock::{Clock, SystemClock};
use crate::credentials::{ClientAuthentication, ClientId, ClientSecret, Credentials};
use crate::endpoint::{Endpoint, ProxyAddress};
use crate::error::Error;
use crate::event::{Event, EventHook};
use crate::obtain::Obtainer;
use crate::renewal::RenewalPolicy;
use crate::request::AccessTokenRequest;
use crate::retry::RetryPolicy;
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
    events: EventHook,
}

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
        self.retry.validate()?;
        self.renewal.validate()?;
        let credentials = self.credentials.transpose()?;
        let own = self.request.credentials.as_ref().or(credentials.as_ref());
        let key = own.map(|credentials| {
            Key::new(
                &self.endpoint,
                self.authentication,
                credentials,
                &self.request,
            )
        });
        let http = self.http.connect_timeout(self.retry.connect_limit());
        let transport = self.transport.unwrap_or_else(|| Arc::new(http.build()));
        Ok(TokenClient(Arc::new(Inner {
            obtainer: Obtainer {
                endpoint: self.endpoint,
                authentication: self.authentication,
                accept_narrower_scope: self.accept_narrower_scope,
                renewal: self.renewal,
                retry: self.retry,
                transport,
                clock: self.clock,
                events: self.events,
            },
            lane: self.lane,
            credentials,
            key,
            request: self.request,
            slot: Arc::new(Slot::default()),
            others: SlotMap::default(),
        })))
    }
}
