//! One slot: the current token of one key, the flight that fetches the next, and
//! when the one after may start.

mod call;
mod verdict;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub(crate) use self::call::{Dispatcher, Wish};
pub(crate) use self::verdict::Demand;
use self::verdict::Pace;
use super::beacon::{Beacon, Lookout};
use super::cell::{ArcSwapCells, Cell, Cells};
use super::flight::{Flight, Outcome, Pilot};
use crate::clock::{Coarse, Now};
use crate::error::Error;
use crate::random;
use crate::renewal::{Failures, Phase, RenewalPolicy, Setback};
use crate::token::{AccessToken, Flag, TokenData};

/// Reading a fresh token is wait-free: no lock, no allocation, no shared count. So
/// is reading one that is being renewed in the background.
///
/// Order of events in a flight: token and pace are published, then the flight
/// lands, then it is cleared. Whoever claims the next flight judges the slot once
/// more afterwards; so what a flight just brought, good or bad, is never asked for
/// twice.
pub(crate) struct Slot<C: Cells = ArcSwapCells> {
    current: C::Cell<TokenData>,
    flight: C::Cell<Flight>,
    pace: C::Cell<Pace>,
    beacon: Beacon,
    /// Whether the next flight asks the server even if other processes failed just now.
    ignores_failures: AtomicBool,
    /// Whether somebody renews it on time though nobody reads it.
    is_kept_warm: AtomicBool,
}

/// How a flight changed the slot.
pub(crate) enum Landing {
    /// It brought a token.
    Renewed,
    /// It failed, and there was no live token.
    Failed,
    /// It failed while a live token was there.
    RenewalFailed {
        valid_for: Duration,
        retry_in: Duration,
    },
}

impl<C: Cells> Default for Slot<C> {
    fn default() -> Self {
        Self {
            current: Default::default(),
            flight: Default::default(),
            pace: Default::default(),
            beacon: Beacon::default(),
            ignores_failures: AtomicBool::new(false),
            is_kept_warm: AtomicBool::new(false),
        }
    }
}

impl Slot {
    /// The current token, if it is fresh beyond doubt. Inlined: a token that is returned
    /// through memory costs a third of the whole call.
    #[inline(always)]
    pub(crate) fn fresh(&self, now: Coarse) -> Option<AccessToken> {
        let guard = self.current.load();
        if !guard.as_ref().is_some_and(|token| token.is_fresh(now)) {
            return None;
        }
        AccessToken::from_guard(guard)
    }
}

impl<C: Cells> Slot<C> {
    /// The current token, whatever it is good for.
    pub(crate) fn current(&self) -> Option<Arc<TokenData>> {
        self.current.load().clone()
    }

    /// The failures in a row, for the flight that may add one.
    pub(crate) fn failures(&self) -> Failures {
        let pace = self.pace.load();
        pace.as_ref()
            .map_or_else(Failures::default, |pace| pace.failures())
    }

    /// Ends `flight`: what it brought is published first, so that nobody who finds
    /// the flight gone finds things as they were.
    pub(crate) fn land(
        &self,
        flight: &Arc<Flight>,
        pilot: Pilot,
        outcome: Result<Arc<TokenData>, Setback>,
        at: Now,
        policy: &RenewalPolicy,
    ) -> Landing {
        let (outcome, landing) = match outcome {
            Ok(token) => (Ok(self.publish(token, at, policy)), Landing::Renewed),
            Err(setback) => {
                let landing = self.fail(&setback, at);
                (Err(setback.error), landing)
            }
        };
        pilot.land(outcome);
        self.clear(flight);
        self.beacon.flash();
        landing
    }

    /// A different token always replaces the current one: the server may have
    /// revoked that. The same one again is kept, unless it was rejected; and where
    /// nothing is gained, the next try waits.
    pub(crate) fn publish(
        &self,
        new: Arc<TokenData>,
        at: Now,
        policy: &RenewalPolicy,
    ) -> Arc<TokenData> {
        let old = self.current();
        let live = old.as_ref().filter(|old| old.is_usable(at));
        let kept = live.filter(|old| old.has_same_value(&new)).cloned();
        let gains = live.is_none_or(|old| new.life().end().wall > old.life().end().wall);
        if old.as_ref().is_some_and(|old| old.is_rejected()) {
            new.mark(Flag::ReplacesRejected);
        }
        let renew_at = match gains && kept.is_none() {
            true => Duration::ZERO,
            false => at
                .boot
                .saturating_add(policy.pause_without_gain(new.life().remaining(at))),
        };
        if kept.is_none() {
            self.current.store(Some(Arc::clone(&new)));
        }
        // Never `None`, which one could take for the `None` of before.
        self.pace.store(Some(Arc::new(Pace::until(renew_at))));
        kept.unwrap_or(new)
    }

    /// Takes a token that a store had, unless there is a live one by now.
    pub(crate) fn adopt(&self, token: Arc<TokenData>, at: Now) {
        let loaded = self.current.load();
        let outdoes = loaded
            .as_ref()
            .is_none_or(|old| !old.is_usable(at) && !old.has_same_value(&token));
        if outdoes {
            self.current.replace(&loaded, Some(token));
        }
    }

    fn fail(&self, setback: &Setback, at: Now) -> Landing {
        self.pace.store(Some(Arc::new(Pace::after(setback, at))));
        match self.current().filter(|token| token.is_usable(at)) {
            Some(token) => {
                if token.phase(at) == Phase::Mandatory {
                    token.mark(Flag::WaitedFor);
                }
                Landing::RenewalFailed {
                    valid_for: token.life().usable_for(at),
                    retry_in: setback.pauses.renew,
                }
            }
            None => Landing::Failed,
        }
    }

    /// Forgets failures, so that the next call that needs a token asks for it at once,
    /// whatever other processes have met with; and whether a live token is `due` to be
    /// renewed, by that call or whoever keeps it warm.
    pub(crate) fn reset(&self, due: bool) {
        if let Some(token) = self.current().filter(|_| due) {
            token.mark(Flag::Due);
        }
        self.ignores_failures.store(true, Ordering::Relaxed);
        self.pace.store(Some(Arc::new(Pace::until(Duration::ZERO))));
        self.beacon.flash();
    }

    /// Whether the flight that asks is the first since a [`reset`](Self::reset).
    pub(crate) fn takes_reset(&self) -> bool {
        self.ignores_failures.swap(false, Ordering::Relaxed)
    }

    /// Forgets the token; says whether there was a live one.
    pub(crate) fn forget(&self, at: Now) -> bool {
        let old = self.current();
        self.current.store(None);
        old.is_some_and(|token| token.is_usable(at))
    }

    /// A token of the parent's gets a jitter of its own in a forked child, where it
    /// comes to matter; until then it is served as it is.
    fn disinherit(&self, at: Now) {
        let loaded = self.current.load();
        let Some(token) = loaded.as_ref().filter(|token| token.is_inherited()) else {
            return;
        };
        if token.phase(at) == Phase::Advisory {
            let redrawn = token.with_jitter_anew(at, random::unit());
            self.current.replace(&loaded, Some(Arc::new(redrawn)));
        }
    }

    fn clear(&self, flight: &Arc<Flight>) {
        self.flight.replace(&Some(Arc::clone(flight)), None);
    }

    /// Whether something would be lost with it: a token that may be handed out, or
    /// a failure that spares the server further requests.
    pub(crate) fn is_needed(&self, now: Now) -> bool {
        self.current().is_some_and(|token| token.is_usable(now))
            || self
                .pace
                .load()
                .as_ref()
                .is_some_and(|pace| !pace.ask_in(now).is_zero())
    }

    /// Until a renewal should start, if somebody starts it on time; `None` while a
    /// flight is under way.
    pub(crate) fn due_in(&self, at: Now) -> Option<Duration> {
        if self.is_flying() {
            return None;
        }
        let paced = self.pace.load();
        let Some(token) = self.current().filter(|token| token.is_usable(at)) else {
            return Some(
                paced
                    .as_ref()
                    .map_or(Duration::ZERO, |pace| pace.ask_in(at)),
            );
        };
        let fresh_for = match token.phase(at) {
            Phase::Fresh => token.life().fresh_for(at),
            _ => Duration::ZERO,
        };
        let paused = paced
            .as_ref()
            .map_or(Duration::ZERO, |pace| pace.renew_at.saturating_sub(at.boot));
        // With its end another pause counts.
        let due = fresh_for.max(paused).min(token.life().usable_for(at));
        // One try at the mandatory boundary, whatever the pause; but not in a cool-down.
        let cools_down = paced.as_ref().is_some_and(|pace| pace.cools_down(at));
        match cools_down || token.has(Flag::WaitedFor) {
            true => Some(due),
            false => Some(due.min(token.life().mandatory_in(at))),
        }
    }

    /// The last failure, with the time that is left of its pause.
    pub(crate) fn last_failure(&self, has_token: bool, at: Now) -> Option<Error> {
        self.pace.load().as_ref()?.told(has_token, at)
    }

    /// Tells those who watch that `token` is good for nothing any more, if it is here.
    pub(crate) fn flash_about(&self, token: &TokenData) {
        let current = self.current.load();
        if current
            .as_ref()
            .is_some_and(|current| std::ptr::eq(Arc::as_ptr(current), token))
        {
            self.beacon.flash();
        }
    }

    pub(crate) fn lookout(&self) -> Lookout {
        self.beacon.lookout()
    }

    /// Says whether the caller is the one to keep it warm.
    pub(crate) fn is_to_be_kept_warm(&self) -> bool {
        !self.is_kept_warm.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn is_left_alone(&self) {
        self.is_kept_warm.store(false, Ordering::Relaxed);
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("current", &self.current.load().as_deref())
            .field("flight", &self.flight.load().as_deref())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
