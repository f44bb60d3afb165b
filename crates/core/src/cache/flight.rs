//! A flight: one request for a token that any number of callers wait for, and
//! that none of them can cancel.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use crate::error::Error;
use crate::process::Owned;
use crate::token::TokenData;

/// How a flight ended, for everybody who waited.
pub(crate) type Outcome = Result<Arc<TokenData>, Error>;

/// How far it is.
#[derive(Clone)]
enum Progress {
    Aloft,
    /// It takes longer than those want to wait who hold a live token.
    Late,
    Landed(Outcome),
}

/// The passengers' side. A forked child inherits it, but not the thread that flies.
pub(crate) struct Flight(Owned<watch::Receiver<Progress>>);

/// The pilot's side. If it is dropped without landing (a panic, a runtime that
/// went away), the flight counts as lost and the next caller starts another.
pub(crate) struct Pilot(watch::Sender<Progress>);

impl Flight {
    pub(crate) fn new() -> (Arc<Self>, Pilot) {
        let (sender, progress) = watch::channel(Progress::Aloft);
        (Arc::new(Self(Owned::new(progress))), Pilot(sender))
    }

    /// Whether waiting for it makes sense. Not once it has landed: who asks after
    /// an outcome was known must not be given that one.
    pub(crate) fn is_aloft(&self) -> bool {
        // The process first: the channel's lock may be held for ever by a thread
        // that exists only in the parent. `Err` means the pilot is gone.
        self.0.is_ours()
            && self.0.has_changed().is_ok()
            && !matches!(*self.0.borrow(), Progress::Landed(_))
    }

    /// Waits for the end. `None` if the flight is lost.
    pub(crate) async fn outcome(&self) -> Option<Outcome> {
        self.wait(|progress| matches!(progress, Progress::Landed(_)))
            .await
    }

    /// Waits until it ends or is late. `None` if it is late or lost.
    pub(crate) async fn outcome_in_time(&self) -> Option<Outcome> {
        self.wait(|progress| !matches!(progress, Progress::Aloft))
            .await
    }

    async fn wait(&self, is_enough: impl FnMut(&Progress) -> bool) -> Option<Outcome> {
        let mut progress = watch::Receiver::clone(&self.0);
        let reached = progress.wait_for(is_enough).await.ok()?;
        match &*reached {
            Progress::Landed(outcome) => Some(outcome.clone()),
            Progress::Aloft | Progress::Late => None,
        }
    }
}

impl Pilot {
    /// Sends those on who hold a live token.
    pub(crate) fn be_late(&self) {
        self.0.send_replace(Progress::Late);
    }

    pub(crate) fn land(self, outcome: Outcome) {
        self.0.send_replace(Progress::Landed(outcome));
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Flight").field(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn failure() -> Outcome {
        Err(Error::new(ErrorKind::Unavailable, "down"))
    }

    #[tokio::test]
    async fn everybody_learns_the_outcome_late_comers_too() {
        let (flight, pilot) = Flight::new();
        assert!(flight.is_aloft());
        let early = flight.clone();
        let waiting = tokio::spawn(async move { early.outcome().await });
        tokio::task::yield_now().await;
        pilot.land(failure());
        assert!(!flight.is_aloft());
        for outcome in [waiting.await.unwrap(), flight.outcome().await] {
            assert_eq!(outcome.unwrap().unwrap_err().kind(), ErrorKind::Unavailable);
        }
    }

    /// The pilot may be held up between landing and leaving, while those who waited
    /// ask again.
    #[tokio::test]
    async fn a_flight_that_has_landed_takes_nobody_aboard() {
        let (flight, pilot) = Flight::new();
        pilot.0.send_replace(Progress::Landed(failure()));
        assert!(!flight.is_aloft());
        assert!(flight.outcome().await.is_some());
        drop(pilot);
    }

    #[tokio::test]
    async fn a_late_flight_lets_go_only_those_who_can_do_without() {
        let (flight, pilot) = Flight::new();
        let patient = flight.clone();
        let waiting = tokio::spawn(async move { patient.outcome().await });
        pilot.be_late();
        assert!(flight.outcome_in_time().await.is_none());
        assert!(flight.is_aloft());
        pilot.land(failure());
        assert!(waiting.await.unwrap().is_some());
        assert!(flight.outcome_in_time().await.is_some());
    }

    #[tokio::test]
    async fn a_dropped_pilot_means_a_lost_flight() {
        let (flight, pilot) = Flight::new();
        drop(pilot);
        assert!(!flight.is_aloft());
        assert!(flight.outcome().await.is_none());
    }
}
