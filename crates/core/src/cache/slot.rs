//! One slot: the current token of one key, and the flight that fetches the next.

use std::fmt;
use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};

use super::flight::{Flight, Outcome, Pilot};
use crate::clock::Now;
use crate::error::{Error, ErrorKind};
use crate::token::{AccessToken, TokenData};

/// A caller starts a flight in place of a lost one at most so often.
const LOST_FLIGHTS: usize = 3;

/// Reading a usable token is wait-free: no lock, no allocation, no shared count.
///
/// Order of events in a flight: the token is published, then the flight lands,
/// then it is cleared. Whoever finds no flight looks at the token once more after
/// having claimed the next one; so a token that was just published is never asked
/// for twice.
#[derive(Default)]
pub(crate) struct Slot {
    current: ArcSwapOption<TokenData>,
    flight: ArcSwapOption<Flight>,
}

impl Slot {
    /// The current token, if it may be handed out.
    pub(crate) fn usable(&self, now: Now) -> Option<AccessToken> {
        let guard = self.current.load();
        if !guard.as_ref().is_some_and(|token| token.is_usable(now)) {
            return None;
        }
        AccessToken::from_guard(guard)
    }

    /// Waits for the flight under way, or for one that is started now.
    ///
    /// `now` reads the clocks. `start` sends the pilot off; it must not block.
    pub(crate) async fn wait(
        &self,
        now: impl Fn() -> Now,
        start: impl Fn(Arc<Flight>, Pilot),
    ) -> Result<AccessToken, Error> {
        for _ in 0..LOST_FLIGHTS {
            let flight = self.join(&now, &start);
            if let Some(outcome) = flight.outcome().await {
                return outcome.map(AccessToken::new);
            }
        }
        Err(Error::new(
            ErrorKind::Internal,
            "requests for a token were cut off before they ended",
        )
        .with_hint("the runtime given to the token client may have been shut down"))
    }

    fn join(&self, now: &impl Fn() -> Now, start: &impl Fn(Arc<Flight>, Pilot)) -> Arc<Flight> {
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
            leave_to_parent(Guard::into_inner(before));
            match self.usable(now()) {
                Some(token) => {
                    pilot.land(Ok(Arc::clone(token.data())));
                    self.clear(&flight);
                }
                None => start(Arc::clone(&flight), pilot),
            }
            return flight;
        }
    }

    /// Ends `flight`: a token is published first, so that nobody who finds the
    /// flight gone finds an old token.
    pub(crate) fn land(&self, flight: &Arc<Flight>, pilot: Pilot, outcome: Outcome) {
        if let Ok(token) = &outcome {
            self.current.store(Some(Arc::clone(token)));
        }
        pilot.land(outcome);
        self.clear(flight);
    }

    fn clear(&self, flight: &Arc<Flight>) {
        self.flight.compare_and_swap(flight, None::<Arc<Flight>>);
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("current", &self.current.load().as_deref())
            .field("flight", &self.flight.load().as_deref())
            .finish()
    }
}

fn same<T>(a: &Option<Arc<T>>, b: &Option<Arc<T>>) -> bool {
    a.as_ref().map(Arc::as_ptr) == b.as_ref().map(Arc::as_ptr)
}

/// A flight inherited over a fork is never dropped: the lock inside its channel
/// may be held by a thread that does not exist here.
fn leave_to_parent(flight: Option<Arc<Flight>>) {
    if let Some(flight) = flight
        && !flight.is_ours()
    {
        std::mem::forget(flight);
    }
}
