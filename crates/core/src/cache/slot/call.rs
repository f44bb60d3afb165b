//! How a caller gets its token: at once, or from a flight that it joins or starts.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::verdict::{Demand, Pace, Verdict};
use super::{Flight, Outcome, Pilot, Slot};
use crate::cache::cell::{Cell, Cells, Loaded};
use crate::clock::Now;
use crate::error::{Error, ErrorKind};
use crate::obtain::within;
use crate::renewal::Phase;
use crate::token::{AccessToken, Flag, TokenData};

/// A caller waits for so many flights at most: for another one if a flight is lost,
/// if it only brought what a store had, or if its token ended before the caller came
/// to take it.
const FLIGHTS: usize = 3;

/// A renewal in the background is not started again for so long, whatever became
/// of it; longer than any flight with the default limits.
const RENEWAL_UNDER_WAY: Duration = Duration::from_secs(30);

/// What a caller joins a flight for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Any token: it has none.
    Token,
    /// A better token than the live one it has, which is in its mandatory phase or too
    /// short for it.
    Renewal,
    /// The same, with nobody waiting; it alone was chosen to start it.
    ClaimedRenewal,
    /// A token from the server, whatever there is.
    Newer,
}

/// What a slot needs from the outside.
pub(crate) trait Dispatcher {
    fn now(&self) -> Now;

    /// Sends the pilot off. It must not block.
    fn launch(&self, flight: Arc<Flight>, pilot: Pilot, wish: Wish);

    /// Ends after so long.
    fn alarm(&self, after: Duration) -> impl Future<Output = ()> + Send;

    /// Every flight has ended after so long, if anybody can tell.
    fn longest_flight(&self) -> Option<Duration>;
}

/// What a slot has for a call as it is.
enum Served {
    AtOnce(Result<AccessToken, Error>),
    /// The outcome of a flight if it comes soon, else this token.
    Soon(AccessToken),
    /// The outcome of a flight; this token if it fails.
    Newer(AccessToken),
    /// The outcome of a flight.
    Later,
}

/// How a wait for a flight ended.
enum Waited {
    Landed(Outcome),
    /// The flight was lost, or is late for those who hold a live token.
    Left,
    /// The caller's time is up.
    GaveUp,
}

/// One call on its way to a token.
struct Call<'a, C: Cells, D> {
    slot: &'a Slot<C>,
    demand: &'a Demand,
    dispatcher: &'a D,
    /// By the boot clock.
    deadline: Duration,
    /// Why there would be no token if the flights were used up now. Not made before:
    /// serving a live token allocates nothing.
    failure: fn() -> Error,
}

impl<C: Cells, D: Dispatcher> Call<'_, C, D> {
    async fn run(mut self) -> Result<AccessToken, Error> {
        for _ in 0..FLIGHTS {
            let token = match self.slot.serve(self.demand, self.dispatcher) {
                Served::AtOnce(outcome) => return outcome,
                Served::Soon(live) => {
                    let flight = self.join(Wish::Renewal);
                    let waited = self.wait(flight.outcome_in_time()).await;
                    // Nobody waits for this token's renewal again.
                    live.data().mark(Flag::WaitedFor);
                    self.better(waited, live)
                }
                Served::Newer(live) => {
                    let flight = self.join(Wish::Newer);
                    let waited = self.wait(flight.outcome()).await;
                    self.better(waited, live)
                }
                Served::Later => match self.any().await {
                    Ok(token) => token,
                    Err(error) => return self.live().ok_or(error),
                },
            };
            if let Some(token) = token {
                return Ok(token);
            }
        }
        self.live().ok_or_else(self.failure)
    }

    /// What can be had without a flight in the end: while this call waited, a store may
    /// have had a token, or a clock that was wrong been put right.
    fn live(&self) -> Option<AccessToken> {
        let live = self.slot.current();
        let live = live.filter(|token| token.is_usable(self.dispatcher.now()));
        live.map(AccessToken::new)
    }

    /// The outcome of a flight for a caller that has no token; `None` if it takes
    /// another one.
    async fn any(&mut self) -> Result<Option<AccessToken>, Error> {
        let flight = self.join(match self.demand.is_forced() {
            true => Wish::Newer,
            false => Wish::Token,
        });
        let token = match self.wait(flight.outcome()).await {
            Waited::GaveUp => return Err(gave_up(self.demand.max_wait)),
            Waited::Landed(outcome) => outcome?,
            Waited::Left => {
                self.failure = lost;
                return Ok(None);
            }
        };
        let at = self.dispatcher.now();
        if self.is_enough(&token, at) {
            return Ok(Some(AccessToken::new(token)));
        }
        if !token.is_usable(at) {
            self.failure = outlived;
            if at.boot > self.deadline {
                // The time went by while nobody polled this call.
                self.deadline = at.boot.saturating_add(self.demand.max_wait);
            }
        }
        Ok(None)
    }

    /// What a caller with a live token goes home with, unless it takes another flight.
    fn better(&self, waited: Waited, live: AccessToken) -> Option<AccessToken> {
        let at = self.dispatcher.now();
        match waited {
            Waited::Landed(Ok(token)) => {
                let is_enough = self.is_enough(&token, at);
                is_enough.then(|| AccessToken::new(token))
            }
            _ => live.data().is_usable(at).then_some(live),
        }
    }

    /// Whether a flight's token will do. One from the server does if it is usable, for
    /// there is no better one to be had; one from a store must meet the demand.
    fn is_enough(&self, token: &TokenData, at: Now) -> bool {
        token.is_usable(at) && (!token.has(Flag::Restored) || self.demand.is_met_by(token, at))
    }

    fn join(&self, wish: Wish) -> Arc<Flight> {
        self.slot.join(wish, self.demand, self.dispatcher)
    }

    /// Waits for `outcome` until the deadline. A flight that ends before that anyway
    /// needs no alarm.
    async fn wait(&self, outcome: impl Future<Output = Option<Outcome>>) -> Waited {
        let left = self.deadline.saturating_sub(self.dispatcher.now().boot);
        let longest = self.dispatcher.longest_flight();
        let waited = if longest.is_some_and(|longest| left > longest) {
            Some(outcome.await)
        } else if left.is_zero() {
            within(outcome, std::future::ready(())).await
        } else {
            within(outcome, self.dispatcher.alarm(left)).await
        };
        match waited {
            None => Waited::GaveUp,
            Some(None) => Waited::Left,
            Some(Some(outcome)) => Waited::Landed(outcome),
        }
    }
}

impl<C: Cells> Slot<C> {
    /// What a call gets without waiting; `None` if it has to wait. A renewal that is
    /// due starts all the same.
    pub(crate) fn at_once(
        &self,
        demand: &Demand,
        dispatcher: &impl Dispatcher,
    ) -> Option<Result<AccessToken, Error>> {
        self.disinherit(dispatcher.now());
        match self.serve(demand, dispatcher) {
            Served::AtOnce(outcome) => Some(outcome),
            Served::Soon(_) | Served::Newer(_) | Served::Later => None,
        }
    }

    /// A token by all rules: at once if it is live, else from a flight.
    pub(crate) async fn token(
        &self,
        demand: &Demand,
        dispatcher: &impl Dispatcher,
    ) -> Result<AccessToken, Error> {
        let started = dispatcher.now();
        self.disinherit(started);
        let call = Call {
            slot: self,
            demand,
            dispatcher,
            deadline: started.boot.saturating_add(demand.max_wait),
            failure: lost,
        };
        call.run().await
    }

    fn serve(&self, demand: &Demand, dispatcher: &impl Dispatcher) -> Served {
        let at = dispatcher.now();
        match self.verdict(at, demand, self.is_flying()) {
            Verdict::Serve(token) => Served::AtOnce(Ok(token)),
            Verdict::Refuse(error) => Served::AtOnce(Err(error)),
            Verdict::ServeAndRenew(token, pace) => {
                if self.claim_renewal(&pace, at) {
                    self.join(Wish::ClaimedRenewal, demand, dispatcher);
                }
                Served::AtOnce(Ok(token))
            }
            Verdict::WaitBriefly(live) => Served::Soon(live),
            Verdict::WaitForNewer(live) => Served::Newer(live),
            Verdict::Wait => Served::Later,
        }
    }

    /// The flight under way, or one that is launched now.
    pub(super) fn join(
        &self,
        wish: Wish,
        demand: &Demand,
        dispatcher: &impl Dispatcher,
    ) -> Arc<Flight> {
        loop {
            let seen = self.flight.load();
            if let Some(flight) = seen.as_ref().filter(|flight| flight.is_aloft()) {
                return Arc::clone(flight);
            }
            let (flight, pilot) = Flight::new();
            if !self.flight.replace(&seen, Some(Arc::clone(&flight))) {
                continue;
            }
            match self.found(wish, demand, dispatcher.now()) {
                None => dispatcher.launch(Arc::clone(&flight), pilot, wish),
                Some(outcome) => {
                    pilot.land(outcome);
                    self.clear(&flight);
                }
            }
            return flight;
        }
    }

    pub(super) fn is_flying(&self) -> bool {
        let flight = self.flight.load();
        flight.as_ref().is_some_and(|flight| flight.is_aloft())
    }

    /// What another flight brought between a caller's look at the slot and its
    /// claim of the next flight; `None` if that is still to be flown.
    fn found(&self, wish: Wish, demand: &Demand, at: Now) -> Option<Outcome> {
        let token = |token: AccessToken| Some(Ok(Arc::clone(token.data())));
        match (self.verdict(at, demand, false), wish) {
            (Verdict::Wait, _) => None,
            (Verdict::Refuse(error), _) => Some(Err(error)),
            (Verdict::WaitBriefly(live) | Verdict::WaitForNewer(live), Wish::Token) => token(live),
            (Verdict::WaitBriefly(_) | Verdict::WaitForNewer(_), _) => None,
            // Whoever claimed a renewal has put off the next one by that.
            (Verdict::Serve(live) | Verdict::ServeAndRenew(live, _), Wish::ClaimedRenewal)
                if demand.phase(live.data(), at) > Phase::Fresh =>
            {
                None
            }
            (Verdict::Serve(live) | Verdict::ServeAndRenew(live, _), _) => token(live),
        }
    }

    /// Of all readers who see that a renewal is due, one may start it. The others
    /// see a pace that is not the one they saw before.
    pub(super) fn claim_renewal(&self, seen: &Loaded<C, Pace>, at: Now) -> bool {
        let until = at.boot.saturating_add(RENEWAL_UNDER_WAY);
        let claimed = match seen.as_deref() {
            None => Pace::until(until),
            Some(pace) => pace.put_off(until),
        };
        self.pace.replace(seen, Some(Arc::new(claimed)))
    }
}

fn gave_up(limit: Duration) -> Error {
    Error::new(
        ErrorKind::Expired,
        format!("no usable token within the call's limit of {limit:?}"),
    )
    .with_hint("the request goes on: ask again in a moment, or allow a longer wait")
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
