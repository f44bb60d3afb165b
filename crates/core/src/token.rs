//! The access token.

mod flags;
mod header;
mod life;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::Guard;
use http::HeaderValue;
use zeroize::Zeroizing;

pub(crate) use self::flags::Flag;
use self::flags::Flags;
use self::header::HeaderCopies;
use self::life::Horizon;
pub(crate) use self::life::Life;
use crate::clock::{Clock, Coarse, Now};
use crate::credentials::Credentials;
use crate::renewal::Phase;
use crate::scope::Scope;
use crate::secret::Secret;
use crate::store::StoreKey;

const SCHEME: &str = "Bearer ";

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

    /// Whether it came from the [store](crate::TokenClientBuilder::store), and not from a
    /// request of this client.
    pub fn is_from_store(&self) -> bool {
        self.data().has(Flag::Restored)
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

/// Where a token is kept beside memory, and with whose secret.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) key: StoreKey,
    pub(crate) credentials: Credentials,
}

/// Everything about one issued token; shared by all its [`AccessToken`]s.
pub(crate) struct TokenData {
    /// `Bearer <token>`: the header's text, of which the value is the tail, so
    /// the token is in memory once.
    text: Arc<Zeroizing<String>>,
    headers: HeaderCopies,
    details: Arc<Details>,
    life: Life,
    horizon: Horizon,
    flags: Flags,
    /// Where the jitter was drawn: a forked child draws its own.
    process: u32,
    home: Option<Arc<Home>>,
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
        Self::living(Arc::new(text), Arc::new(details), life, clock)
    }

    /// The same token, from a store and not from the server.
    pub(crate) fn restored(self) -> Self {
        self.flags.set(Flag::Restored);
        self
    }

    /// The same token, which a store knows.
    pub(crate) fn at_home(mut self, home: Option<Arc<Home>>) -> Self {
        self.home = home;
        self
    }

    /// The same token with a jitter of its own for this process, which was forked.
    pub(crate) fn with_jitter_anew(&self, now: Now, unit: f64) -> Self {
        let life = self.life.with_jitter_anew(now, unit);
        let (text, details) = (Arc::clone(&self.text), Arc::clone(&self.details));
        let mut token = Self::living(text, details, life, Arc::clone(&self.clock));
        token.flags = self.flags.copy();
        token.home = self.home.clone();
        token
    }

    fn living(
        text: Arc<Zeroizing<String>>,
        details: Arc<Details>,
        life: Life,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            text,
            headers: HeaderCopies::default(),
            details,
            horizon: Horizon::new(&life, &*clock),
            life,
            flags: Flags::default(),
            process: std::process::id(),
            home: None,
            clock,
        }
    }

    /// Whether it is fresh beyond doubt: the cheap question, which is asked first.
    pub(crate) fn is_fresh(&self, now: Coarse) -> bool {
        self.horizon.is_ahead(now) && self.flags.leave_it_fresh()
    }

    /// What it is good for; a rejected token is good for nothing.
    pub(crate) fn phase(&self, now: Now) -> Phase {
        if self.is_rejected() {
            return Phase::Expired;
        }
        let phase = self.life.phase(now);
        match self.flags.has(Flag::Due) {
            true => phase.max(Phase::Advisory),
            false => phase,
        }
    }

    pub(crate) fn is_usable(&self, now: Now) -> bool {
        self.phase(now) < Phase::Expired
    }

    pub(crate) fn is_rejected(&self) -> bool {
        self.flags.has(Flag::Rejected)
    }

    /// Marks it as rejected by an API, and says whether that is news. One that
    /// replaced a rejected token less than `interval` ago is not: an API that rejects
    /// every token must not make us ask for one after the other.
    pub(crate) fn reject(&self, interval: Duration) -> bool {
        let is_young = self.life.age(self.clock.now()) < interval;
        if is_young && self.flags.has(Flag::ReplacesRejected) {
            return false;
        }
        self.flags.set(Flag::Rejected)
    }

    pub(crate) fn mark(&self, flag: Flag) {
        self.flags.set(flag);
    }

    pub(crate) fn has(&self, flag: Flag) -> bool {
        self.flags.has(flag)
    }

    /// Whether its jitter was drawn for another process, the parent of this one.
    pub(crate) fn is_inherited(&self) -> bool {
        self.process != std::process::id()
    }

    pub(crate) fn has_same_value(&self, other: &Self) -> bool {
        self.text == other.text
    }

    /// Whether it was obtained later than `other`.
    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        self.life.obtained().wall > other.life.obtained().wall
    }

    /// What a store knows it by, if it is in one.
    pub(crate) fn home(&self) -> Option<&Arc<Home>> {
        self.home.as_ref()
    }

    pub(crate) fn life(&self) -> &Life {
        &self.life
    }

    pub(crate) fn details(&self) -> &Details {
        &self.details
    }

    pub(crate) fn value(&self) -> &str {
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
            .field("flags", &self.flags)
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
