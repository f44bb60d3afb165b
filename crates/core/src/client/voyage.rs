//! What a flight does: it takes its turn among processes, reads the secret, asks the
//! server, and lands in its slot.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use super::TokenClient;
use super::gate::Gate;
use crate::cache::{Flight, Landing, Pilot, Slot, Wish};
use crate::credentials::ClientSecret;
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::obtain::{Order, within};
use crate::random;
use crate::renewal::{Failures, Setback};
use crate::request::AccessTokenRequest;
use crate::store::{Errand, MissReason, Remembered, Turn, Vault};
use crate::token::{Home, TokenData};

type Flown = Result<Arc<TokenData>, Setback>;

/// A flight's own share of everything: it outlives the caller that started it.
#[derive(Clone)]
pub(super) struct Voyage {
    pub(super) client: TokenClient,
    pub(super) slot: Arc<Slot>,
    pub(super) request: AccessTokenRequest,
    /// Whether its tokens are nobody else's: the store is neither read nor written.
    pub(super) is_apart: bool,
}

impl Voyage {
    /// Flies, tells those who hold a live token when it takes too long, and lands.
    pub(super) async fn fly(&self, flight: &Arc<Flight>, pilot: Pilot, wish: Wish) {
        let obtainer = &self.client.0.obtainer;
        let failures = self.slot.failures();
        let mut work = pin!(contained(self.bring(wish, failures)));
        let patience = obtainer.clock.sleep(obtainer.renewal.patience());
        let flown = match within(work.as_mut(), patience).await {
            Some(flown) => flown,
            None => {
                pilot.be_late();
                work.await
            }
        };
        let flown = flown.unwrap_or_else(|panicked| Err(self.setback(panicked, failures)));
        self.land(flight, pilot, flown);
    }

    /// Lands at once: there is nowhere to fly.
    pub(super) fn stay(&self, flight: &Arc<Flight>, pilot: Pilot, error: Error) {
        let setback = self.setback(error, self.slot.failures());
        self.land(flight, pilot, Err(setback));
    }

    pub(super) fn gate(&self) -> Gate<'_> {
        Gate {
            client: &self.client,
            slot: &self.slot,
            request: &self.request,
            is_apart: self.is_apart,
        }
    }

    fn vault(&self) -> Option<&Arc<Vault>> {
        self.client.0.vault.as_ref().filter(|_| !self.is_apart)
    }

    fn land(&self, flight: &Arc<Flight>, pilot: Pilot, flown: Flown) {
        let obtainer = &self.client.0.obtainer;
        let setback = flown.as_ref().err().cloned();
        let at = obtainer.clock.now();
        let landing = self.slot.land(flight, pilot, flown, at, &obtainer.renewal);
        let Some(setback) = setback else { return };
        if setback.was_told {
            let wait = setback.pauses.ask;
            obtainer.events.emit(|| Event::CoolDownEntered { wait });
        }
        if let Landing::RenewalFailed {
            valid_for,
            retry_in,
        } = landing
        {
            obtainer.events.emit(|| Event::RenewalFailed {
                error: setback.error,
                valid_for,
                retry_in,
            });
        }
    }

    async fn bring(&self, wish: Wish, failures: Failures) -> Flown {
        let failed = |error| self.setback(error, failures);
        let client = &self.client.0;
        let credentials = self.client.credentials(&self.request).map_err(failed)?;
        let mut order = Order {
            credentials,
            request: &self.request,
            started: client.obtainer.clock.now().boot,
        };
        let mut secret = client.obtainer.read_secret(&order).await.map_err(failed)?;
        let Some(vault) = self.vault() else {
            let token = client.obtainer.obtain(&order, &mut secret).await;
            return token.map(Arc::new).map_err(failed);
        };
        let home = self.home().map_err(failed)?;
        let errand = Arc::new(self.errand(wish, &home, secret.clone()));
        let (holding, others) = match vault.turn(&errand).await {
            Turn::Refused(setback) => return Err(setback),
            Turn::Found(token) => return Ok(self.restored(*token, home)),
            Turn::Ours(holding, others) => (holding, others),
        };
        order.started = client.obtainer.clock.now().boot;
        let flown = match client.obtainer.obtain(&order, &mut secret).await {
            Ok(token) => Ok(Arc::new(token.at_home(Some(home)))),
            Err(error) => Err(self.setback(error, failures.or(others))),
        };
        // Sealed with the secret that was accepted, or rejected.
        let errand = Arc::new(Errand {
            secret,
            ..Errand::clone(&errand)
        });
        match &flown {
            Ok(token) => vault.succeed(&errand, token).await,
            Err(setback) => vault.fail(&errand, setback).await,
        }
        holding.release().await;
        flown
    }

    fn errand(&self, wish: Wish, home: &Home, secret: ClientSecret) -> Errand {
        let obtainer = &self.client.0.obtainer;
        let now = obtainer.clock.now();
        Errand {
            key: home.key,
            secret,
            current: self.slot.current(),
            obtained_after: (wish == Wish::Newer).then_some(now.wall),
            is_urgent: wish != Wish::ClaimedRenewal,
            ignores_failures: self.slot.takes_reset(),
            patience: obtainer.retry.flight_limit(),
        }
    }

    /// What the store knows these tokens by.
    fn home(&self) -> Result<Arc<Home>, Error> {
        Ok(Arc::new(Home {
            key: self.client.store_key(&self.request)?,
            credentials: self.client.credentials(&self.request)?.clone(),
        }))
    }

    fn restored(&self, token: TokenData, home: Arc<Home>) -> Arc<TokenData> {
        let obtainer = &self.client.0.obtainer;
        let expires_in = token.life().remaining(obtainer.clock.now());
        obtainer.events.emit(|| Event::TokenRestored { expires_in });
        Arc::new(token.at_home(Some(home)))
    }

    /// The token of the store, if it does without a flight. It may block.
    pub(super) fn take_stored(&self) -> Result<(), Error> {
        let Some(vault) = self.vault() else {
            return Ok(());
        };
        let (home, secret) = self.opened()?;
        if let Err(reason) = self.take_from(vault, home, &secret) {
            vault.miss(reason);
        }
        Ok(())
    }

    /// As [`take_stored`](Self::take_stored), for who wants to know: why there was none,
    /// and the failure that is remembered.
    pub(super) fn look_up(&self) -> Result<(Option<MissReason>, Option<Remembered>), Error> {
        let Some(vault) = self.vault() else {
            return Ok((None, None));
        };
        let (home, secret) = self.opened()?;
        let remembered = vault.failure(&home.key, &secret);
        let missed = self.take_from(vault, home, &secret).err();
        Ok((missed, remembered))
    }

    fn opened(&self) -> Result<(Arc<Home>, ClientSecret), Error> {
        let home = self.home()?;
        let secret = home.credentials.read_secret_blocking()?;
        Ok((home, secret))
    }

    fn take_from(
        &self,
        vault: &Vault,
        home: Arc<Home>,
        secret: &ClientSecret,
    ) -> Result<(), MissReason> {
        let token = vault.token(&home.key, secret)?;
        let now = self.client.0.obtainer.clock.now();
        self.slot.adopt(self.restored(token, home), now);
        Ok(())
    }

    fn setback(&self, error: Error, failures: Failures) -> Setback {
        let policy = &self.client.0.obtainer.renewal;
        policy.setback(error, failures, random::unit())
    }
}

/// Makes a panic, of a transport or a secret source, a failure like others: told to
/// those who wait, and not repeated with every call.
async fn contained<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    let mut work = pin!(work);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        polled.map(|poll| poll.map(Ok)).unwrap_or_else(|_| {
            let error = Error::new(ErrorKind::Internal, "the request for a token panicked")
                .with_hint("the panic's message is on standard error");
            Poll::Ready(Err(error))
        })
    })
    .await
}
