//! One slot: the current token of one key, the flight that fetches the next, and
//! when the one after may start.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwapOption, Guard};

use super::flight::{Flight, Outcome, Pilot};
use crate::clock::{Coarse, Now};
use crate::error::{Error, ErrorKind};
use crate::renewal::{Failures, Pauses, Phase, pause_without_gain};
use crate::token::{AccessToken, TokenData};

/// A caller waits for so many flights at most: for another one if a flight is lost,
/// or if its token ended before the caller came to take it.
const FLIGHTS: usize = 3;

/// A renewal in the background is not started again for so long, whatever became
/// of it; longer than any flight with the default limits.
const RENEWAL_UNDER_WAY: Duration = Duration::from_secs(30);

/// Reading a fresh token is wait-free: no lock, no allocation, no shared count. So
/// is reading one that is being renewed in the background.
///
/// Order of events in a flight: token and pace are published, then the flight
/// lands, then it is cleared. Whoever claims the next flight judges the slot once
/// more afterwards; so what a flight just brought, good or bad, is never asked for
/// twice.
#[derive(Default)]
pub(crate) struct Slot {
    current: ArcSwapOption<TokenData>,
    flight: ArcSwapOption<Flight>,
    pace: ArcSwapOption<Pace>,
}

/// When the next flight may start, by the boot clock.
struct Pace {
    /// While there is a live token.
    renew_at: Duration,
    /// While there is none.
    ask_at: Duration,
    /// Failures in a row, and the last of them.
    failures: Failures,
    error: Option<Error>,
}

/// What a caller gets.
enum Verdict {
    /// This token.
    Serve(AccessToken),
    /// This token, and a renewal is due, by this pace, that nobody waits for.
    ServeAndRenew(AccessToken, Guard<Option<Arc<Pace>>>),
    /// The outcome of a flight if it comes soon, else this token.
    WaitBriefly(AccessToken),
    /// The outcome of a flight.
    Wait,
    /// The last failure, until its time has passed.
    Refuse(Error),
}

/// What a caller joins a flight for.
#[derive(Clone, Copy)]
enum Wish {
    /// Any token: it has none.
    Token,
    /// A newer token than the live one it has.
    Renewal,
    /// The same, and it alone was chosen to start it.
    ClaimedRenewal,
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

impl Slot {
    /// The current token, if it is fresh beyond doubt.
    pub(crate) fn fresh(&self, now: Coarse) -> Option<AccessToken> {
        let guard = self.current.load();
        if !guard.as_ref().is_some_and(|token| token.is_fresh(now)) {
            return None;
        }
        AccessToken::from_guard(guard)
    }

    /// A token by all rules: at once if it is live, else from a flight.
    ///
    /// `now` reads the clocks. `start` sends the pilot off; it must not block.
    pub(crate) async fn token(
        &self,
        now: impl Fn() -> Now,
        start: impl Fn(Arc<Flight>, Pilot),
    ) -> Result<AccessToken, Error> {
        let mut failure = lost();
        for _ in 0..FLIGHTS {
            match self.verdict(now()) {
                Verdict::Serve(token) => return Ok(token),
                Verdict::Refuse(error) => return Err(error),
                Verdict::ServeAndRenew(token, pace) => {
                    if self.claim_renewal(&pace, now()) {
                        self.join(Wish::ClaimedRenewal, &now, &start);
                    }
                    return Ok(token);
                }
                Verdict::WaitBriefly(live) => {
                    let flight = self.join(Wish::Renewal, &now, &start);
                    let renewed = flight.outcome_in_time().await.and_then(Result::ok);
                    // Nobody waits for this token's renewal again.
                    live.data().mark_as_waited_for();
                    let best = renewed.map_or(live, AccessToken::new);
                    if best.data().phase(now()) < Phase::Expired {
                        return Ok(best);
                    }
                }
                Verdict::Wait => {
                    let flight = self.join(Wish::Token, &now, &start);
                    match flight.outcome().await {
                        None => failure = lost(),
                        Some(Err(error)) => return Err(error),
                        Some(Ok(token)) if token.phase(now()) < Phase::Expired => {
                            return Ok(AccessToken::new(token));
                        }
                        // Not polled for so long that the token ended meanwhile.
                        Some(Ok(_)) => failure = outlived(),
                    }
                }
            }
        }
        Err(failure)
    }

    fn verdict(&self, at: Now) -> Verdict {
        // The pace first: it is published last, so a new one means a new token.
        let paced = self.pace.load();
        let pace = paced.as_deref();
        let guard = self.current.load();
        let phase = guard
            .as_ref()
            .map_or(Phase::Expired, |token| token.phase(at));
        match (phase, AccessToken::from_guard(guard)) {
            (Phase::Fresh, Some(token)) => Verdict::Serve(token),
            (Phase::Mandatory, Some(token))
                if token.data().may_be_waited_for()
                    && pace.is_none_or(|pace| !pace.cools_down(at)) =>
            {
                Verdict::WaitBriefly(token)
            }
            (Phase::Advisory | Phase::Mandatory, Some(token)) => {
                match pace.is_none_or(|pace| at.boot >= pace.renew_at) {
                    true => Verdict::ServeAndRenew(token, paced),
                    false => Verdict::Serve(token),
                }
            }
            _ => match pace.and_then(|pace| pace.refusal(at)) {
                Some(error) => Verdict::Refuse(error),
                None => Verdict::Wait,
            },
        }
    }

    /// The flight under way, or one that `start` sends off now.
    fn join(
        &self,
        wish: Wish,
        now: &impl Fn() -> Now,
        start: &impl Fn(Arc<Flight>, Pilot),
    ) -> Arc<Flight> {
        loop {
            let seen = self.flight.load();
            if let Some(flight) = seen.as_ref().filter(|flight| flight.is_aloft()) {
                return Arc::clone(flight);
            }
            let (flight, pilot) = Flight::new();
            let before = self
                .flight
                .compare_and_swap(&seen, Some(Arc::clone(&flight)));
            if !same(&before, &seen) {
                continue;
            }
            match self.found(wish, now()) {
                None => start(Arc::clone(&flight), pilot),
                Some(outcome) => {
                    pilot.land(outcome);
                    self.clear(&flight);
                }
            }
            return flight;
        }
    }

    /// What another flight brought between a caller's look at the slot and its
    /// claim of the next flight; `None` if that is still to be flown.
    fn found(&self, wish: Wish, at: Now) -> Option<Outcome> {
        let token = |token: AccessToken| Some(Ok(Arc::clone(token.data())));
        match (self.verdict(at), wish) {
            (Verdict::Wait, _) => None,
            (Verdict::Refuse(error), _) => Some(Err(error)),
            (Verdict::WaitBriefly(_), Wish::Renewal) => None,
            (Verdict::WaitBriefly(live), Wish::Token) => token(live),
            // Whoever claimed a renewal has put off the next one by that.
            (Verdict::Serve(live) | Verdict::ServeAndRenew(live, _), Wish::ClaimedRenewal)
                if live.data().phase(at) > Phase::Fresh =>
            {
                None
            }
            (Verdict::Serve(live) | Verdict::ServeAndRenew(live, _), _) => token(live),
            (Verdict::WaitBriefly(_), Wish::ClaimedRenewal) => None,
        }
    }

    /// Of all readers who see that a renewal is due, one may start it. The others
    /// see a pace that is not the one they saw before.
    fn claim_renewal(&self, seen: &Option<Arc<Pace>>, at: Now) -> bool {
        let until = at.boot.saturating_add(RENEWAL_UNDER_WAY);
        let claimed = match seen.as_deref() {
            None => Pace::until(until),
            Some(pace) => Pace {
                renew_at: until,
                ask_at: pace.ask_at,
                failures: pace.failures,
                error: pace.error.clone(),
            },
        };
        let before = self.pace.compare_and_swap(seen, Some(Arc::new(claimed)));
        same(&before, seen)
    }

    /// Ends `flight`: what it brought is published first, so that nobody who finds
    /// the flight gone finds things as they were. `unit`, from `[0, 1)`, is the
    /// jitter of the next try.
    pub(crate) fn land(
        &self,
        flight: &Arc<Flight>,
        pilot: Pilot,
        outcome: Outcome,
        at: Now,
        unit: f64,
    ) -> Landing {
        let (outcome, landing) = match outcome {
            Ok(token) => (Ok(self.publish(token, at)), Landing::Renewed),
            Err(error) => {
                let landing = self.fail(&error, at, unit);
                (Err(error), landing)
            }
        };
        pilot.land(outcome);
        self.clear(flight);
        landing
    }

    /// A different token always replaces the current one: the server may have
    /// revoked that. The same one again is kept, unless it was rejected; and where
    /// nothing is gained, the next try waits.
    fn publish(&self, new: Arc<TokenData>, at: Now) -> Arc<TokenData> {
        let old = self.current.load_full();
        let live = old.as_ref().filter(|old| old.phase(at) < Phase::Expired);
        let kept = live.filter(|old| old.has_same_value(&new)).cloned();
        let gains = live.is_none_or(|old| new.life().end().wall > old.life().end().wall);
        if old.is_some_and(|old| old.is_rejected()) {
            new.mark_as_replacing_rejected();
        }
        let renew_at = match gains && kept.is_none() {
            true => Duration::ZERO,
            false => at
                .boot
                .saturating_add(pause_without_gain(new.life().remaining(at))),
        };
        if kept.is_none() {
            self.current.store(Some(Arc::clone(&new)));
        }
        // Never `None`, which one could take for the `None` of before.
        self.pace.store(Some(Arc::new(Pace::until(renew_at))));
        kept.unwrap_or(new)
    }

    fn fail(&self, error: &Error, at: Now, unit: f64) -> Landing {
        let mut failures = self
            .pace
            .load()
            .as_ref()
            .map_or(Failures::default(), |pace| pace.failures);
        failures.count(error);
        let pauses = Pauses::after(error, failures, unit);
        self.pace.store(Some(Arc::new(Pace {
            renew_at: at.boot.saturating_add(pauses.renew),
            ask_at: at.boot.saturating_add(pauses.ask),
            failures,
            error: Some(error.clone()),
        })));
        match self.current.load().as_ref() {
            Some(token) if token.phase(at) < Phase::Expired => {
                if token.phase(at) == Phase::Mandatory {
                    token.mark_as_waited_for();
                }
                Landing::RenewalFailed {
                    valid_for: token.life().usable_for(at),
                    retry_in: pauses.renew,
                }
            }
            _ => Landing::Failed,
        }
    }

    fn clear(&self, flight: &Arc<Flight>) {
        self.flight.compare_and_swap(flight, None::<Arc<Flight>>);
    }

    /// Whether something would be lost with it: a token that may be handed out, or
    /// a failure that spares the server further requests.
    pub(crate) fn is_needed(&self, now: Now) -> bool {
        let current = self.current.load();
        let is_live = current
            .as_ref()
            .is_some_and(|token| token.phase(now) < Phase::Expired);
        is_live
            || self
                .pace
                .load()
                .as_ref()
                .is_some_and(|pace| pace.ask_at > now.boot)
    }
}

impl Pace {
    /// Without a failure: a live token is not renewed before.
    fn until(renew_at: Duration) -> Self {
        Self {
            renew_at,
            ask_at: Duration::ZERO,
            failures: Failures::default(),
            error: None,
        }
    }

    /// Whether the server asked for a pause that is not over.
    fn cools_down(&self, at: Now) -> bool {
        let was_told = self
            .error
            .as_ref()
            .is_some_and(|error| error.retry_after().is_some_and(|wait| !wait.is_zero()));
        was_told && at.boot < self.ask_at
    }

    /// The last failure, with the time that is left to wait.
    fn refusal(&self, at: Now) -> Option<Error> {
        let wait = self.ask_at.checked_sub(at.boot)?;
        let error = self.error.clone().filter(|_| !wait.is_zero())?;
        Some(error.with_retry_after(Some(wait)))
    }
}

fn outlived() -> Error {
    Error::new(
        ErrorKind::Expired,
        "every token ended or was rejected before it could be handed out",
    )
    .with_hint("the caller is polled too rarely, or the API rejects every token")
}

fn lost() -> Error {
    Error::new(
        ErrorKind::Internal,
        "requests for a token were cut off before they ended",
    )
    .with_hint("the runtime given to the token client may have been shut down")
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("current", &self.current.load().as_deref())
            .field("flight", &self.flight.load().as_deref())
            .finish_non_exhaustive()
    }
}

fn same<T>(a: &Option<Arc<T>>, b: &Option<Arc<T>>) -> bool {
    a.as_ref().map(Arc::as_ptr) == b.as_ref().map(Arc::as_ptr)
}

#[cfg(test)]
mod tests;
