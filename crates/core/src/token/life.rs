//! The life of a token: its phases by two clocks, and the cheap test for the
//! first of them.

use std::time::Duration;

use crate::clock::{Clock, Coarse, Now, TICK};
use crate::renewal::{Boundaries, Phase, RenewalPolicy};

/// From when to when a token may be used, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    end: Now,
    lifetime: Duration,
    /// This token's part of the advisory boundary, drawn when it was obtained.
    jitter: Duration,
    boundaries: Boundaries,
}

impl Life {
    /// `obtained` was read before the request was sent: the server's count starts
    /// later. `unit`, from `[0, 1)`, is this token's jitter.
    pub(crate) fn new(
        obtained: Now,
        lifetime: Duration,
        policy: &RenewalPolicy,
        unit: f64,
    ) -> Self {
        let lifetime = policy.believed(lifetime);
        let end = Now {
            boot: obtained.boot.saturating_add(lifetime),
            wall: obtained.wall.saturating_add(lifetime),
        };
        Self::ending(end, lifetime, policy, policy.drawn_jitter(lifetime, unit))
    }

    /// A life that is known by its end, with a jitter that was drawn before.
    pub(crate) fn ending(
        end: Now,
        lifetime: Duration,
        policy: &RenewalPolicy,
        jitter: Duration,
    ) -> Self {
        Self {
            end,
            lifetime,
            jitter,
            boundaries: policy.boundaries(lifetime, jitter),
        }
    }

    /// The same life for another process: what is left before the advisory boundary
    /// without its jitter is drawn from anew (`unit`, from `[0, 1)`), so that forked
    /// children do not renew together.
    pub(crate) fn with_jitter_anew(mut self, now: Now, unit: f64) -> Self {
        let left = self.remaining(now).min(self.boundaries.advisory);
        let room = left.saturating_sub(self.boundaries.plain);
        self.jitter = room.mul_f64(unit);
        self.boundaries.advisory = self.boundaries.plain + self.jitter;
        self
    }

    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    pub(crate) fn jitter(&self) -> Duration {
        self.jitter
    }

    /// When its request was sent, by both clocks; zero where a clock had not started.
    pub(crate) fn obtained(&self) -> Now {
        Now {
            boot: self.end.boot.saturating_sub(self.lifetime),
            wall: self.end.wall.saturating_sub(self.lifetime),
        }
    }

    /// How long ago its request was sent, by the boot clock.
    pub(crate) fn age(&self, now: Now) -> Duration {
        let left = self.end.boot.saturating_sub(now.boot);
        self.lifetime.saturating_sub(left)
    }

    /// The phase by the clock that sees less life left. A wall clock that was set
    /// back cannot prolong a life, because the boot clock cannot be set.
    pub(crate) fn phase(&self, now: Now) -> Phase {
        self.boundaries.phase(self.remaining(now))
    }

    /// Whether a token may be handed out.
    pub(crate) fn is_usable(&self, now: Now) -> bool {
        self.phase(now) < Phase::Expired
    }

    /// How long a token will still be handed out.
    pub(crate) fn usable_for(&self, now: Now) -> Duration {
        self.remaining(now).saturating_sub(self.boundaries.guard)
    }

    /// How long it is fresh; zero where it is not.
    pub(crate) fn fresh_for(&self, now: Now) -> Duration {
        self.remaining(now).saturating_sub(self.boundaries.advisory)
    }

    /// Until its mandatory window begins; zero in it.
    pub(crate) fn mandatory_in(&self, now: Now) -> Duration {
        self.remaining(now)
            .saturating_sub(self.boundaries.mandatory)
    }

    /// The shorter of what both clocks leave; zero after the end.
    pub(crate) fn remaining(&self, now: Now) -> Duration {
        let boot = self.end.boot.saturating_sub(now.boot);
        boot.min(self.end.wall.saturating_sub(now.wall))
    }

    pub(crate) fn end(&self) -> Now {
        self.end
    }
}

/// The end of the fresh phase in terms of the coarse clocks, which cost a fifth of
/// the fine ones.
///
/// The coarse monotonic clock stands still in suspend. What a suspend does show in
/// is the distance between wall and monotonic time; once that has moved, the coarse
/// clocks say nothing and the fine ones decide. (Not seen: a suspend during which
/// the wall was set back by just as much.)
///
/// In nanoseconds, because this is compared with every read: a [`Duration`] has two
/// fields, whose comparison branches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Horizon {
    monotonic: i64,
    wall: i64,
    /// Wall time ahead of monotonic time when the token was published.
    lead: i64,
}

/// A lead that moved by more than this was a suspend, or a step of the wall.
const MOVED: i64 = 20_000_000;

impl Horizon {
    pub(crate) fn new(life: &Life, clock: &dyn Clock) -> Self {
        let (now, coarse) = (clock.now(), clock.coarse());
        // Drawn in by what both coarse clocks may lag.
        let fresh = nanoseconds(life.fresh_for(now).saturating_sub(2 * TICK));
        let (monotonic, wall) = (nanoseconds(coarse.monotonic), nanoseconds(coarse.wall));
        let lead = wall - monotonic;
        // A wall clock behind the uptime may stand at its lowest value, where its
        // distance says nothing: that machine's reads are left to the fine clocks.
        let is_telling = lead > MOVED;
        Self {
            monotonic: if is_telling { monotonic + fresh } else { 0 },
            wall: wall + fresh,
            lead,
        }
    }

    /// Whether the token is fresh beyond doubt.
    pub(crate) fn is_ahead(&self, now: Coarse) -> bool {
        let (monotonic, wall) = (nanoseconds(now.monotonic), nanoseconds(now.wall));
        let has_moved = (wall - monotonic - self.lead).unsigned_abs() > MOVED.unsigned_abs();
        // Without short-circuits, which would be branches.
        (monotonic < self.monotonic) & (wall < self.wall) & !has_moved
    }
}

/// A century and a half at the most, so that sums cannot overflow.
fn nanoseconds(time: Duration) -> i64 {
    const MOST: u64 = 150 * 366 * 24 * 60 * 60;
    let seconds = time.as_secs().min(MOST);
    seconds as i64 * 1_000_000_000 + i64::from(time.subsec_nanos())
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
        let policy = RenewalPolicy::default();
        Life::new(at(0), Duration::from_secs(seconds), &policy, 0.0)
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
        assert_eq!(life(u64::MAX / 4).lifetime(), Duration::from_secs(86_400));
    }

    /// Children that were forked from one parent spread over what is left of the time
    /// before the boundary that none may pass.
    #[test]
    fn a_jitter_is_drawn_anew_from_what_is_left() {
        let policy = RenewalPolicy::default();
        let parent = Life::new(at(0), Duration::from_secs(3600), &policy, 0.5);
        // 720 s without jitter, and 150 s of it.
        assert_eq!(parent.phase(at(3600 - 870)), Phase::Advisory);
        let boundary = |unit| {
            let child = parent.with_jitter_anew(at(3600 - 870), unit);
            assert_eq!(child.end(), parent.end());
            child.remaining(at(0)) - child.fresh_for(at(0))
        };
        assert_eq!(boundary(0.0).as_secs(), 720);
        assert_eq!(boundary(0.5).as_secs(), 795);
        assert_eq!(boundary(1.0).as_secs(), 870);
        let late = parent.with_jitter_anew(at(3600 - 700), 1.0);
        assert_eq!(
            late.phase(at(3600 - 700)),
            Phase::Advisory,
            "it is due anyway"
        );
    }

    /// A clock whose readings are set by hand; `suspended` is what only the boot
    /// clock has counted.
    #[derive(Clone, Copy, Debug)]
    struct Dial {
        running: u64,
        suspended: u64,
        wall: u64,
    }

    impl Clock for Dial {
        fn now(&self) -> Now {
            Now {
                boot: Duration::from_secs(100 + self.running + self.suspended),
                wall: Duration::from_secs(1_700_000_000 + self.wall),
            }
        }

        fn coarse(&self) -> Coarse {
            Coarse {
                monotonic: Duration::from_secs(100 + self.running),
                wall: self.now().wall,
            }
        }

        fn sleep(&self, _: Duration) -> crate::clock::Sleep {
            Box::pin(std::future::pending())
        }
    }

    const START: Dial = Dial {
        running: 0,
        suspended: 0,
        wall: 0,
    };

    #[test]
    fn the_horizon_is_where_freshness_ends() {
        let horizon = Horizon::new(&life(3600), &START);
        let after = |seconds| {
            Dial {
                running: seconds,
                wall: seconds,
                ..START
            }
            .coarse()
        };
        assert!(horizon.is_ahead(after(0)) && horizon.is_ahead(after(2879)));
        assert!(!horizon.is_ahead(after(2880)), "720 s before the end");
    }

    #[test]
    fn a_suspend_or_a_step_asks_the_fine_clocks() {
        let life = life(3600);
        let horizon = Horizon::new(&life, &START);
        let resumed = Dial {
            suspended: 3600,
            wall: 3600,
            ..START
        };
        assert!(!horizon.is_ahead(resumed.coarse()));
        assert_eq!(life.phase(resumed.now()), Phase::Expired, "expired at once");
        let set_back = Dial {
            wall: 0,
            running: 100,
            ..START
        };
        assert!(!horizon.is_ahead(set_back.coarse()));
        assert_eq!(life.phase(set_back.now()), Phase::Fresh);
    }

    /// A machine that booted with its wall clock at 1970.
    #[test]
    fn a_wall_behind_the_uptime_is_left_to_the_fine_clocks() {
        #[derive(Clone, Copy, Debug)]
        struct Early(Duration);
        impl Clock for Early {
            fn now(&self) -> Now {
                Now {
                    boot: Duration::from_secs(100) + self.0,
                    wall: Duration::ZERO,
                }
            }
            fn coarse(&self) -> Coarse {
                // Suspended for all of it.
                Coarse {
                    monotonic: Duration::from_secs(100),
                    wall: Duration::ZERO,
                }
            }
            fn sleep(&self, _: Duration) -> crate::clock::Sleep {
                Box::pin(std::future::pending())
            }
        }
        let clock = Early(Duration::ZERO);
        let policy = RenewalPolicy::default();
        let life = Life::new(clock.now(), Duration::from_secs(3600), &policy, 0.0);
        let horizon = Horizon::new(&life, &clock);
        let later = Early(Duration::from_secs(7200));
        assert!(!horizon.is_ahead(later.coarse()));
        assert_eq!(life.phase(later.now()), Phase::Expired);
    }

    proptest::proptest! {
        /// Whatever the clocks do, the cheap test never calls a token fresh that
        /// the fine clocks would not, unless wall and suspend cancel out.
        #[test]
        fn the_cheap_test_is_never_the_more_generous(
            lifetime in 0_u64..100_000, running in 0_u64..100_000, suspended in 0_u64..100_000, wall in 0_u64..200_000,
        ) {
            let life = life(lifetime);
            let horizon = Horizon::new(&life, &START);
            let dial = Dial { running, suspended, wall };
            if horizon.is_ahead(dial.coarse()) && wall >= running + suspended {
                assert_eq!(life.phase(dial.now()), Phase::Fresh);
            }
        }

        /// Nor is a token ever usable below its guard or past its end by either
        /// clock.
        #[test]
        fn no_clock_can_prolong_a_life(
            lifetime in 0_u64..200_000, boot in 0_u64..300_000_000, wall in 0_u64..300_000_000,
        ) {
            let life = life(lifetime);
            let now = Now {
                boot: Duration::from_millis(boot),
                wall: Duration::from_secs(1_700_000_000 - 100_000) + Duration::from_millis(wall),
            };
            let (end, guard) = (life.end(), life.boundaries.guard);
            if life.is_usable(now) {
                assert!(now.boot + guard < end.boot);
                assert!(now.wall + guard < end.wall);
            }
        }
    }
}
