use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::clock::SystemClock;
use crate::renewal::RenewalPolicy;
use crate::secret::Secret;
use crate::token::{Details, Life};

/// Advisory for the last 6 s, mandatory for the last 3 s.
const LIFE: Duration = Duration::from_secs(30);

fn at(seconds: u64) -> Now {
    Now {
        boot: Duration::from_secs(1000 + seconds),
        wall: Duration::from_secs(1_700_000_000 + seconds),
    }
}

fn token(value: &str, obtained: u64) -> Arc<TokenData> {
    let life = Life::new(at(obtained), LIFE, &RenewalPolicy::default(), 0.0);
    Arc::new(TokenData::new(
        &Secret::new(value),
        life,
        Details::default(),
        Arc::new(SystemClock),
    ))
}

fn is_due(slot: &Slot, seconds: u64) -> bool {
    matches!(slot.verdict(at(seconds)), Verdict::ServeAndRenew(..))
}

/// A reader looks in the advisory phase and is held up; a flight publishes; only
/// then the reader claims. It must not put off the renewal of the new token.
#[test]
fn a_claim_that_comes_late_is_lost() {
    let slot = Slot::default();
    slot.publish(token("a", 0), at(0));
    let Verdict::ServeAndRenew(_, seen) = slot.verdict(at(25)) else {
        panic!("a renewal is due");
    };
    slot.publish(token("b", 25), at(25));
    assert!(!slot.claim_renewal(&seen, at(25)));
    assert!((50..52).all(|second| is_due(&slot, second)));
}

/// Two threads see that a renewal is due: one flight, and the next is not put off.
#[test]
fn readers_on_threads_start_one_renewal() {
    for round in 0..2000 {
        let slot = Slot::default();
        slot.publish(token("a", 0), at(0));
        let (started, gate) = (AtomicUsize::new(0), Barrier::new(2));
        let start = |flight, pilot| {
            started.fetch_add(1, Ordering::SeqCst);
            slot.land(&flight, pilot, Ok(token("b", 25)), at(25), 0.5);
        };
        let reader = || {
            gate.wait();
            for _ in 0..3 {
                if let Verdict::ServeAndRenew(_, pace) = slot.verdict(at(25))
                    && slot.claim_renewal(&pace, at(25))
                {
                    slot.join(Wish::ClaimedRenewal, &|| at(25), &start);
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
