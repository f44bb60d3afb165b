//! The access token.

mod header;
mod life;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use arc_swap::Guard;
use http::HeaderValue;
use zeroize::Zeroizing;

use self::header::HeaderCopies;
use self::life::Horizon;
pub(crate) use self::life::{LONGEST_LIFETIME, Life};
use crate::clock::{Clock, Coarse, Now};
use crate::renewal::Phase;
use crate::scope::Scope;
use crate::secret::Secret;

const SCHEME: &str = "Bearer ";

/// A rejection forces a renewal at most so often.
const REJECTION_PAUSE: Duration = Duration::from_secs(30);

/// A bearer token that was usable when it was handed out.
///
/// Getting one from the cache copies nothing and touches no counter that threads
/// share: it borrows the cache's own copy. Keep it for the call it is meant for
/// and ask again for the next; a token that is kept in a structure still works,
/// but grows old there.
///
/// There is no `Display` and `Debug` is redacted; the text is in
/// [`value`](Self::value).
pub struct AccessToken(Guard<Option<Arc<TokenData>>>);

impl AccessToken {
    /// The token as the server gave it.
    pub fn value(&self) -> &str {
        self.data().value()
    }

    /// `Bearer <token>`, ready for the `Authorization` header and marked
    /// sensitive, so that HTTP libraries do not print or index it.
    pub fn authorization_header(&self) -> HeaderValue {
        self.data().header()
    }

    /// Always `Bearer` (RFC 6750): no other type is accepted.
    pub fn token_type(&self) -> &'static str {
        "Bearer"
    }

    /// The scope that was granted; `None` if the server named none, which by
    /// RFC 6749 §5.1 means the one that was asked for.
    pub fn scope(&self) -> Option<&Scope> {
        self.data().details.scope.as_ref()
    }

    /// When the token ends, by the wall clock; counted from before the request
    /// was sent, so never later than the server thinks.
    pub fn expires_at(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.data().end().wall
    }

    /// What is left of the token's life now; zero when it has ended.
    pub fn expires_in(&self) -> Duration {
        let data = self.data();
        data.life.remaining(data.clock.now())
    }

    /// The token's whole life, at most 24 hours.
    pub fn lifetime(&self) -> Duration {
        self.data().life.lifetime()
    }

    /// The refresh token some servers send with it. Prove documents it as not
    /// supported; nothing here depends on it.
    pub fn refresh_token(&self) -> Option<&Secret> {
        self.data().details.refresh_token.as_ref()
    }

    /// How long the refresh token lives, if the server said.
    pub fn refresh_expires_in(&self) -> Option<Duration> {
        self.data().details.refresh_expires_in
    }

    pub(crate) fn new(data: Arc<TokenData>) -> Self {
        Self(Guard::from_inner(Some(data)))
    }

    /// `None` for an empty slot, so that `data` below cannot fail.
    pub(crate) fn from_guard(guard: Guard<Option<Arc<TokenData>>>) -> Option<Self> {
        guard.is_some().then_some(Self(guard))
    }

    pub(crate) fn data(&self) -> &Arc<TokenData> {
        self.0
            .as_ref()
            .expect("both constructors take only a token that is there")
    }
}

impl Clone for AccessToken {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(self.data()))
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("value", &format_args!("[redacted]"))
            .field("expires_in", &self.expires_in())
            .finish_non_exhaustive()
    }
}

/// The part of an answer that only describes the token.
#[derive(Debug, Default)]
pub(crate) struct Details {
    pub(crate) scope: Option<Scope>,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) refresh_expires_in: Option<Duration>,
}

/// Everything about one issued token; shared by all its [`AccessToken`]s.
pub(crate) struct TokenData {
    /// `Bearer <token>`: the header's text, of which the value is the tail, so
    /// the token is in memory once.
    text: Arc<Zeroizing<String>>,
    headers: HeaderCopies,
    details: Details,
    life: Life,
    horizon: Horizon,
    /// Set when an API rejected this token. It is a mark on the token and not on
    /// the slot, so a late rejection of an old token cannot touch a newer one.
    rejected: AtomicBool,
    /// Set when this token was obtained because the one before it was rejected.
    replaces_rejected: AtomicBool,
    /// Set when callers have waited once for a renewal of the mandatory window.
    waited_for: AtomicBool,
    clock: Arc<dyn Clock>,
}

impl TokenData {
    /// `value` must be visible ASCII, as `wire` ensures.
    pub(crate) fn new(value: &Secret, life: Life, details: Details, clock: Arc<dyn Clock>) -> Self {
        let value = value.expose_secret();
        // Sized at once: growing would leave a copy behind that nobody wipes.
        let mut text = Zeroizing::new(String::with_capacity(SCHEME.len() + value.len()));
        text.push_str(SCHEME);
        text.push_str(value);
        Self {
            text: Arc::new(text),
            headers: HeaderCopies::default(),
            details,
            horizon: Horizon::new(&life, &*clock),
            life,
            rejected: AtomicBool::new(false),
            replaces_rejected: AtomicBool::new(false),
            waited_for: AtomicBool::new(false),
            clock,
        }
    }

    /// Whether it is fresh beyond doubt: the cheap question, which is asked first.
    pub(crate) fn is_fresh(&self, now: Coarse) -> bool {
        self.horizon.is_ahead(now) && !self.is_rejected()
    }

    /// What it is good for; a rejected token is good for nothing.
    pub(crate) fn phase(&self, now: Now) -> Phase {
        match self.is_rejected() {
            true => Phase::Expired,
            false => self.life.phase(now),
        }
    }

    pub(crate) fn is_rejected(&self) -> bool {
        self.rejected.load(Ordering::Relaxed)
    }

    /// Marks it as rejected by an API, and says whether that is news. One that replaced a
    /// rejected token less than 30 s ago is not: an API that rejects every token
    /// must not make us ask for one after the other.
    pub(crate) fn reject(&self) -> bool {
        let age = self
            .clock
            .now()
            .boot
            .saturating_sub(self.life.obtained().boot);
        let is_young = age < REJECTION_PAUSE;
        if is_young && self.replaces_rejected.load(Ordering::Relaxed) {
            return false;
        }
        !self.rejected.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn mark_as_replacing_rejected(&self) {
        self.replaces_rejected.store(true, Ordering::Relaxed);
    }

    /// Whether a caller has yet to wait for a renewal in the mandatory window.
    pub(crate) fn may_be_waited_for(&self) -> bool {
        !self.waited_for.load(Ordering::Relaxed)
    }

    pub(crate) fn mark_as_waited_for(&self) {
        self.waited_for.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_same_value(&self, other: &Self) -> bool {
        self.text == other.text
    }

    pub(crate) fn life(&self) -> &Life {
        &self.life
    }

    fn value(&self) -> &str {
        &self.text[SCHEME.len()..]
    }

    fn header(&self) -> HeaderValue {
        self.headers.get(&self.text)
    }

    fn end(&self) -> Now {
        self.life.end()
    }
}

impl fmt::Debug for TokenData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenData")
            .field("life", &self.life)
            .field("rejected", &self.rejected)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    fn token() -> AccessToken {
        AccessToken::new(Arc::new(TokenData::new(
            &Secret::new("canary.token"),
            Life::new(
                SystemClock.now(),
                Duration::from_secs(60),
                &crate::RenewalPolicy::default(),
                0.0,
            ),
            Details::default(),
            Arc::new(SystemClock),
        )))
    }

    #[test]
    fn a_token_may_go_anywhere() {
        fn anywhere<T: Send + Sync + Clone + 'static>() {}
        anywhere::<AccessToken>();
        assert!(size_of::<AccessToken>() <= 2 * size_of::<usize>());
    }

    #[test]
    fn the_header_is_sensitive_and_exact() {
        let header = token().authorization_header();
        assert!(header.is_sensitive());
        assert_eq!(header, "Bearer canary.token");
        assert_eq!(token().token_type(), "Bearer");
    }

    #[test]
    fn debug_shows_no_token() {
        let token = token();
        let shown = format!(
            "{token:?} {:?} {:?}",
            token.data(),
            token.authorization_header()
        );
        assert!(!shown.contains("canary"), "{shown}");
    }
}
