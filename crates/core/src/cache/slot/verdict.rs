//! What a caller gets from a slot as it is.

use std::sync::Arc;
use std::time::Duration;

use super::Slot;
use crate::cache::cell::{Cell, Cells, Loaded};
use crate::clock::Now;
use crate::error::Error;
use crate::options::CallOptions;
use crate::renewal::{Failures, Phase, Setback};
use crate::token::{AccessToken, Flag, TokenData};

/// What one call asks of a slot.
pub(crate) struct Demand {
    /// The least that is left of the token's life.
    min_validity: Duration,
    pub(super) max_wait: Duration,
    /// Whether a renewal may be started that nobody waits for.
    background: bool,
    forced: Option<Forced>,
}

/// A token must be newer than what there was when the call came.
struct Forced {
    held: Option<Arc<TokenData>>,
    /// Obtained no earlier, by the wall clock.
    since: Duration,
}

impl Demand {
    pub(crate) fn new(options: CallOptions, background: bool) -> Self {
        Self {
            min_validity: options.min_validity,
            max_wait: options.max_wait,
            background,
            forced: None,
        }
    }

    /// Not `held`, nor anything else from before `now`.
    pub(crate) fn forced(mut self, held: Option<Arc<TokenData>>, now: Now) -> Self {
        let since = now.wall;
        self.forced = Some(Forced { held, since });
        self
    }

    /// Whether a flight must ask the server, whatever a store holds.
    pub(super) fn is_forced(&self) -> bool {
        self.forced.is_some()
    }

    /// Whether `token` is the one that was there when a forced call came, or one that
    /// a store has had since before.
    fn refuses(&self, token: &TokenData) -> bool {
        self.forced.as_ref().is_some_and(|forced| {
            let held = forced.held.as_ref();
            let is_held = held.is_some_and(|held| std::ptr::eq(Arc::as_ptr(held), token));
            let is_stale = token.has(Flag::Restored) && token.life().obtained().wall < forced.since;
            is_held || is_stale
        })
    }

    /// The phase for this call: with too little life left, it has to wait.
    pub(super) fn phase(&self, token: &TokenData, at: Now) -> Phase {
        let phase = token.phase(at);
        let life = token.life();
        let least = self.min_validity.min(life.lifetime() / 2);
        match life.remaining(at) < least {
            true => phase.max(Phase::Mandatory),
            false => phase,
        }
    }

    /// Whether `token` needs no further flight for this call.
    pub(crate) fn is_met_by(&self, token: &TokenData, at: Now) -> bool {
        !self.refuses(token) && self.phase(token, at) < Phase::Mandatory
    }
}

/// When the next flight may start, by the boot clock.
pub(crate) struct Pace {
    /// While there is a live token.
    pub(super) renew_at: Duration,
    /// While there is none.
    ask_at: Duration,
    failure: Option<Failure>,
}

/// The last failure.
#[derive(Clone)]
struct Failure {
    error: Error,
    /// How many there were in a row.
    failures: Failures,
    /// Whether the server asked for the pause.
    was_told: bool,
}

impl Pace {
    /// Without a failure: a live token is not renewed before.
    pub(super) fn until(renew_at: Duration) -> Self {
        Self {
            renew_at,
            ask_at: Duration::ZERO,
            failure: None,
        }
    }

    pub(super) fn after(setback: &Setback, at: Now) -> Self {
        Self {
            renew_at: at.boot.saturating_add(setback.pauses.renew),
            ask_at: at.boot.saturating_add(setback.pauses.ask),
            failure: Some(Failure {
                error: setback.error.clone(),
                failures: setback.failures,
                was_told: setback.was_told,
            }),
        }
    }

    /// The same, but a live token is not renewed before.
    pub(super) fn put_off(&self, renew_at: Duration) -> Self {
        Self {
            renew_at,
            ask_at: self.ask_at,
            failure: self.failure.clone(),
        }
    }

    pub(super) fn failures(&self) -> Failures {
        self.failure
            .as_ref()
            .map_or_else(Failures::default, |last| last.failures)
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    pub(super) fn may_renew(&self, at: Now) -> bool {
        at.boot >= self.renew_at
    }

    /// Until a flight may start without a live token.
    pub(super) fn ask_in(&self, at: Now) -> Duration {
        self.ask_at.saturating_sub(at.boot)
    }

    /// Whether the server asked for a pause that is not over.
    pub(super) fn cools_down(&self, at: Now) -> bool {
        let was_told = self.failure.as_ref().is_some_and(|last| last.was_told);
        was_told && at.boot < self.ask_at
    }

    /// The last failure, with the time that is left of the pause that counts.
    pub(super) fn told(&self, has_token: bool, at: Now) -> Option<Error> {
        let wait = match has_token {
            true => self.renew_at.saturating_sub(at.boot),
            false => self.ask_in(at),
        };
        let last = self.failure.as_ref()?;
        Some(last.error.clone().with_retry_after(Some(wait)))
    }

    /// The last failure, with the time that is left to wait.
    fn refusal(&self, at: Now) -> Option<Error> {
        let wait = self.ask_in(at);
        let last = self.failure.as_ref().filter(|_| !wait.is_zero())?;
        Some(last.error.clone().with_retry_after(Some(wait)))
    }
}

/// What a caller gets.
pub(super) enum Verdict<P> {
    /// This token.
    Serve(AccessToken),
    /// This token, and a renewal is due, by this pace, that nobody waits for.
    ServeAndRenew(AccessToken, P),
    /// The outcome of a flight if it comes soon, else this token.
    WaitBriefly(AccessToken),
    /// The outcome of a flight; this token if it fails.
    WaitForNewer(AccessToken),
    /// The outcome of a flight.
    Wait,
    /// The last failure, until its time has passed.
    Refuse(Error),
}

impl<C: Cells> Slot<C> {
    /// By the token and the pace; and, for calls that want another token than the one at
    /// hand, by the flight that may be `aloft` with it.
    pub(super) fn verdict(
        &self,
        at: Now,
        demand: &Demand,
        aloft: bool,
    ) -> Verdict<Loaded<C, Pace>> {
        // The pace first: it is published last, so a new one means a new token.
        let paced = self.pace.load();
        let loaded = self.current.load();
        match C::token(loaded).filter(|token| token.data().is_usable(at)) {
            Some(token) => judge(token, paced, at, demand, aloft),
            None => match paced.as_deref().and_then(|pace| pace.refusal(at)) {
                Some(error) => Verdict::Refuse(error),
                None => Verdict::Wait,
            },
        }
    }
}

/// A live token: whether it is handed out as it is.
fn judge<P>(token: AccessToken, paced: P, at: Now, demand: &Demand, aloft: bool) -> Verdict<P>
where
    P: std::ops::Deref<Target = Option<Arc<Pace>>>,
{
    let pace = paced.as_deref();
    let may_renew = pace.is_none_or(|pace| pace.may_renew(at));
    if demand.refuses(token.data()) {
        // A pause without a failure is about renewals that nobody asked for.
        return match aloft || may_renew || !pace.is_some_and(Pace::has_failed) {
            true => Verdict::WaitForNewer(token),
            false => Verdict::Serve(token),
        };
    }
    let may_wait = match token.data().phase(at) {
        Phase::Mandatory => pace.is_none_or(|pace| !pace.cools_down(at)),
        _ => aloft || may_renew,
    };
    match demand.phase(token.data(), at) {
        Phase::Fresh => Verdict::Serve(token),
        Phase::Mandatory if may_wait && !token.data().has(Flag::WaitedFor) => {
            Verdict::WaitBriefly(token)
        }
        _ if may_renew && demand.background => Verdict::ServeAndRenew(token, paced),
        _ => Verdict::Serve(token),
    }
}
