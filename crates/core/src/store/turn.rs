//! The flight across processes: of all that want the token of one key, one asks for it,
//! and the others get what it brought, good or bad.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use super::vault::Vault;
use super::{Lease, StoreError, StoreErrorKind, StoreKey};
use crate::credentials::ClientSecret;
use crate::obtain::within;
use crate::random;
use crate::renewal::{Failures, Pauses, Setback};
use crate::token::TokenData;

/// While another process is at work, its entry is looked for after so long, then after
/// twice as long, and so on, up to once in [`LOOK_EVERY`].
const FIRST_LOOK: Duration = Duration::from_millis(2);
const LOOK_EVERY: Duration = Duration::from_millis(64);

/// A lease that its holder has not touched for three times as long counts as stale.
const TOUCH_EVERY: Duration = Duration::from_secs(1);

/// A store that takes longer for one call counts as one that does not work.
const STORE_LIMIT: Duration = Duration::from_secs(2);

/// What one flight wants of the store.
#[derive(Clone, Debug)]
pub(crate) struct Errand {
    pub(crate) key: StoreKey,
    pub(crate) secret: ClientSecret,
    /// The token at hand, which a stored one must outdo.
    pub(crate) current: Option<Arc<TokenData>>,
    /// Only a token that was obtained after this will do, by the wall clock.
    pub(crate) obtained_after: Option<Duration>,
    /// Whether callers wait, and the token at hand is not good for long.
    pub(crate) is_urgent: bool,
    /// Whether to ask in spite of what others have met with.
    pub(crate) ignores_failures: bool,
    /// How long to wait for another process.
    pub(crate) patience: Duration,
}

/// Whose turn it is.
pub(crate) enum Turn {
    /// Nobody's: here is a token.
    Found(Box<TokenData>),
    /// Nobody's: somebody just failed, and its pause is not over.
    Refused(Setback),
    /// Ours, after so many failures of others.
    Ours(Holding, Failures),
}

/// The lease of a flight, kept up until it is released.
pub(crate) struct Holding(Option<(oneshot::Sender<()>, JoinHandle<()>)>);

impl Vault {
    /// Takes part in the flight across processes. It waits as long as another process
    /// is at work, but not longer than the errand's patience.
    pub(crate) async fn turn(self: &Arc<Self>, errand: &Arc<Errand>) -> Turn {
        if let Some(end) = self.look(errand, true).await {
            return end;
        }
        let until = self.clock.now().boot.saturating_add(errand.patience);
        let mut pause = FIRST_LOOK;
        loop {
            let (vault, key) = (Arc::clone(self), errand.key);
            let lease = self.in_time(move || vault.try_lease(&key)).await;
            // Once more: whoever had the lease may have saved what it brought.
            if let Some(end) = self.look(errand, false).await {
                return end;
            }
            match lease {
                Some(Ok(None)) if self.clock.now().boot < until => {
                    self.clock.sleep(pause.mul_f64(0.5 + random::unit())).await;
                    pause = (pause * 2).min(LOOK_EVERY);
                }
                Some(Ok(Some(lease))) => return self.ours(errand, Some(lease)).await,
                _ => return self.ours(errand, None).await,
            }
        }
    }

    /// Keeps the token of `errand`, and makes it known before the lease is given back.
    pub(crate) async fn succeed(self: &Arc<Self>, errand: &Arc<Errand>, token: &Arc<TokenData>) {
        let (vault, errand, token) = (Arc::clone(self), Arc::clone(errand), Arc::clone(token));
        self.in_time(move || vault.keep_token(&errand.key, &errand.secret, &token))
            .await;
    }

    /// Keeps the failure of `errand`, for those who wait and come after.
    pub(crate) async fn fail(self: &Arc<Self>, errand: &Arc<Errand>, setback: &Setback) {
        let (vault, errand, setback) = (Arc::clone(self), Arc::clone(errand), setback.clone());
        let keep = move || {
            vault.keep_failure(&errand.key, &errand.secret, &setback, errand.is_urgent);
        };
        self.in_time(keep).await;
    }

    async fn ours(self: &Arc<Self>, errand: &Arc<Errand>, lease: Option<Box<dyn Lease>>) -> Turn {
        let (vault, errand) = (Arc::clone(self), Arc::clone(errand));
        let remembered = self
            .in_time(move || vault.failure(&errand.key, &errand.secret))
            .await;
        let failures = remembered
            .flatten()
            .map(|remembered| remembered.setback.failures);
        let holding = Holding(lease.map(|lease| self.keep_up(lease)));
        Turn::Ours(holding, failures.unwrap_or_default())
    }

    /// Runs `work` on a thread for blocking work. `None` if it panicked, the runtime is
    /// gone, or the store does not answer in time, as one on a server that is gone: the
    /// flight goes on without, and leaves the store alone until that call has ended.
    async fn in_time<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        if self
            .hanging
            .load()
            .as_ref()
            .is_some_and(|call| call.strong_count() > 0)
        {
            return None;
        }
        let call = Arc::new(());
        let watched = Arc::downgrade(&call);
        let work = spawn_blocking(move || {
            let _call = call;
            work()
        });
        let done = within(work, self.clock.sleep(STORE_LIMIT)).await;
        if done.is_none() {
            self.hanging.store(Some(Arc::new(watched)));
            let text = "it does not answer in time";
            self.warn(&StoreError::new(StoreErrorKind::Unavailable, text));
        }
        done?.ok()
    }

    /// What ends the errand without a request. `tells` of a miss.
    async fn look(self: &Arc<Self>, errand: &Arc<Errand>, tells: bool) -> Option<Turn> {
        let (vault, errand) = (Arc::clone(self), Arc::clone(errand));
        self.in_time(move || vault.look_now(&errand, tells))
            .await
            .flatten()
    }

    fn look_now(&self, errand: &Errand, tells: bool) -> Option<Turn> {
        match self.token(&errand.key, &errand.secret) {
            Ok(token) if errand.accepts(&token) => return Some(Turn::Found(Box::new(token))),
            // It is the token at hand, or an older one.
            Ok(_) => {}
            Err(reason) if tells => self.miss(reason),
            Err(_) => {}
        }
        if errand.ignores_failures {
            return None;
        }
        let remembered = self.failure(&errand.key, &errand.secret)?;
        if errand.is_urgent && !remembered.was_urgent {
            return None;
        }
        let left = |pause: Duration| pause.saturating_sub(remembered.age);
        let pauses = remembered.setback.pauses;
        let pauses = Pauses {
            renew: left(pauses.renew),
            ask: left(pauses.ask),
        };
        let wait = match errand.has_live_token(self) {
            true => pauses.renew,
            false => pauses.ask,
        };
        let error = remembered
            .setback
            .error
            .clone()
            .with_retry_after(Some(wait));
        (!wait.is_zero()).then_some(Turn::Refused(Setback {
            error,
            pauses,
            ..remembered.setback
        }))
    }

    /// Touches the lease each second, on the flights' runtime, until it is released.
    fn keep_up(
        self: &Arc<Self>,
        mut lease: Box<dyn Lease>,
    ) -> (oneshot::Sender<()>, JoinHandle<()>) {
        let (release, mut released) = oneshot::channel::<()>();
        let vault = Arc::clone(self);
        let task = tokio::spawn(async move {
            // An error means that the flight is gone, which releases it as well.
            while within(&mut released, vault.clock.sleep(TOUCH_EVERY))
                .await
                .is_none()
            {
                let wall = vault.clock.now().wall;
                let touch = move || {
                    // Without the touch we may be taken for stuck: an extra request.
                    let _ = lease.keep(wall);
                    lease
                };
                match vault.in_time(touch).await {
                    Some(touched) => lease = touched,
                    None => return,
                }
            }
        });
        (release, task)
    }
}

impl Holding {
    /// Gives the lease back; when this ends, others may have it.
    pub(crate) async fn release(self) {
        if let Some((release, task)) = self.0 {
            // The task may have ended before: then the lease is gone already.
            let _ = release.send(());
            let _ = task.await;
        }
    }
}

impl Errand {
    fn accepts(&self, token: &TokenData) -> bool {
        let is_recent = self
            .obtained_after
            .is_none_or(|after| token.life().obtained().wall >= after);
        let outdoes = self
            .current
            .as_ref()
            .is_none_or(|current| !current.has_same_value(token) && token.is_newer_than(current));
        is_recent && outdoes
    }

    fn has_live_token(&self, vault: &Vault) -> bool {
        let now = vault.clock.now();
        self.current
            .as_ref()
            .is_some_and(|token| token.is_usable(now))
    }
}
