//! One token obtained: the secret read, the request sent (and sent again, by the
//! policy), the answer judged, its life measured.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::budget::RequestBudget;
use crate::clock::{Clock, Now};
use crate::credentials::{ClientAuthentication, ClientSecret, Credentials};
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};
use crate::event::{Event, EventHook};
use crate::random;
use crate::redactor::Redactor;
use crate::renewal::RenewalPolicy;
use crate::request::AccessTokenRequest;
use crate::retry::RetryPolicy;
use crate::secret::Secret;
use crate::token::{Life, TokenData};
use crate::transport::{Transport, TransportError, TransportErrorKind};
use crate::wire;

/// Everything that obtaining a token needs, whoever it is for.
#[derive(Debug)]
pub(crate) struct Obtainer {
    pub(crate) endpoint: Endpoint,
    pub(crate) authentication: ClientAuthentication,
    pub(crate) accept_narrower_scope: bool,
    pub(crate) renewal: RenewalPolicy,
    pub(crate) retry: RetryPolicy,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) budget: RequestBudget,
    pub(crate) events: EventHook,
}

/// One token to obtain: for whom, what for, and since when.
pub(crate) struct Order<'a> {
    pub(crate) credentials: &'a Credentials,
    pub(crate) request: &'a AccessTokenRequest,
    /// From when the flight's time is counted, by the boot clock.
    pub(crate) started: Duration,
}

impl Obtainer {
    /// Reads the secret, within the flight's time.
    pub(crate) async fn read_secret(&self, order: &Order<'_>) -> Result<ClientSecret, Error> {
        let limit = self.retry.flight_limit();
        let left = limit.saturating_sub(self.since(order.started));
        let read = within(order.credentials.read_secret(), self.clock.sleep(left)).await;
        read.unwrap_or_else(|| {
            Err(Error::new(
                ErrorKind::Timeout,
                format!("the client secret could not be read within {limit:?}"),
            )
            .with_hint("see what holds up the place the secret is kept in"))
        })
    }

    /// Asks the token endpoint until it grants a token, refuses for good, or the
    /// policy's attempts or time are used up. If `secret` is rejected and its source
    /// has another one by then, `secret` is that one afterwards.
    pub(crate) async fn obtain(
        &self,
        order: &Order<'_>,
        secret: &mut ClientSecret,
    ) -> Result<TokenData, Error> {
        let limit = self.retry.flight_limit();
        let left = limit.saturating_sub(self.since(order.started));
        let mut progress = Progress::starting(order.started);
        let work = self.attempts(order, secret, &mut progress);
        match within(work, self.clock.sleep(left)).await {
            Some(outcome) => outcome,
            None => Err(self.out_of_time(progress, limit)),
        }
    }

    async fn attempts(
        &self,
        order: &Order<'_>,
        secret: &mut ClientSecret,
        progress: &mut Progress,
    ) -> Result<TokenData, Error> {
        let mut may_read_again = true;
        loop {
            let error = match self.turn(order, secret, progress).await {
                Ok(token) => {
                    self.tell_obtained(&token, progress);
                    return Ok(token);
                }
                Err(error) => error,
            };
            let rejected = error.kind() == ErrorKind::CredentialsRejected;
            let pause = if rejected && std::mem::take(&mut may_read_again) {
                let rotated = rotate(order.credentials, secret).await;
                rotated.then_some(Duration::ZERO)
            } else {
                let left = self
                    .retry
                    .flight_limit()
                    .saturating_sub(self.since(progress.started));
                self.retry
                    .pause(progress.attempt, &error, random::unit(), left)
            };
            self.tell_failed(&error, progress, pause);
            progress.fail(&error);
            match pause {
                None => return Err(error),
                Some(Duration::ZERO) => {}
                Some(pause) => self.clock.sleep(pause).await,
            }
        }
    }

    /// One attempt, when the budget has room for it.
    async fn turn(
        &self,
        order: &Order<'_>,
        secret: &ClientSecret,
        progress: &mut Progress,
    ) -> Result<TokenData, Error> {
        let permit = self.budget.admit_token_request(&*self.clock).await;
        let sent = self.clock.now();
        progress.begin(sent);
        let _permit = permit?;
        self.tell_started(progress);
        self.attempt(order, secret, sent).await
    }

    /// One request. `sent` was read before it, so the life that is counted from
    /// then ends no later than the server's.
    async fn attempt(
        &self,
        order: &Order<'_>,
        secret: &ClientSecret,
        sent: Now,
    ) -> Result<TokenData, Error> {
        let (id, request) = (order.credentials.client_id(), order.request);
        // Parameters may be secrets, too.
        let parameters = request.parameters.values().map(String::as_str);
        let redactor = Redactor::new(parameters.chain([secret.expose_secret()]));
        let http = wire::encode(&self.endpoint, self.authentication, id, secret, request)?;
        let limit = self.retry.attempt_limit();
        let answer = within(self.transport.send(http), self.clock.sleep(limit))
            .await
            .ok_or_else(|| self.timed_out("no complete answer", limit))?
            .map_err(|error| self.unreachable(&error, &redactor))?;
        let now = self.clock.now();
        let granted = wire::decode(
            &answer,
            &wire::Asked {
                endpoint: &self.endpoint,
                scope: &request.scope,
                accept_narrower_scope: self.accept_narrower_scope,
                redactor: &redactor,
                wall: now.wall,
            },
        )?;
        self.token(granted, sent, now)
    }

    /// The granted token with its life, which was counted from `sent` on.
    fn token(&self, granted: wire::Granted, sent: Now, now: Now) -> Result<TokenData, Error> {
        let lifetime = granted
            .expires_in
            .or_else(|| jwt_lifetime(&granted.access_token, sent.wall))
            .unwrap_or(self.renewal.lifetime_if_unknown());
        let life = Life::new(sent, lifetime, &self.renewal, random::unit());
        if !life.is_usable(now) {
            let endpoint = &self.endpoint;
            return Err(Error::new(
                ErrorKind::Expired,
                format!("the token from {endpoint} had ended when its answer arrived"),
            )
            .with_hint("the server answers slower than its tokens live, or the clock was set"));
        }
        let clock = Arc::clone(&self.clock);
        Ok(TokenData::new(
            &granted.access_token,
            life,
            granted.details,
            clock,
        ))
    }

    /// The flight's time is up. Its last failure says why, and how long the server
    /// asked to wait; an attempt that is cut off is accounted for.
    fn out_of_time(&self, progress: Progress, limit: Duration) -> Error {
        let mut error = self.timed_out("no token", limit);
        if let Some(last) = &progress.last {
            error = error
                .with_retry_after(last.retry_after())
                .with_source(last.clone());
        }
        if progress.is_under_way {
            self.tell_failed(&error, &progress, None);
        }
        error
    }

    fn tell_started(&self, progress: &Progress) {
        self.events.emit(|| Event::AttemptStarted {
            endpoint: self.endpoint.clone(),
            attempt: progress.attempt,
        });
    }

    fn tell_obtained(&self, token: &TokenData, progress: &Progress) {
        self.events.emit(|| Event::TokenObtained {
            attempts: progress.attempt,
            took: self.since(progress.started),
            lifetime: token.life().lifetime(),
        });
    }

    fn tell_failed(&self, error: &Error, progress: &Progress, pause: Option<Duration>) {
        self.events.emit(|| Event::AttemptFailed {
            attempt: progress.attempt,
            error: error.clone(),
            took: self.since(progress.sent),
            retry_in: pause,
        });
    }

    fn since(&self, start: Duration) -> Duration {
        self.clock.now().boot.saturating_sub(start)
    }

    fn timed_out(&self, what: &str, limit: Duration) -> Error {
        Error::new(
            ErrorKind::Timeout,
            format!("{what} from {} within {limit:?}", self.endpoint),
        )
        .with_hint("check the network; if the server is slow, raise the time limits")
    }

    fn unreachable(&self, error: &TransportError, redactor: &Redactor<'_>) -> Error {
        use TransportErrorKind as Kind;
        let origin = self.endpoint.origin();
        let (kind, what, hint) = match error.kind() {
            Kind::Resolve | Kind::Connect => (
                ErrorKind::Connect,
                "could not connect to",
                "check the network, and the token endpoint's address; a proxy is used only when it is configured",
            ),
            Kind::Tls => (
                ErrorKind::Connect,
                "no trusted TLS connection to",
                "check the host name and this machine's clock; a private authority, or a company proxy that inspects TLS, needs its certificate as CA file",
            ),
            Kind::Timeout => (ErrorKind::Timeout, "no answer from", "check the network"),
            Kind::Broken => (
                ErrorKind::Unavailable,
                "lost the connection to",
                "try again",
            ),
            Kind::Malformed => (
                ErrorKind::Protocol,
                "cannot read the answer of",
                "check that the address is that of a token endpoint",
            ),
            Kind::Setup => (
                ErrorKind::Configuration,
                "no connection can be made to",
                "install the system's CA certificates, or name a CA file",
            ),
        };
        // A transport of the application's may say anything.
        let error = TransportError::new(error.kind(), redactor.line(&error.to_string(), 160));
        let retryable = !matches!(error.kind(), Kind::Tls | Kind::Malformed | Kind::Setup);
        Error::new(kind, format!("{what} {origin}: {error}"))
            .with_retryable(retryable)
            .with_hint(hint)
            .with_source(error)
    }
}

/// How far a flight has come, for when its time is up. Times are of the boot clock.
struct Progress {
    started: Duration,
    /// Counts from 1; 0 before the first.
    attempt: u32,
    sent: Duration,
    is_under_way: bool,
    /// The last failure.
    last: Option<Error>,
}

impl Progress {
    fn starting(started: Duration) -> Self {
        Self {
            started,
            attempt: 0,
            sent: started,
            is_under_way: false,
            last: None,
        }
    }

    fn begin(&mut self, now: Now) {
        self.attempt += 1;
        self.sent = now.boot;
        self.is_under_way = true;
    }

    fn fail(&mut self, error: &Error) {
        self.is_under_way = false;
        self.last = Some(error.clone());
    }
}

/// Reads a rejected secret once more: it may just have been rotated. Says whether
/// it was; a source that fails now has nothing to add to the rejection.
async fn rotate(credentials: &Credentials, secret: &mut ClientSecret) -> bool {
    match credentials.read_secret().await {
        Ok(again) if again.expose_secret() != secret.expose_secret() => {
            *secret = again;
            true
        }
        _ => false,
    }
}

/// The output of `work`, or `None` when `limit` ends first.
pub(crate) async fn within<T>(
    work: impl Future<Output = T>,
    limit: impl Future<Output = ()>,
) -> Option<T> {
    let (mut work, mut limit) = (pin!(work), pin!(limit));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => limit.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// What the `exp` of a JWT leaves, or `None` if the token is no JWT or has ended
/// by our clock (then that clock is no better guide than the default). It is not
/// verified: it only says when to ask again, and the API decides what it accepts.
fn jwt_lifetime(token: &Secret, wall: Duration) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Claims {
        exp: f64,
    }
    let payload = token.expose_secret().split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    let left = Duration::try_from_secs_f64(claims.exp)
        .ok()?
        .checked_sub(wall)?;
    (left >= Duration::from_secs(1)).then_some(left)
}

#[cfg(test)]
mod tests;
