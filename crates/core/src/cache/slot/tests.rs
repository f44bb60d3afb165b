use std::future::Future;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::verdict::Verdict;
use super::*;
use crate::clock::SystemClock;
use crate::options::CallOptions;
use crate::secret::Secret;
use crate::token::{Details, Life};

/// Advisory for the last 6 s, mandatory for the last 3 s.
const LIFE: Duration = Duration::from_secs(30);

pub(super) fn at(seconds: u64) -> Now {
    Now {
        boot: Duration::from_secs(1000 + seconds),
        wall: Duration::from_secs(1_700_000_000 + seconds),
    }
}

pub(super) fn policy() -> RenewalPolicy {
    RenewalPolicy::default()
}

pub(super) fn demand() -> Demand {
    Demand::new(CallOptions::new(), true)
}

pub(super) fn token(value: &str, obtained: u64) -> Arc<TokenData> {
    let life = Life::new(at(obtained), LIFE, &policy(), 0.0);
    Arc::new(TokenData::new(
        &Secret::new(value),
        life,
        Details::default(),
        Arc::new(SystemClock),
    ))
}

fn is_due(slot: &Slot, seconds: u64) -> bool {
    matches!(
        slot.verdict(at(seconds), &demand(), false),
        Verdict::ServeAndRenew(..)
    )
}

/// Lands each flight at once, with token "b", at second 25.
struct Landing<'a> {
    slot: &'a Slot,
    started: &'a AtomicUsize,
}

impl Dispatcher for Landing<'_> {
    fn now(&self) -> Now {
        at(25)
    }

    fn launch(&self, flight: Arc<Flight>, pilot: Pilot, _: Wish) {
        self.started.fetch_add(1, Ordering::SeqCst);
        let outcome = Ok(token("b", 25));
        self.slot.land(&flight, pilot, outcome, at(25), &policy());
    }

    fn alarm(&self, _: Duration) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    fn longest_flight(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }
}

/// A reader looks in the advisory phase and is held up; a flight publishes; only
/// then the reader claims. It must not put off the renewal of the new token.
#[test]
fn a_claim_that_comes_late_is_lost() {
    let slot = Slot::default();
    slot.publish(token("a", 0), at(0), &policy());
    let Verdict::ServeAndRenew(_, seen) = slot.verdict(at(25), &demand(), false) else {
        panic!("a renewal is due");
    };
    slot.publish(token("b", 25), at(25), &policy());
    assert!(!slot.claim_renewal(&seen, at(25)));
    assert!((50..52).all(|second| is_due(&slot, second)));
}

/// Two threads see that a renewal is due: one flight, and the next is not put off.
#[test]
fn readers_on_threads_start_one_renewal() {
    for round in 0..2000 {
        let slot = Slot::default();
        slot.publish(token("a", 0), at(0), &policy());
        let (started, gate) = (AtomicUsize::new(0), Barrier::new(2));
        let dispatcher = Landing {
            slot: &slot,
            started: &started,
        };
        let reader = || {
            gate.wait();
            for _ in 0..3 {
                if let Verdict::ServeAndRenew(_, pace) = slot.verdict(at(25), &demand(), false)
                    && slot.claim_renewal(&pace, at(25))
                {
                    slot.join(Wish::ClaimedRenewal, &demand(), &dispatcher);
                }
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(reader);
            scope.spawn(reader);
        });
        assert_eq!(started.load(Ordering::SeqCst), 1, "round {round}");
        assert!(is_due(&slot, 50), "round {round}");
    }
}

#[test]
fn what_is_due_when() {
    let slot: Slot = Slot::default();
    let seconds = Duration::from_secs;
    assert_eq!(slot.due_in(at(0)), Some(seconds(0)), "an empty slot");
    slot.publish(token("a", 0), at(0), &policy());
    assert_eq!(slot.due_in(at(0)), Some(seconds(24)));
    assert_eq!(slot.due_in(at(25)), Some(seconds(0)));
    let error = Error::new(crate::ErrorKind::Unavailable, "down");
    let setback = policy().setback(error, Failures::default(), 0.5);
    slot.fail(&setback, at(24));
    assert_eq!(
        slot.due_in(at(24)),
        Some(seconds(3)),
        "the mandatory boundary"
    );
    slot.fail(&setback, at(27));
    assert_eq!(
        slot.due_in(at(27)),
        Some(Duration::from_millis(1500)),
        "its one try is over: its end"
    );
    let asked = policy().pauses(&setback.error, setback.failures, 0.5).ask;
    slot.fail(&setback, at(40));
    assert_eq!(slot.due_in(at(40)), Some(asked), "without a live token");
    slot.reset(false);
    assert_eq!(slot.due_in(at(40)), Some(seconds(0)));
}
