//! When to try again, and how long one attempt to obtain a token may take.

use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// How often and how long to try inside one flight: full jitter over a doubling
/// base, time limits for a connection, an attempt and the whole flight.
///
/// ```
/// use std::time::Duration;
/// let policy = prove_token::RetryPolicy::default()
///     .attempts(2)
///     .flight_timeout(Duration::from_secs(5));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct RetryPolicy {
    attempts: u32,
    base: Duration,
    cap: Duration,
    connect_timeout: Duration,
    attempt_timeout: Duration,
    flight_timeout: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            base: Duration::from_millis(200),
            cap: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(3),
            attempt_timeout: Duration::from_secs(10),
            flight_timeout: Duration::from_secs(25),
        }
    }
}

impl RetryPolicy {
    /// Requests per flight, the first included; one more if the credentials were
    /// rejected and their source has new ones by then. Default 3, range 1 to 10.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The longest pause before the second attempt; it doubles for each further
    /// one, and the pause is drawn evenly from zero to it. Default 200 ms, range
    /// 1 ms to 60 s.
    pub fn base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// The pause never grows beyond this. Default 2 s, range `base` to 60 s.
    pub fn cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// Limit for name resolution, TCP and TLS together. Default 3 s, range 10 ms
    /// to 300 s.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Limit for one request, from connecting to the last byte of the answer.
    /// Default 10 s, range 10 ms to 300 s.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt_timeout = limit;
        self
    }

    /// Limit for all attempts and pauses together. Default 25 s, range 10 ms to
    /// 300 s.
    pub fn flight_timeout(mut self, limit: Duration) -> Self {
        self.flight_timeout = limit;
        self
    }

    /// Whether every number is within its range;
    /// [`build`](crate::TokenClientBuilder::build) asks as well.
    ///
    /// # Errors
    ///
    /// `Configuration`, which names the first field that is not.
    pub fn check(&self) -> Result<(), Error> {
        const MS: Duration = Duration::from_millis(1);
        const S: Duration = Duration::from_secs(1);
        if !(1..=10).contains(&self.attempts) {
            return Err(out_of_range("attempts", "1 to 10"));
        }
        for (name, value, lowest, highest, range) in [
            ("base", self.base, MS, 60 * S, "1 ms to 60 s"),
            ("cap", self.cap, self.base, 60 * S, "the retry base to 60 s"),
            (
                "connect_timeout",
                self.connect_timeout,
                10 * MS,
                300 * S,
                "10 ms to 300 s",
            ),
            (
                "attempt_timeout",
                self.attempt_timeout,
                10 * MS,
                300 * S,
                "10 ms to 300 s",
            ),
            (
                "flight_timeout",
                self.flight_timeout,
                10 * MS,
                300 * S,
                "10 ms to 300 s",
            ),
        ] {
            if !(lowest..=highest).contains(&value) {
                return Err(out_of_range(name, range));
            }
        }
        Ok(())
    }

    pub(crate) fn connect_limit(&self) -> Duration {
        self.connect_timeout
    }

    pub(crate) fn attempt_limit(&self) -> Duration {
        self.attempt_timeout
    }

    pub(crate) fn flight_limit(&self) -> Duration {
        self.flight_timeout
    }

    /// The pause after failed attempt number `attempt` (from 1), or `None` when
    /// it was the last that may be made. `unit` is drawn from `[0, 1)`, `left` is
    /// what remains of the flight: a pause that does not fit ends it.
    pub(crate) fn pause(
        &self,
        attempt: u32,
        error: &Error,
        unit: f64,
        left: Duration,
    ) -> Option<Duration> {
        if !error.is_retryable() || attempt >= self.attempts {
            return None;
        }
        let doubled = self.base.saturating_mul(1 << (attempt - 1).min(16));
        let jittered = doubled.min(self.cap).mul_f64(unit);
        // A fleet that was told the same must not come back together.
        let pause = jittered + error.retry_after().unwrap_or(Duration::ZERO);
        // Short of a connection's time after it, the attempt would be for nothing.
        let needed = self.connect_timeout.min(self.flight_timeout / 2);
        (pause + needed <= left).then_some(pause)
    }
}

fn out_of_range(field: &str, range: &str) -> Error {
    Error::new(
        ErrorKind::Configuration,
        format!("the retry policy's {field} is out of range"),
    )
    .with_hint(format!("{field} takes {range}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn transient() -> Error {
        Error::new(ErrorKind::Unavailable, "down")
    }

    #[test]
    fn pauses_double_up_to_the_cap_and_end_with_the_attempts() {
        let policy = RetryPolicy::default().attempts(7);
        let pauses: Vec<_> = (1..=7)
            .map(|attempt| {
                policy
                    .pause(attempt, &transient(), 0.999_999, MINUTE)
                    .map(|pause| pause.as_millis().next_multiple_of(100))
            })
            .collect();
        assert_eq!(
            pauses,
            [
                Some(200),
                Some(400),
                Some(800),
                Some(1600),
                Some(2000),
                Some(2000),
                None
            ]
        );
        assert_eq!(
            policy.pause(1, &transient(), 0.0, MINUTE),
            Some(Duration::ZERO)
        );
    }

    #[test]
    fn a_terminal_error_is_not_tried_again() {
        let rejected = Error::new(ErrorKind::CredentialsRejected, "no");
        assert_eq!(
            RetryPolicy::default().pause(1, &rejected, 0.5, MINUTE),
            None
        );
    }

    #[test]
    fn retry_after_is_waited_for_if_it_fits() {
        let error = |seconds| transient().with_retry_after(Some(Duration::from_secs(seconds)));
        let policy = RetryPolicy::default();
        assert_eq!(
            policy.pause(1, &error(5), 0.5, MINUTE),
            Some(Duration::from_millis(5100))
        );
        assert_eq!(policy.pause(1, &error(61), 0.5, MINUTE), None);
        assert_eq!(
            policy.pause(1, &error(58), 0.5, MINUTE),
            None,
            "no time to connect"
        );
        assert_eq!(
            policy.pause(1, &error(0), 0.5, MINUTE),
            Some(Duration::from_millis(100))
        );
    }

    #[test]
    fn fields_out_of_range_are_named() {
        let default = RetryPolicy::default;
        for (policy, field) in [
            (default().attempts(0), "attempts"),
            (default().attempts(11), "attempts"),
            (default().base(Duration::ZERO), "base"),
            (default().cap(Duration::from_millis(1)), "cap"),
            (default().connect_timeout(Duration::ZERO), "connect_timeout"),
            (default().attempt_timeout(Duration::MAX), "attempt_timeout"),
            (default().flight_timeout(Duration::MAX), "flight_timeout"),
        ] {
            let error = policy.check().unwrap_err();
            assert!(error.to_string().contains(field), "{error}");
        }
        assert!(default().check().is_ok());
    }
}
