//! What is counted of one profile.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::metrics::histogram::Histogram;
use prove_token::{Clock as _, ErrorKind, Event, SystemClock};

use super::{Counts, count};

/// The word for what went well, beside the kinds of errors.
pub(crate) const OK: &str = "ok";

/// The word for what went wrong where there are no kinds.
pub(crate) const FAILED: &str = "failed";

/// Upper ends, in seconds: from a neighbour's answer to the end of patience.
const BUCKETS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Fed by the events of the profile's client.
#[derive(Debug)]
pub(crate) struct ProfileTally {
    /// Tokens obtained, `ok`, and the kinds of the failures to obtain one.
    pub(crate) renewals: Counts,
    /// Requests to the token endpoint, by outcome.
    pub(super) attempts: Counts,
    pub(super) durations: Histogram,
    /// By reason.
    pub(super) store_misses: Counts,
    pub(super) restored: AtomicU64,
    /// Files that were to hold the token, by outcome.
    pub(crate) sinks: Counts,
    pub(super) rejected: AtomicU64,
    pub(super) cool_downs: AtomicU64,
    /// When the last attempt began, in nanoseconds since the start of the machine.
    began: AtomicU64,
}

impl Default for ProfileTally {
    fn default() -> Self {
        let kinds = ErrorKind::ALL.iter().map(|kind| kind.as_str());
        Self {
            renewals: Counts::of(kinds.chain([OK])),
            attempts: Counts::default(),
            durations: Histogram::new(BUCKETS),
            store_misses: Counts::default(),
            restored: AtomicU64::default(),
            sinks: Counts::of([OK, FAILED]),
            rejected: AtomicU64::default(),
            cool_downs: AtomicU64::default(),
            began: AtomicU64::default(),
        }
    }
}

impl ProfileTally {
    pub(crate) fn heard(&self, event: &Event) {
        match event {
            Event::AttemptStarted { .. } => self.began.store(now(), Ordering::Relaxed),
            Event::AttemptFailed { error, took, .. } => {
                self.attempts.add(error.kind().as_str());
                self.durations.observe(took.as_secs_f64());
            }
            Event::TokenObtained { .. } => {
                self.renewals.add(OK);
                self.attempts.add(OK);
                // The flight's time has the pauses between attempts in it.
                let took = now().saturating_sub(self.began.load(Ordering::Relaxed));
                let took = Duration::from_nanos(took);
                self.durations.observe(took.as_secs_f64());
            }
            Event::RenewalFailed { error, .. } => self.renewals.add(error.kind().as_str()),
            Event::TokenRejected { .. } => count(&self.rejected),
            Event::CoolDownEntered { .. } => count(&self.cool_downs),
            Event::TokenRestored { .. } => count(&self.restored),
            Event::StoreMissed { reason, .. } => self.store_misses.add(reason.as_str()),
            _ => {}
        }
    }
}

fn now() -> u64 {
    u64::try_from(SystemClock.now().boot.as_nanos()).unwrap_or(u64::MAX)
}
