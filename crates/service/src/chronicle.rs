//! What happens to the token of one profile: counted, logged and told, each once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use prove_token::store::MissReason;
use prove_token::{AccessToken, Clock as _, Error, ErrorKind, Event, SystemClock};
use serde_json::json;
use tracing::{debug, info, warn};

use crate::lookout::Lookout;
use crate::metrics::ProfileTally;
use crate::trace::Flights;

/// A failure that goes on is told again after this time.
const REMINDER: Duration = Duration::from_secs(300);

/// Keeps the chronicle of a profile.
#[derive(Debug)]
pub(crate) struct Chronicle {
    profile: Arc<str>,
    tally: Arc<ProfileTally>,
    lookout: Arc<Lookout>,
    trouble: Mutex<Option<Trouble>>,
    flights: Flights,
}

/// Failures without a success in between.
#[derive(Clone, Copy, Debug)]
struct Trouble {
    kind: ErrorKind,
    count: u32,
    since: Duration,
    told: Duration,
}

impl Chronicle {
    pub(crate) fn new(profile: &str, lookout: &Arc<Lookout>) -> Arc<Self> {
        Arc::new(Self {
            profile: profile.into(),
            tally: lookout.metrics.profile(profile),
            lookout: Arc::clone(lookout),
            trouble: Mutex::default(),
            flights: Flights::default(),
        })
    }

    /// Notes an event of the profile's client.
    pub(crate) fn heard(&self, event: &Event) {
        self.tally.heard(event);
        self.flights.heard(&self.profile, event);
        let profile = &*self.profile;
        match event {
            Event::AttemptFailed { attempt, error, .. } => {
                debug!(profile, attempt, %error, "a request for a token failed");
            }
            Event::TokenObtained {
                attempts,
                took,
                lifetime,
                ..
            } => self.obtained(*attempts, *took, *lifetime),
            Event::RenewalFailed {
                error,
                valid_for,
                retry_in,
                ..
            } => self.failed(error, Some(*retry_in), Some(*valid_for)),
            Event::TokenRejected { expires_in, .. } => self.rejected(*expires_in),
            Event::CoolDownEntered { wait, .. } => {
                let seconds = wait.as_secs();
                info!(profile, seconds, "the server asked for a pause");
            }
            Event::TokenRestored { expires_in, .. } => {
                let left = expires_in.as_secs();
                info!(profile, left, "the token is from the store");
            }
            Event::StoreMissed { reason, .. } => self.missed(*reason),
            Event::StoreUnavailable { error, .. } => {
                warn!(profile, %error, "the store does not work: tokens are kept in memory alone");
            }
            _ => {}
        }
    }

    /// Ends when the service does, or has another configuration.
    pub(crate) async fn over(&self) {
        self.lookout.news.over().await;
    }

    fn rejected(&self, expires_in: Duration) {
        let (profile, left) = (&*self.profile, expires_in.as_secs());
        info!(profile, left, "an API rejected the token");
        self.tell("rejected", json!({ "expires_in": left }));
    }

    /// Notes that callers get another token from now on.
    pub(crate) fn renewed(&self, token: &AccessToken, id: &str) {
        let ends = token.expires_at().duration_since(UNIX_EPOCH);
        let facts = json!({
            "token_id": id,
            "expires_at": ends.map_or(0, |ends| ends.as_secs()),
            "expires_in": token.expires_in().as_secs(),
        });
        self.tell("renewed", facts);
    }

    /// Notes that there is no token at all, and why.
    pub(crate) fn without_token(&self, error: &Error, retry_in: Option<Duration>) {
        self.tally.renewals.add(error.kind().as_str());
        self.failed(error, retry_in, None);
    }

    fn obtained(&self, attempts: u32, took: Duration, lifetime: Duration) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let profile = &*self.profile;
        let (took, lifetime) = (took.as_millis(), lifetime.as_secs());
        match trouble.take() {
            Some(Trouble { count, since, .. }) => {
                let after = SystemClock.now().boot.saturating_sub(since).as_secs();
                info!(profile, lifetime, failures = count, after, "a token again");
            }
            None => info!(profile, lifetime, attempts, took_ms = took, "a new token"),
        }
    }

    fn failed(&self, error: &Error, retry_in: Option<Duration>, valid_for: Option<Duration>) {
        self.flights.failed(error.kind());
        let retry_in = retry_in.map(|wait| wait.as_secs_f64().ceil());
        let valid_for = valid_for.map(|left| left.as_secs());
        let facts = json!({
            "error": error.kind().as_str(),
            "error_description": error.to_string(),
            "retry_in": retry_in,
            "valid_for": valid_for,
        });
        self.tell("renewal_failed", facts);
        let profile = &*self.profile;
        let (kind, hint) = (error.kind().as_str(), error.hint());
        match self.is_news(error.kind()) {
            true => warn!(profile, kind, %error, hint, retry_in, valid_for, "no new token"),
            false => debug!(profile, kind, %error, hint, retry_in, valid_for, "still no new token"),
        }
    }

    /// Whether a failure is to be told aloud: the first of its kind, and now and then.
    fn is_news(&self, kind: ErrorKind) -> bool {
        let now = SystemClock.now().boot;
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *trouble;
        let known = before
            .filter(|before| before.kind == kind && now.saturating_sub(before.told) < REMINDER);
        *trouble = Some(Trouble {
            kind,
            count: before.map_or(0, |before| before.count).saturating_add(1),
            since: before.map_or(now, |before| before.since),
            told: known.map_or(now, |known| known.told),
        });
        known.is_none()
    }

    fn missed(&self, reason: MissReason) {
        let (profile, word) = (&*self.profile, reason.as_str());
        match reason {
            // Somebody else may have been there.
            MissReason::Unsafe | MissReason::Damaged => {
                warn!(profile, reason = word, "an entry of the store is not used");
            }
            _ => debug!(profile, reason = word, "the store has no token"),
        }
    }

    fn tell(&self, kind: &'static str, facts: serde_json::Value) {
        self.lookout.news.tell(&self.profile, kind, facts);
    }
}
