//! The ranges of the numbers of renewal.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{DAY, HOUR, MILLISECOND, MINUTE, RenewalPolicy, SECOND};
use crate::error::{Error, ErrorKind};

impl RenewalPolicy {
    /// Whether every number is within its range;
    /// [`build`](crate::TokenClientBuilder::build) asks as well.
    ///
    /// # Errors
    ///
    /// `Configuration`, which names the first field that is not.
    pub fn check(&self) -> Result<(), Error> {
        self.check_shares()?;
        self.check_lives()?;
        self.check_pauses()
    }

    fn check_shares(&self) -> Result<(), Error> {
        for (name, share, percent, longest) in [
            ("advisory", self.advisory, 1..=80, DAY),
            ("jitter", self.jitter, 0..=20, HOUR),
            ("mandatory", self.mandatory, 1..=50, HOUR),
            ("guard", self.guard, 1..=50, MINUTE),
        ] {
            if !percent.contains(&share.percent) {
                let range = format!("{} to {} %", percent.start(), percent.end());
                return Err(out_of_range(&format!("{name}_percent"), &range));
            }
            within(
                &format!("{name}_limit"),
                share.limit,
                Duration::ZERO..=longest,
            )?;
        }
        if self.advisory.percent + self.jitter.percent > 80 {
            let range = "at most 80 % together with jitter_percent";
            return Err(out_of_range("advisory_percent", range));
        }
        if self.guard_least > self.guard.limit {
            return Err(out_of_range("guard_least", "no more than guard_limit"));
        }
        Ok(())
    }

    fn check_lives(&self) -> Result<(), Error> {
        for (name, value, range) in [
            (
                "mandatory_wait",
                self.mandatory_wait,
                Duration::ZERO..=30 * SECOND,
            ),
            ("default_lifetime", self.default_lifetime, SECOND..=DAY),
            ("longest_lifetime", self.longest_lifetime, MINUTE..=DAY),
        ] {
            within(name, value, range)?;
        }
        Ok(())
    }

    fn check_pauses(&self) -> Result<(), Error> {
        let renewal = self.renewal_pause;
        let failure = self.failure_pause;
        let rejection = self.rejection_pause;
        let least = self.rejection_pause_least;
        for (name, value, range) in [
            ("renewal_pause", renewal.first, SECOND..=HOUR),
            ("renewal_pause_limit", renewal.limit, renewal.first..=HOUR),
            ("failure_pause", failure.first, 10 * MILLISECOND..=MINUTE),
            ("failure_pause_limit", failure.limit, failure.first..=MINUTE),
            ("rejection_pause_least", least, 100 * MILLISECOND..=HOUR),
            ("rejection_pause_most", rejection.first, least..=HOUR),
            (
                "rejection_pause_limit",
                rejection.limit,
                rejection.first..=HOUR,
            ),
            ("no_gain_pause", self.no_gain_pause, SECOND..=HOUR),
            (
                "forced_renewal_interval",
                self.forced_renewal_interval,
                SECOND..=HOUR,
            ),
            ("cool_down_limit", self.cool_down_limit, SECOND..=HOUR),
        ] {
            within(name, value, range)?;
        }
        Ok(())
    }
}

fn within(name: &str, value: Duration, range: RangeInclusive<Duration>) -> Result<(), Error> {
    if range.contains(&value) {
        return Ok(());
    }
    let range = format!("{:?} to {:?}", range.start(), range.end());
    Err(out_of_range(name, &range))
}

fn out_of_range(field: &str, range: &str) -> Error {
    Error::new(
        ErrorKind::Configuration,
        format!("the renewal policy's {field} is out of range"),
    )
    .with_hint(format!("{field} takes {range}"))
}
