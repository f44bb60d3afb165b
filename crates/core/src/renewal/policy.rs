//! The numbers of renewal, each checked against its range.

mod check;

use std::time::Duration;

use super::{Boundaries, Failures, Pauses, Setback, is_rejection};
use crate::error::Error;

/// When tokens are renewed and when a failed renewal is tried again, as numbers.
///
/// `L` is a token's lifetime, counted from before its request; all boundaries are
/// remaining time. They always satisfy guard ≤ mandatory ≤ advisory.
///
/// ```
/// use std::time::Duration;
/// let policy = prove_token::RenewalPolicy::default()
///     .advisory(30, Duration::from_secs(1800))
///     .mandatory_wait(Duration::from_millis(500));
/// policy.check()?;
/// # Ok::<(), prove_token::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct RenewalPolicy {
    advisory: Share,
    jitter: Share,
    mandatory: Share,
    guard: Share,
    guard_least: Duration,
    mandatory_wait: Duration,
    default_lifetime: Duration,
    longest_lifetime: Duration,
    renewal_pause: Doubling,
    failure_pause: Doubling,
    rejection_pause_least: Duration,
    rejection_pause: Doubling,
    no_gain_pause: Duration,
    forced_renewal_interval: Duration,
    cool_down_limit: Duration,
}

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// No policy believes in a longer life.
pub(crate) const LONGEST_LIFETIME: Duration = DAY;

/// So many hundredths of a lifetime, but not more than a fixed time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Share {
    percent: u32,
    limit: Duration,
}

impl Share {
    const fn new(percent: u32, limit: Duration) -> Self {
        Self { percent, limit }
    }

    fn of(self, lifetime: Duration) -> Duration {
        (lifetime * self.percent / 100).min(self.limit)
    }
}

/// A pause that doubles with each failure in a row, up to a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Doubling {
    first: Duration,
    limit: Duration,
}

impl Doubling {
    const fn new(first: Duration, limit: Duration) -> Self {
        Self { first, limit }
    }

    /// After failure number `count`, from 1.
    fn after(self, count: u32) -> Duration {
        let doublings = count.max(1) - 1;
        self.first
            .saturating_mul(1 << doublings.min(30))
            .min(self.limit)
    }
}

impl Default for RenewalPolicy {
    fn default() -> Self {
        Self {
            advisory: Share::new(20, HOUR),
            jitter: Share::new(10, 5 * MINUTE),
            mandatory: Share::new(10, MINUTE),
            guard: Share::new(5, 10 * SECOND),
            guard_least: 500 * MILLISECOND,
            mandatory_wait: 2 * SECOND,
            default_lifetime: 300 * SECOND,
            longest_lifetime: DAY,
            renewal_pause: Doubling::new(5 * SECOND, MINUTE),
            failure_pause: Doubling::new(SECOND, 4 * SECOND),
            rejection_pause_least: SECOND,
            rejection_pause: Doubling::new(5 * SECOND, MINUTE),
            no_gain_pause: 10 * SECOND,
            forced_renewal_interval: 30 * SECOND,
            cool_down_limit: HOUR,
        }
    }
}

/// The settings. Each is checked by [`check`](RenewalPolicy::check).
impl RenewalPolicy {
    /// Below this rest of its life a token is renewed in the background while it
    /// goes on being handed out: `percent` of L, not more than `limit`. Default
    /// 20 % and 60 min, range 1 to 80 % (together with the jitter) and up to 24 h.
    /// It is how long an outage of the server may last without anybody noticing.
    pub fn advisory(mut self, percent: u32, limit: Duration) -> Self {
        self.advisory = Share::new(percent, limit);
        self
    }

    /// Each token adds a time to the advisory boundary that is drawn once, evenly
    /// from zero to `percent` of L, not more than `limit`: a fleet that started
    /// together must not renew together. Default 10 % and 5 min, range 0 to 20 %
    /// and up to 1 h.
    pub fn jitter(mut self, percent: u32, limit: Duration) -> Self {
        self.jitter = Share::new(percent, limit);
        self
    }

    /// Below this rest of its life callers wait for a renewal, once and not for
    /// long: `percent` of L, not more than `limit`. Default 10 % and 60 s, range 1 to
    /// 50 % and up to 1 h.
    pub fn mandatory(mut self, percent: u32, limit: Duration) -> Self {
        self.mandatory = Share::new(percent, limit);
        self
    }

    /// How long a caller waits for the first renewal of the mandatory window
    /// while a live token is there. Default 2 s, range 0 to 30 s.
    pub fn mandatory_wait(mut self, limit: Duration) -> Self {
        self.mandatory_wait = limit;
        self
    }

    /// Below this rest of its life a token is never handed out, because it must
    /// survive the request it is used for: `percent` of L, at least `least`, at
    /// most `limit`, and never more than L/2. Default 5 %, 0.5 s and 10 s, range
    /// 1 to 50 % and up to 60 s.
    pub fn guard(mut self, percent: u32, least: Duration, limit: Duration) -> Self {
        self.guard = Share::new(percent, limit);
        self.guard_least = least;
        self
    }

    /// The life of a token when neither `expires_in` nor a JWT's `exp` tells it.
    /// Default 300 s, range 1 s to 24 h.
    pub fn default_lifetime(mut self, lifetime: Duration) -> Self {
        self.default_lifetime = lifetime;
        self
    }

    /// No token is believed to live longer than this, whatever the server says.
    /// Default and upper end of the range: 24 h; lower end 60 s.
    pub fn longest_lifetime(mut self, lifetime: Duration) -> Self {
        self.longest_lifetime = lifetime;
        self
    }

    /// After a failed renewal of a live token, the pause before the next try (±20 %):
    /// `first`, doubling with each further failure up to `limit`. Default 5 s and
    /// 60 s, range 1 s to 1 h.
    pub fn renewal_pause(mut self, first: Duration, limit: Duration) -> Self {
        self.renewal_pause = Doubling::new(first, limit);
        self
    }

    /// While there is no usable token, the pause after a failure that may pass by
    /// itself (±20 %): `first`, doubling with each further failure up to `limit`.
    /// Callers get the stored failure until it is over. Default 1 s and 4 s, range
    /// 10 ms to 60 s.
    pub fn failure_pause(mut self, first: Duration, limit: Duration) -> Self {
        self.failure_pause = Doubling::new(first, limit);
        self
    }

    /// While there is no usable token, the pause after the server rejected the
    /// credentials or the request: drawn evenly from `least` to `most`, doubling
    /// with each further rejection up to `limit`, so that a wrong secret never locks
    /// the account. Default 1 s, 5 s and 60 s, range 100 ms to 1 h.
    pub fn rejection_pause(mut self, least: Duration, most: Duration, limit: Duration) -> Self {
        self.rejection_pause_least = least;
        self.rejection_pause = Doubling::new(most, limit);
        self
    }

    /// After a renewal that gained nothing (the same token, or one that ends no
    /// later), the shortest pause before the next; half of what is left of the token
    /// if that is longer. Default 10 s, range 1 s to 1 h.
    pub fn no_gain_pause(mut self, least: Duration) -> Self {
        self.no_gain_pause = least;
        self
    }

    /// Rejections of tokens by an API force a renewal at most so often. Default 30 s,
    /// range 1 s to 1 h.
    pub fn forced_renewal_interval(mut self, interval: Duration) -> Self {
        self.forced_renewal_interval = interval;
        self
    }

    /// The longest pause that a server's `Retry-After` can impose. Default and upper
    /// end of the range: 1 h; lower end 1 s.
    pub fn cool_down_limit(mut self, limit: Duration) -> Self {
        self.cool_down_limit = limit;
        self
    }
}

impl RenewalPolicy {
    pub(crate) fn lifetime_if_unknown(&self) -> Duration {
        self.default_lifetime
    }

    /// What is believed of a lifetime that a server names.
    pub(crate) fn believed(&self, lifetime: Duration) -> Duration {
        lifetime.min(self.longest_lifetime)
    }

    pub(crate) fn patience(&self) -> Duration {
        self.mandatory_wait
    }

    pub(crate) fn rejection_interval(&self) -> Duration {
        self.forced_renewal_interval
    }

    /// This token's addition to the advisory boundary; `unit` is drawn from `[0, 1)`.
    pub(crate) fn drawn_jitter(&self, lifetime: Duration, unit: f64) -> Duration {
        self.jitter.of(lifetime).mul_f64(unit)
    }

    /// The boundaries of a token of this lifetime. A `jitter` that somebody else has
    /// drawn is cut to what this policy draws at most.
    pub(crate) fn boundaries(&self, lifetime: Duration, jitter: Duration) -> Boundaries {
        let guard = self
            .guard
            .of(lifetime)
            .max(self.guard_least)
            .min(lifetime / 2);
        let mandatory = self.mandatory.of(lifetime).max(guard);
        let jitter = jitter.min(self.jitter.of(lifetime));
        let plain = self.advisory.of(lifetime).max(mandatory);
        let advisory = (self.advisory.of(lifetime) + jitter).max(mandatory);
        Boundaries {
            guard,
            mandatory,
            plain,
            advisory,
        }
    }

    /// What follows from `error` after the `failures` before it.
    pub(crate) fn setback(&self, error: Error, mut failures: Failures, unit: f64) -> Setback {
        failures.count(&error);
        let pauses = self.pauses(&error, failures, unit);
        let was_told = error.retry_after().is_some_and(|wait| !wait.is_zero());
        Setback {
            error,
            failures,
            pauses,
            was_told,
        }
    }

    /// The pauses after `failures`, of which `error` is the last; `unit` is drawn from
    /// `[0, 1)`. A `Retry-After` is never cut short.
    pub(crate) fn pauses(&self, error: &Error, failures: Failures, unit: f64) -> Pauses {
        let about = |pause: Duration| pause.mul_f64(0.8 + 0.4 * unit);
        let ask = match is_rejection(error.kind()) {
            false => about(self.failure_pause.after(failures.all)),
            true => self.pause_after_rejection(failures, unit),
        };
        let told = error.retry_after().unwrap_or(Duration::ZERO);
        let told = told.min(self.cool_down_limit);
        Pauses {
            renew: about(self.renewal_pause.after(failures.all)).max(told),
            ask: ask.max(told),
        }
    }

    fn pause_after_rejection(&self, failures: Failures, unit: f64) -> Duration {
        let (least, most) = (self.rejection_pause_least, self.rejection_pause.first);
        let drawn = least + most.saturating_sub(least).mul_f64(unit);
        Doubling::new(drawn, self.rejection_pause.limit).after(failures.rejections)
    }

    /// The pause after a renewal that gained nothing, with so much life left.
    pub(crate) fn pause_without_gain(&self, remaining: Duration) -> Duration {
        (remaining / 2).max(self.no_gain_pause)
    }
}
