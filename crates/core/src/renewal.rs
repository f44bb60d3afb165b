//! When to renew: pure arithmetic over a token's life and the failures so far.
//! It reads no clock and draws no number.

mod policy;

use std::time::Duration;

pub(crate) use self::policy::LONGEST_LIFETIME;
pub use self::policy::RenewalPolicy;
use crate::error::{Error, ErrorKind};

/// What is left of a life where its next phase begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Boundaries {
    pub(crate) guard: Duration,
    pub(crate) mandatory: Duration,
    /// Without its jitter, which lies between this and `advisory`.
    pub(crate) plain: Duration,
    pub(crate) advisory: Duration,
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Handed out.
    Fresh,
    /// Handed out, and renewed in the background.
    Advisory,
    /// Handed out after a short wait for a new one.
    Mandatory,
    /// Not handed out.
    Expired,
}

impl Boundaries {
    /// The phase in which `remaining` life is left.
    pub(crate) fn phase(&self, remaining: Duration) -> Phase {
        if remaining <= self.guard {
            Phase::Expired
        } else if remaining <= self.mandatory {
            Phase::Mandatory
        } else if remaining <= self.advisory {
            Phase::Advisory
        } else {
            Phase::Fresh
        }
    }
}

/// When the next request may be sent, as pauses from the last failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pauses {
    /// While a live token is there.
    pub(crate) renew: Duration,
    /// While there is none.
    pub(crate) ask: Duration,
}

/// Failed flights in a row; and how many of the last of them were rejections, which
/// an outage before them does not make worse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Failures {
    all: u32,
    rejections: u32,
}

/// A flight that failed, and what follows from it.
#[derive(Clone, Debug)]
pub(crate) struct Setback {
    pub(crate) error: Error,
    /// With this one.
    pub(crate) failures: Failures,
    pub(crate) pauses: Pauses,
    /// Whether the server asked for the pause.
    pub(crate) was_told: bool,
}

impl Failures {
    pub(crate) fn new(all: u32, rejections: u32) -> Self {
        Self { all, rejections }
    }

    pub(crate) fn all(self) -> u32 {
        self.all
    }

    pub(crate) fn rejections(self) -> u32 {
        self.rejections
    }

    /// The longer row of the two.
    pub(crate) fn or(self, other: Self) -> Self {
        match other.all > self.all {
            true => other,
            false => self,
        }
    }

    pub(crate) fn count(&mut self, error: &Error) {
        self.all = self.all.saturating_add(1);
        self.rejections = match is_rejection(error.kind()) {
            true => self.rejections.saturating_add(1),
            false => 0,
        };
    }
}

fn is_rejection(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::CredentialsRejected | ErrorKind::RequestRejected
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);
    const NONE: Duration = Duration::ZERO;

    fn boundaries(lifetime: u64, unit: f64) -> Boundaries {
        let (policy, lifetime) = (RenewalPolicy::default(), Duration::from_secs(lifetime));
        policy.boundaries(lifetime, policy.drawn_jitter(lifetime, unit))
    }

    /// So many failures like `error`, and nothing else before.
    fn row(error: &Error, times: u32) -> Failures {
        let mut failures = Failures::default();
        (0..times).for_each(|_| failures.count(error));
        failures
    }

    fn pauses(error: &Error, failures: Failures, unit: f64) -> Pauses {
        RenewalPolicy::default().pauses(error, failures, unit)
    }

    #[test]
    fn the_table_of_the_defaults() {
        for (lifetime, guard, mandatory, advisory, jittered) in [
            (3600, 10, 60, 720, 1020),
            (300, 10, 30, 60, 90),
            (86_400, 10, 60, 3600, 3900),
        ] {
            let made = boundaries(lifetime, 0.0);
            assert_eq!(
                made,
                Boundaries {
                    guard: guard * S,
                    mandatory: mandatory * S,
                    plain: advisory * S,
                    advisory: advisory * S
                }
            );
            assert_eq!(boundaries(lifetime, 1.0).advisory, jittered * S);
        }
    }

    #[test]
    fn phases_begin_at_their_boundaries() {
        let boundaries = boundaries(3600, 0.0);
        for (remaining, phase) in [
            (3600, Phase::Fresh),
            (721, Phase::Fresh),
            (720, Phase::Advisory),
            (61, Phase::Advisory),
            (60, Phase::Mandatory),
            (11, Phase::Mandatory),
            (10, Phase::Expired),
            (0, Phase::Expired),
        ] {
            assert_eq!(boundaries.phase(remaining * S), phase, "{remaining}");
        }
    }

    #[test]
    fn a_live_token_is_renewed_ever_more_slowly() {
        let error = Error::new(ErrorKind::Unavailable, "x");
        let renewals: Vec<_> = (1..=7)
            .map(|streak| pauses(&error, row(&error, streak), 0.5).renew.as_secs())
            .collect();
        assert_eq!(renewals, [5, 10, 20, 40, 60, 60, 60]);
        assert_eq!(pauses(&error, row(&error, 1), 0.0).renew, 4 * S);
        assert!(pauses(&error, row(&error, 1), 0.999).renew < 6 * S);
    }

    #[test]
    fn without_a_token_recovery_takes_less_than_five_seconds() {
        for kind in ErrorKind::ALL {
            for streak in 1..100 {
                let error = Error::new(kind, "x");
                let ask = pauses(&error, row(&error, streak), 0.999_999).ask;
                let rejection = matches!(
                    kind,
                    ErrorKind::CredentialsRejected | ErrorKind::RequestRejected
                );
                assert!(
                    ask < if rejection { 61 * S } else { 5 * S },
                    "{kind:?} {streak}"
                );
            }
        }
    }

    #[test]
    fn a_rejection_doubles_to_a_minute() {
        let error = Error::new(ErrorKind::CredentialsRejected, "x");
        let asks: Vec<_> = (1..=7)
            .map(|streak| pauses(&error, row(&error, streak), 0.25).ask.as_secs())
            .collect();
        assert_eq!(asks, [2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn an_outage_makes_no_rejection_worse() {
        let mut failures = row(&Error::new(ErrorKind::Unavailable, "x"), 7);
        let rejection = Error::new(ErrorKind::CredentialsRejected, "x");
        failures.count(&rejection);
        assert_eq!(pauses(&rejection, failures, 0.25).ask, 2 * S);
        assert_eq!(pauses(&rejection, failures, 0.5).renew, 60 * S);
    }

    #[test]
    fn retry_after_is_never_cut_short() {
        let error = Error::new(ErrorKind::RateLimited, "x").with_retry_after(Some(600 * S));
        let pauses = pauses(&error, row(&error, 1), 0.0);
        assert_eq!((pauses.renew, pauses.ask), (600 * S, 600 * S));
    }

    #[test]
    fn a_cool_down_has_a_limit() {
        let error = Error::new(ErrorKind::RateLimited, "x").with_retry_after(Some(600 * S));
        let policy = RenewalPolicy::default().cool_down_limit(60 * S);
        let pauses = policy.pauses(&error, row(&error, 1), 0.0);
        assert_eq!((pauses.renew, pauses.ask), (60 * S, 60 * S));
    }

    #[test]
    fn fields_out_of_range_are_named() {
        let policy = RenewalPolicy::default;
        for (policy, field) in [
            (policy().advisory(0, S), "advisory_percent"),
            (policy().advisory(20, 90_000 * S), "advisory_limit"),
            (policy().jitter(21, S), "jitter_percent"),
            (policy().advisory(75, S), "advisory_percent"),
            (policy().mandatory(51, S), "mandatory_percent"),
            (policy().guard(5, S, 61 * S), "guard_limit"),
            (policy().guard(5, 2 * S, S), "guard_least"),
            (policy().mandatory_wait(31 * S), "mandatory_wait"),
            (policy().default_lifetime(NONE), "default_lifetime"),
            (policy().longest_lifetime(59 * S), "longest_lifetime"),
            (policy().renewal_pause(NONE, S), "renewal_pause"),
            (policy().renewal_pause(5 * S, S), "renewal_pause_limit"),
            (policy().failure_pause(NONE, S), "failure_pause"),
            (policy().failure_pause(S, 61 * S), "failure_pause_limit"),
            (
                policy().rejection_pause(NONE, S, S),
                "rejection_pause_least",
            ),
            (
                policy().rejection_pause(2 * S, S, S),
                "rejection_pause_most",
            ),
            (
                policy().rejection_pause(S, 2 * S, S),
                "rejection_pause_limit",
            ),
            (policy().no_gain_pause(NONE), "no_gain_pause"),
            (
                policy().forced_renewal_interval(NONE),
                "forced_renewal_interval",
            ),
            (policy().cool_down_limit(3601 * S), "cool_down_limit"),
        ] {
            let error = policy.check().unwrap_err();
            let text = error.to_string();
            assert!(text.contains(&format!("policy's {field} is")), "{text}");
            assert!(error.hint().is_some_and(|hint| hint.starts_with(field)));
        }
        assert!(policy().check().is_ok());
    }

    proptest::proptest! {
        #[test]
        fn boundaries_keep_their_order(lifetime in 0_u64..90_000_000, unit in 0.0..1.0_f64) {
            let lifetime = Duration::from_millis(lifetime);
            let policy = RenewalPolicy::default();
            let made = policy.boundaries(lifetime, policy.drawn_jitter(lifetime, unit));
            assert!(made.guard <= made.mandatory && made.mandatory <= made.plain);
            assert!(made.plain <= made.advisory);
            assert!(made.guard * 2 <= lifetime && made.advisory <= lifetime);
        }
    }
}
