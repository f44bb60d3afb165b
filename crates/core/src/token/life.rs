//! The arithmetic of a token's life; reads no clock.

use std::time::Duration;

use crate::clock::Now;

/// No token is believed to live longer than this, whatever the server says.
pub(crate) const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// From when to when a token may be used, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    /// Read before the request was sent: the server's count starts later.
    obtained: Now,
    lifetime: Duration,
}

impl Life {
    /// `lifetime` is cut to 24 hours.
    pub(crate) fn new(obtained: Now, lifetime: Duration) -> Self {
        Self {
            obtained,
            lifetime: lifetime.min(LONGEST_LIFETIME),
        }
    }

    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Below this rest of its life a token is never handed out, because it must
    /// survive the request it is used for: 5 % of the life, at least 0.5 s, at
    /// most 10 s, and never more than half of the life.
    pub(crate) fn guard(&self) -> Duration {
        (self.lifetime / 20)
            .clamp(Duration::from_millis(500), Duration::from_secs(10))
            .min(self.lifetime / 2)
    }

    /// Whether a token may be handed out: both clocks must see more life than
    /// the guard. A wall clock that was set back cannot prolong a life, because
    /// the boot clock cannot be set.
    pub(crate) fn is_usable(&self, now: Now) -> bool {
        self.remaining(now) > self.guard()
    }

    /// The shorter of what both clocks leave; zero after the end.
    pub(crate) fn remaining(&self, now: Now) -> Duration {
        let end = self.end();
        let boot = end.boot.saturating_sub(now.boot);
        boot.min(end.wall.saturating_sub(now.wall))
    }

    pub(crate) fn end(&self) -> Now {
        Now {
            boot: self.obtained.boot + self.lifetime,
            wall: self.obtained.wall + self.lifetime,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Now {
        Now {
            boot: Duration::from_secs(100 + seconds),
            wall: Duration::from_secs(1_700_000_000 + seconds),
        }
    }

    fn life(seconds: u64) -> Life {
        Life::new(at(0), Duration::from_secs(seconds))
    }

    #[test]
    fn the_guard_follows_the_lifetime() {
        for (lifetime, guard) in [
            (3600, 10_000),
            (300, 10_000),
            (100, 5_000),
            (10, 500),
            (1, 500),
            (0, 0),
        ] {
            assert_eq!(
                life(lifetime).guard(),
                Duration::from_millis(guard),
                "L={lifetime}"
            );
        }
    }

    #[test]
    fn usable_until_the_guard_by_both_clocks() {
        let life = life(300);
        assert!(life.is_usable(at(0)));
        assert!(life.is_usable(at(289)));
        assert!(!life.is_usable(at(290)));
        let wall_back = Now {
            wall: at(0).wall,
            boot: at(290).boot,
        };
        let wall_forward = Now {
            wall: at(290).wall,
            boot: at(0).boot,
        };
        assert!(
            !life.is_usable(wall_back),
            "setting the clock back prolongs no life"
        );
        assert!(!life.is_usable(wall_forward));
    }

    #[test]
    fn a_day_is_the_longest_life() {
        assert_eq!(life(u64::MAX / 4).lifetime(), LONGEST_LIFETIME);
    }
}
