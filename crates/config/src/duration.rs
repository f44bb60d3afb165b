//! How long things may take.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::error::Problem;

/// What every time-out of a profile may be.
pub(crate) const TIMEOUT_RANGE: RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_secs(300);

/// What the `timeout` of a secret command, or of a keyring, may be. It is a part of a
/// flight, so it ends where the longest flight does.
pub(crate) const SOURCE_RANGE: RangeInclusive<Duration> =
    Duration::from_secs(1)..=*TIMEOUT_RANGE.end();

/// How long a keyring may take if nobody says so: somebody may have to type a password.
pub(crate) const DEFAULT_KEYRING: Duration = Duration::from_secs(20);

/// How long a secret command may take if nobody says so.
pub(crate) const DEFAULT_COMMAND: Duration = Duration::from_secs(10);

/// The time-outs of a profile: each from 10 ms to 5 min, and none longer than
/// the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For a connection, TLS included. Default: 3 s.
    pub connect: Duration,
    /// For one request and its whole answer. Default: 10 s.
    pub attempt: Duration,
    /// For all attempts of one token request together. Default: 25 s.
    pub flight: Duration,
}

impl Timeouts {
    pub(crate) const DEFAULT: Self = Self {
        connect: Duration::from_secs(3),
        attempt: Duration::from_secs(10),
        flight: Duration::from_secs(25),
    };

    /// Whether one is longer than what it is a part of.
    pub(crate) fn problem(&self) -> Option<Problem> {
        let (longer, shorter) = if self.connect > self.attempt {
            ("connect_timeout", "attempt_timeout")
        } else if self.attempt > self.flight {
            ("attempt_timeout", "flight_timeout")
        } else {
            return None;
        };
        let Self {
            connect,
            attempt,
            flight,
        } = self;
        Some(
            Problem::new(format!("{longer} is longer than {shorter}")).with_hint(format!(
                "keep connect ({connect:?}) ≤ attempt ({attempt:?}) ≤ flight ({flight:?}); \
                 what is not given has its default"
            )),
        )
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The problem with a duration that is not in `range`.
pub(crate) fn out_of_range(
    duration: Duration,
    range: &RangeInclusive<Duration>,
) -> Option<Problem> {
    if range.contains(&duration) {
        return None;
    }
    let shown = humantime::format_duration;
    let (start, end) = (shown(*range.start()), shown(*range.end()));
    Some(Problem::new(format!("out of range: from {start} to {end}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_agree_with_each_other() {
        assert_eq!(Timeouts::default().problem(), None);
    }

    #[test]
    fn a_part_is_not_longer_than_the_whole() {
        let seconds = Duration::from_secs;
        let timeouts = |connect, attempt, flight| Timeouts {
            connect: seconds(connect),
            attempt: seconds(attempt),
            flight: seconds(flight),
        };
        assert_eq!(timeouts(5, 5, 5).problem(), None);
        for (wrong, message) in [
            (
                timeouts(6, 5, 7),
                "connect_timeout is longer than attempt_timeout",
            ),
            (
                timeouts(1, 5, 4),
                "attempt_timeout is longer than flight_timeout",
            ),
        ] {
            assert_eq!(wrong.problem().unwrap().message, message);
        }
    }

    #[test]
    fn ranges_include_their_ends() {
        assert_eq!(out_of_range(*TIMEOUT_RANGE.start(), &TIMEOUT_RANGE), None);
        assert_eq!(out_of_range(*TIMEOUT_RANGE.end(), &TIMEOUT_RANGE), None);
        for duration in [Duration::ZERO, Duration::from_millis(300_001)] {
            assert!(
                out_of_range(duration, &TIMEOUT_RANGE).is_some(),
                "{duration:?}"
            );
        }
    }
}
