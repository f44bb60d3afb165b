//! Tokens and failures in a store: sealed on their way in, judged on their way out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use zeroize::Zeroizing;

use super::record::{self, Remembered};
use super::{Entry, Lease, MissReason, StoreError, StoreErrorKind, StoreKey, TokenStore, seal};
use crate::clock::Clock;
use crate::credentials::ClientSecret;
use crate::error::ErrorKind;
use crate::event::{Event, EventHook};
use crate::renewal::{RenewalPolicy, Setback};
use crate::token::TokenData;

/// A failure that is over counts on for so long: a job that fails once a minute is
/// failing still.
const FAILURES_COUNT_FOR: Duration = Duration::from_secs(10 * 60);

/// A store as the engine uses it. Whatever is wrong with an entry is a miss, and
/// whatever is wrong with the store leaves the engine without one: never an error.
/// Everything here may block.
#[derive(Debug)]
pub(crate) struct Vault {
    store: Arc<dyn TokenStore>,
    pub(super) clock: Arc<dyn Clock>,
    policy: RenewalPolicy,
    events: EventHook,
    has_warned: AtomicBool,
    /// A call of the store that has taken too long; it is alive until it ends.
    pub(super) hanging: ArcSwapOption<Weak<()>>,
}

impl Vault {
    pub(crate) fn new(
        store: Arc<dyn TokenStore>,
        clock: Arc<dyn Clock>,
        policy: RenewalPolicy,
        events: EventHook,
    ) -> Self {
        Self {
            store,
            clock,
            policy,
            events,
            has_warned: AtomicBool::new(false),
            hanging: ArcSwapOption::empty(),
        }
    }

    /// The usable token of `key`, and why not.
    pub(crate) fn token(
        &self,
        key: &StoreKey,
        secret: &ClientSecret,
    ) -> Result<TokenData, MissReason> {
        let text = self.open(key, Entry::Token, secret)?;
        record::read_token(&text, &self.clock, &self.policy)
    }

    /// The last failure of `key`, if it still counts.
    pub(crate) fn failure(&self, key: &StoreKey, secret: &ClientSecret) -> Option<Remembered> {
        let text = self.open(key, Entry::Failure, secret).ok()?;
        let remembered = record::read_failure(&text, &*self.clock).ok()?;
        let pauses = remembered.setback.pauses;
        let counts_for = pauses.ask.max(pauses.renew) + FAILURES_COUNT_FOR;
        (remembered.age < counts_for).then_some(remembered)
    }

    /// Keeps `token`, unless there is a newer one: a process that was stopped in the
    /// middle comes late.
    pub(crate) fn keep_token(&self, key: &StoreKey, secret: &ClientSecret, token: &TokenData) {
        if self
            .token(key, secret)
            .is_ok_and(|kept| kept.is_newer_than(token))
        {
            return;
        }
        let text = record::write_token(token, &*self.clock);
        self.keep(key, Entry::Token, secret, token.life().end().wall, &text);
        self.remove(key, Entry::Failure);
    }

    /// Keeps a failure for the others, unless it is this process's own trouble.
    pub(crate) fn keep_failure(
        &self,
        key: &StoreKey,
        secret: &ClientSecret,
        setback: &Setback,
        was_urgent: bool,
    ) {
        if is_private(setback.error.kind()) {
            return;
        }
        let text = record::write_failure(setback, was_urgent, &*self.clock);
        let pauses = setback.pauses;
        let ends = self.clock.now().wall + pauses.ask.max(pauses.renew) + FAILURES_COUNT_FOR;
        self.keep(key, Entry::Failure, secret, ends, &text);
    }

    /// The wall time at which the entry of `key` says that its token ends.
    pub(crate) fn ends(&self, key: &StoreKey) -> Option<Duration> {
        let sealed = self.store.load(key, Entry::Token).ok()??;
        seal::ends(&sealed)
    }

    /// Removes the entry of `token` if it is still that token. If somebody has the
    /// lease, it is about to be replaced.
    pub(crate) fn discard(&self, key: &StoreKey, secret: &ClientSecret, token: &TokenData) {
        let lease = self.store.try_lease(key, self.clock.now().wall);
        let is_kept = || {
            let kept = self.token(key, secret);
            kept.is_ok_and(|kept| kept.has_same_value(token))
        };
        if !matches!(lease, Ok(None)) && is_kept() {
            self.remove(key, Entry::Token);
        }
    }

    /// Removes whatever is kept for `key`; says whether there was a token.
    pub(crate) fn forget(&self, key: &StoreKey) -> Result<bool, StoreError> {
        let had_token = !matches!(self.store.load(key, Entry::Token), Ok(None));
        self.store.remove(key, Entry::Failure)?;
        self.store.remove(key, Entry::Token)?;
        Ok(had_token)
    }

    /// The right to ask for the token of `key`; `Ok(None)` while somebody else has it.
    pub(super) fn try_lease(&self, key: &StoreKey) -> Result<Option<Box<dyn Lease>>, StoreError> {
        let lease = self.store.try_lease(key, self.clock.now().wall);
        lease.inspect_err(|error| self.warn(error))
    }

    pub(crate) fn miss(&self, reason: MissReason) {
        self.events.emit(|| Event::StoreMissed { reason });
    }

    fn open(
        &self,
        key: &StoreKey,
        entry: Entry,
        secret: &ClientSecret,
    ) -> Result<Zeroizing<Vec<u8>>, MissReason> {
        let sealed = match self.store.load(key, entry) {
            Ok(sealed) => sealed.ok_or(MissReason::Absent)?,
            Err(error) => {
                // One entry that is unsafe or too large is a miss like others.
                if error.kind() == StoreErrorKind::Unavailable {
                    self.warn(&error);
                }
                return Err(error.kind().into());
            }
        };
        seal::open(key, entry, secret, &sealed).map_err(MissReason::from)
    }

    fn keep(
        &self,
        key: &StoreKey,
        entry: Entry,
        secret: &ClientSecret,
        ends: Duration,
        text: &[u8],
    ) {
        let wall = self.clock.now().wall;
        // What cannot be sealed (too large) is not kept: the next process asks itself.
        let Ok(sealed) = seal::seal(key, entry, secret, ends, text) else {
            return;
        };
        if let Err(error) = self.store.save(key, entry, &sealed, wall) {
            self.warn(&error);
        }
    }

    fn remove(&self, key: &StoreKey, entry: Entry) {
        if let Err(error) = self.store.remove(key, entry) {
            self.warn(&error);
        }
    }

    pub(super) fn warn(&self, error: &StoreError) {
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            let error = error.clone();
            self.events.emit(|| Event::StoreUnavailable { error });
        }
    }
}

/// Whether another process would not meet with the same.
fn is_private(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Configuration | ErrorKind::SecretSource | ErrorKind::Internal => true,
        ErrorKind::CredentialsRejected
        | ErrorKind::RequestRejected
        | ErrorKind::Connect
        | ErrorKind::Unavailable
        | ErrorKind::Timeout
        | ErrorKind::RateLimited
        | ErrorKind::Protocol
        | ErrorKind::Expired => false,
    }
}
