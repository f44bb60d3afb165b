//! When to renew: pure arithmetic over a token's life and the failures so far.
//! It reads no clock and draws no number.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// When tokens are renewed, as numbers.
///
/// `L` is a token's lifetime, counted from before its request; all boundaries are
/// remaining time. They always satisfy guard ≤ mandatory ≤ advisory.
///
/// ```
/// use std::time::Duration;
/// let policy = prove_token::RenewalPolicy::default()
///     .advisory(30, Duration::from_secs(1800))
///     .mandatory_wait(Duration::from_millis(500));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct RenewalPolicy {
    advisory: Share,
    jitter: Share,
    mandatory: Share,
    guard: Share,
    least_guard: Duration,
    mandatory_wait: Duration,
    default_lifetime: Duration,
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// So many hundredths of a lifetime, but not more than a fixed time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Share {
    percent: u32,
    at_most: Duration,
}

impl Share {
    const fn new(percent: u32, at_most: Duration) -> Self {
        Self { percent, at_most }
    }

    fn of(self, lifetime: Duration) -> Duration {
        (lifetime * self.percent / 100).min(self.at_most)
    }

    fn check(
        self,
        name: &str,
        percent: RangeInclusive<u32>,
        longest: Duration,
    ) -> Result<(), Error> {
        if percent.contains(&self.percent) && self.at_most <= longest {
            return Ok(());
        }
        let (from, to) = (percent.start(), percent.end());
        let longest = longest.as_secs();
        Err(out_of_range(
            name,
            &format!("{from} to {to} %, and up to {longest} s"),
        ))
    }
}

impl Default for RenewalPolicy {
    fn default() -> Self {
        Self {
            advisory: Share::new(20, Duration::from_secs(60 * 60)),
            jitter: Share::new(10, Duration::from_secs(5 * 60)),
            mandatory: Share::new(10, Duration::from_secs(60)),
            guard: Share::new(5, Duration::from_secs(10)),
            least_guard: Duration::from_millis(500),
            mandatory_wait: Duration::from_secs(2),
            default_lifetime: Duration::from_secs(300),
        }
    }
}

impl RenewalPolicy {
    /// Below this rest of its life a token is renewed in the background while it
    /// goes on being handed out: `percent` of L, not more than `at_most`. Default
    /// 20 % and 60 min, range 1 to 80 % (with the jitter) and up to 24 h. It is how long an outage
    /// of the server may last without anybody noticing.
    pub fn advisory(mut self, percent: u32, at_most: Duration) -> Self {
        self.advisory = Share::new(percent, at_most);
        self
    }

    /// Each token adds a time to the advisory boundary that is drawn once, evenly
    /// from zero to `percent` of L, not more than `at_most`: a fleet that started
    /// together must not renew together. Default 10 % and 5 min, range 0 to 20 %
    /// and up to 1 h.
    pub fn jitter(mut self, percent: u32, at_most: Duration) -> Self {
        self.jitter = Share::new(percent, at_most);
        self
    }

    /// Below this rest of its life callers wait for a renewal, once and not for
    /// long. Default 10 % of L and 60 s, range 1 to 50 % and up to 1 h.
    pub fn mandatory(mut self, percent: u32, at_most: Duration) -> Self {
        self.mandatory = Share::new(percent, at_most);
        self
    }

    /// How long a caller waits for the first renewal of the mandatory window
    /// while a live token is there. Default 2 s, range 0 to 30 s.
    pub fn mandatory_wait(mut self, limit: Duration) -> Self {
        self.mandatory_wait = limit;
        self
    }

    /// Below this rest of its life a token is never handed out, because it must
    /// survive the request it is used for: `percent` of L, at least `at_least`, at
    /// most `at_most`, and never more than L/2. Default 5 %, 0.5 s and 10 s, range
    /// 1 to 50 % and up to 60 s.
    pub fn guard(mut self, percent: u32, at_least: Duration, at_most: Duration) -> Self {
        self.guard = Share::new(percent, at_most);
        self.least_guard = at_least;
        self
    }

    /// The life of a token when neither `expires_in` nor a JWT's `exp` tells it.
    /// Default 300 s, range 1 s to 24 h.
    pub fn default_lifetime(mut self, lifetime: Duration) -> Self {
        self.default_lifetime = lifetime;
        self
    }

    pub(crate) fn lifetime_if_unknown(&self) -> Duration {
        self.default_lifetime
    }

    pub(crate) fn patience(&self) -> Duration {
        self.mandatory_wait
    }

    /// The boundaries of a token of this lifetime; `unit` is drawn from `[0, 1)`.
    pub(crate) fn boundaries(&self, lifetime: Duration, unit: f64) -> Boundaries {
        let guard = self
            .guard
            .of(lifetime)
            .max(self.least_guard)
            .min(lifetime / 2);
        let mandatory = self.mandatory.of(lifetime).max(guard);
        let jitter = self.jitter.of(lifetime).mul_f64(unit);
        let advisory = (self.advisory.of(lifetime) + jitter).max(mandatory);
        Boundaries {
            guard,
            mandatory,
            advisory,
        }
    }

    /// Names the first field that is out of its range.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        self.advisory.check("advisory", 1..=80, DAY)?;
        self.jitter.check("jitter", 0..=20, HOUR)?;
        self.mandatory.check("mandatory", 1..=50, HOUR)?;
        self.guard.check("guard", 1..=50, MINUTE)?;
        if self.advisory.percent + self.jitter.percent > 80 {
            let range = "at most 80 % together with the jitter";
            return Err(out_of_range("advisory", range));
        }
        if self.least_guard > self.guard.at_most {
            return Err(out_of_range("guard", "at least no more than at most"));
        }
        if self.mandatory_wait > Duration::from_secs(30) {
            return Err(out_of_range("mandatory_wait", "0 to 30 s"));
        }
        if !(Duration::from_secs(1)..=DAY).contains(&self.default_lifetime) {
            return Err(out_of_range("default_lifetime", "1 s to 24 h"));
        }
        Ok(())
    }
}

fn out_of_range(field: &str, range: &str) -> Error {
    Error::new(
        ErrorKind::Configuration,
        format!("the renewal policy's {field} is out of range"),
    )
    .with_hint(format!("{field} takes {range}"))
}

/// What is left of a life where its next phase begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Boundaries {
    pub(crate) guard: Duration,
    pub(crate) mandatory: Duration,
    /// With its jitter.
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

/// After a failed renewal of a live token: the pauses before the next tries.
const RENEW_AFTER: [u64; 5] = [5, 10, 20, 40, 60];

/// Without a usable token, after a failure that may pass by itself.
const ASK_AFTER: [u64; 3] = [1, 2, 4];

/// The longest pause after a rejection, so that a wrong secret never locks the
/// account.
const LONGEST_REJECTION: Duration = Duration::from_secs(60);

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

impl Failures {
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

impl Pauses {
    /// After `failures`, of which `error` is the last; `unit` is drawn from `[0, 1)`.
    /// A `Retry-After` is never cut short.
    pub(crate) fn after(error: &Error, failures: Failures, unit: f64) -> Self {
        let step = |pauses: &[u64]| {
            let index = (failures.all.max(1) as usize - 1).min(pauses.len() - 1);
            // ±20 %
            Duration::from_secs(pauses[index]).mul_f64(0.8 + 0.4 * unit)
        };
        let ask = match is_rejection(error.kind()) {
            false => step(&ASK_AFTER),
            true => {
                let doubled = 1 << (failures.rejections.max(1) - 1).min(6);
                (Duration::from_secs(1).mul_f64(1.0 + 4.0 * unit) * doubled).min(LONGEST_REJECTION)
            }
        };
        let told = error.retry_after().unwrap_or(Duration::ZERO);
        Self {
            renew: step(&RENEW_AFTER).max(told),
            ask: ask.max(told),
        }
    }
}

/// After a renewal that gained nothing (the same token, or one that ends no
/// later): the pause before the next.
pub(crate) fn pause_without_gain(remaining: Duration) -> Duration {
    (remaining / 2).max(Duration::from_secs(10))
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn boundaries(lifetime: u64, unit: f64) -> Boundaries {
        RenewalPolicy::default().boundaries(Duration::from_secs(lifetime), unit)
    }

    /// So many failures like `error`, and nothing else before.
    fn row(error: &Error, times: u32) -> Failures {
        let mut failures = Failures::default();
        (0..times).for_each(|_| failures.count(error));
        failures
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
        let pauses: Vec<_> = (1..=7)
            .map(|streak| {
                Pauses::after(&error, row(&error, streak), 0.5)
                    .renew
                    .as_secs()
            })
            .collect();
        assert_eq!(pauses, [5, 10, 20, 40, 60, 60, 60]);
        assert_eq!(Pauses::after(&error, row(&error, 1), 0.0).renew, 4 * S);
        assert!(Pauses::after(&error, row(&error, 1), 0.999).renew < 6 * S);
    }

    #[test]
    fn without_a_token_recovery_takes_less_than_five_seconds() {
        for kind in ErrorKind::ALL {
            for streak in 1..100 {
                let error = Error::new(kind, "x");
                let ask = Pauses::after(&error, row(&error, streak), 0.999_999).ask;
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
            .map(|streak| {
                Pauses::after(&error, row(&error, streak), 0.25)
                    .ask
                    .as_secs()
            })
            .collect();
        assert_eq!(asks, [2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn an_outage_makes_no_rejection_worse() {
        let mut failures = row(&Error::new(ErrorKind::Unavailable, "x"), 7);
        let rejection = Error::new(ErrorKind::CredentialsRejected, "x");
        failures.count(&rejection);
        assert_eq!(Pauses::after(&rejection, failures, 0.25).ask, 2 * S);
        assert_eq!(Pauses::after(&rejection, failures, 0.5).renew, 60 * S);
    }

    #[test]
    fn retry_after_is_never_cut_short() {
        let error = Error::new(ErrorKind::RateLimited, "x").with_retry_after(Some(600 * S));
        let pauses = Pauses::after(&error, row(&error, 1), 0.0);
        assert_eq!((pauses.renew, pauses.ask), (600 * S, 600 * S));
    }

    #[test]
    fn fields_out_of_range_are_named() {
        let policy = RenewalPolicy::default;
        for (policy, field) in [
            (policy().advisory(0, S), "advisory"),
            (policy().advisory(20, 90_000 * S), "advisory"),
            (policy().jitter(21, S), "jitter"),
            (policy().advisory(75, S), "advisory"),
            (policy().mandatory(51, S), "mandatory"),
            (policy().guard(5, S, 61 * S), "guard"),
            (policy().guard(5, 2 * S, S), "guard"),
            (policy().mandatory_wait(31 * S), "mandatory_wait"),
            (
                policy().default_lifetime(Duration::ZERO),
                "default_lifetime",
            ),
        ] {
            assert!(policy.validate().unwrap_err().to_string().contains(field));
        }
        assert!(policy().validate().is_ok());
    }

    proptest::proptest! {
        #[test]
        fn boundaries_keep_their_order(lifetime in 0_u64..90_000_000, unit in 0.0..1.0_f64) {
            let lifetime = Duration::from_millis(lifetime);
            let made = RenewalPolicy::default().boundaries(lifetime, unit);
            assert!(made.guard <= made.mandatory && made.mandatory <= made.advisory);
            assert!(made.guard * 2 <= lifetime && made.advisory <= lifetime);
        }
    }
}
