//! How one call wants its token.

use std::time::Duration;

const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(30);

/// How one call wants its token, beyond what it is a token for. Calls with different
/// options share tokens and requests.
///
/// ```
/// use std::time::Duration;
/// use prove_token::CallOptions;
/// let options = CallOptions::new()
///     .min_validity(Duration::from_secs(120))
///     .max_wait(Duration::from_secs(5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct CallOptions {
    pub(crate) min_validity: Duration,
    pub(crate) max_wait: Duration,
    pub(crate) force: bool,
}

impl CallOptions {
    /// The options of a call that has none.
    pub fn new() -> Self {
        Self {
            min_validity: Duration::ZERO,
            max_wait: DEFAULT_MAX_WAIT,
            force: false,
        }
    }

    /// The token should live at least this much longer; one with less is renewed
    /// first. Cut to half of the token's lifetime, which it always had to begin with. If the
    /// renewal fails or takes more than the policy's
    /// [`mandatory_wait`](crate::RenewalPolicy::mandatory_wait), the live token is
    /// handed out as it is. Default: zero.
    pub fn min_validity(mut self, least: Duration) -> Self {
        self.min_validity = least;
        self
    }

    /// The longest wait for a request under way. When it is over, a live token is
    /// handed out if there is one, else the call ends with an `Expired` error; the
    /// request goes on, for the next call. Zero: never wait, but start a request if one is
    /// needed. Default: 30 s.
    pub fn max_wait(mut self, limit: Duration) -> Self {
        self.max_wait = limit;
        self
    }

    /// Whether the token must be newer than the one at hand: the call joins a request
    /// under way or starts one. It obeys the pauses after failures; if there is one,
    /// or the request fails, a live token is handed out. Default: no.
    pub fn force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// Whether they are met by every token that is fresh.
    pub(crate) fn take_any_fresh(&self) -> bool {
        !self.force && self.min_validity.is_zero()
    }
}

impl Default for CallOptions {
    fn default() -> Self {
        Self::new()
    }
}
