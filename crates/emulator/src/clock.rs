//! Time: the only file that reads a clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The emulator's clocks, which a test can move forward together.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    /// Nanoseconds added by [`Clock::advance`].
    advanced: AtomicU64,
}

impl Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this file is where time is read; everything else asks the Clock"
    )]
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
            advanced: AtomicU64::new(0),
        }
    }

    /// Real time since the start, untouched by [`Clock::advance`].
    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Monotonic time since the start, by which tokens and rate windows end.
    pub(crate) fn now(&self) -> Duration {
        self.uptime().saturating_add(self.advanced())
    }

    /// Wall time in whole seconds since 1970-01-01 00:00 UTC.
    #[expect(
        clippy::disallowed_methods,
        reason = "this file is where time is read; everything else asks the Clock"
    )]
    pub(crate) fn epoch_seconds(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .saturating_add(self.advanced())
            .as_secs()
    }

    /// Moves both clocks forward.
    pub(crate) fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        // The closure always returns a value, so the update cannot fail.
        let _ = self
            .advanced
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |before| {
                Some(before.saturating_add(by))
            });
    }

    fn advanced(&self) -> Duration {
        Duration::from_nanos(self.advanced.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advancing_moves_both_clocks_but_not_the_uptime() {
        let clock = Clock::start();
        let wall = clock.epoch_seconds();
        clock.advance(Duration::from_secs(3600));
        assert!(clock.now() >= Duration::from_secs(3600));
        assert!(clock.uptime() < Duration::from_secs(3600));
        assert!(clock.epoch_seconds() >= wall + 3600);
    }

    #[test]
    fn advancing_without_end_saturates() {
        let clock = Clock::start();
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        assert!(clock.now() >= Duration::from_nanos(u64::MAX));
    }
}
