//! The access token, and the arithmetic of its life.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use arc_swap::Guard;
use bytes::Bytes;
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::clock::{Clock, Now};
use crate::scope::Scope;
use crate::secret::Secret;

/// No token is believed to live longer than this, whatever the server says.
pub(crate) const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

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

    /// What is left of the token's life now; zero when it has ended.
    pub fn expires_in(&self) -> Duration {
        let data = self.data();
        data.life.remaining(data.clock.now())
    }

    /// The token's whole life, at most 24 hours.
    pub fn lifetime(&self) -> Duration {
        self.data().life.lifetime
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
    /// Set when an API rejected this token. It is a mark on the token and not on
    /// the slot, so a late rejection of an old token cannot touch a newer one.
    rejected: AtomicBool,
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
            life,
            rejected: AtomicBool::new(false),
            clock,
        }
    }

    /// Whether it may be handed out.
    pub(crate) fn is_usable(&self, now: Now) -> bool {
        !self.rejected.load(Ordering::Relaxed) && self.life.is_usable(now)
    }

    pub(crate) fn reject(&self) {
        self.rejected.store(true, Ordering::Relaxed);
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

/// From when to when a token may be used, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    /// Read before the request was sent: the server's count starts later.
    obtained: Now,
    lifetime: Duration,
}

impl Life {
    /// `lifetime` is cut to 24 hours.
    pub(crate) fn new(obtained: Now, lifetime: Duration) -> Self {
        Self {
            obtained,
            lifetime: lifetime.min(LONGEST_LIFETIME),
        }
    }

    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Below this rest of its life a token is never handed out, because it must
    /// survive the request it is used for: 5 % of the life, at least 0.5 s, at
    /// most 10 s, and never more than half of the life.
    pub(crate) fn guard(&self) -> Duration {
        (self.lifetime / 20)
            .clamp(Duration::from_millis(500), Duration::from_secs(10))
            .min(self.lifetime / 2)
    }

    /// Whether a token may be handed out: both clocks must see more life than
    /// the guard. A wall clock that was set back cannot prolong a life, because
    /// the boot clock cannot be set.
    pub(crate) fn is_usable(&self, now: Now) -> bool {
        self.remaining(now) > self.guard()
    }

    /// The shorter of what both clocks leave; zero after the end.
    pub(crate) fn remaining(&self, now: Now) -> Duration {
        let end = self.end();
        let boot = end.boot.saturating_sub(now.boot);
        boot.min(end.wall.saturating_sub(now.wall))
    }

    pub(crate) fn end(&self) -> Now {
        Now {
            boot: self.obtained.boot + self.lifetime,
            wall: self.obtained.wall + self.lifetime,
        }
    }
}

/// How many threads can take a header without sharing a reference count.
const COPIES: usize = 8;

/// The header value, made at first use, once per thread (up to [`COPIES`]).
///
/// Cloning a `HeaderValue` counts references. One counter for all threads costs
/// three to ten times more as soon as two of them really run, so each thread
/// clones a value with a counter of its own; the text is shared.
#[derive(Default)]
struct HeaderCopies([OnceLock<HeaderValue>; COPIES]);

impl HeaderCopies {
    fn get(&self, text: &Arc<Zeroizing<String>>) -> HeaderValue {
        self.0[thread_number() % COPIES]
            .get_or_init(|| {
                let bytes = Bytes::from_owner(HeaderText(Arc::clone(text)));
                let mut header = HeaderValue::from_maybe_shared(bytes)
                    .expect("a token is visible ASCII, as wire ensures");
                header.set_sensitive(true);
                header
            })
            .clone()
    }
}

/// The alignment puts the counter that `Bytes` keeps in front of it on a cache
/// line (and its prefetched neighbour) of its own.
#[repr(align(128))]
struct HeaderText(Arc<Zeroizing<String>>);

impl AsRef<[u8]> for HeaderText {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// A small number of the calling thread: the first has 0, the next 1 …
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    const UNSET: usize = usize::MAX;
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(UNSET) };
    }
    NUMBER.with(|number| {
        if number.get() == UNSET {
            number.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        number.get()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    fn at(seconds: u64) -> Now {
        Now {
            boot: Duration::from_secs(100 + seconds),
            wall: Duration::from_secs(1_700_000_000 + seconds),
        }
    }

    fn life(seconds: u64) -> Life {
        Life::new(at(0), Duration::from_secs(seconds))
    }

    fn token() -> AccessToken {
        AccessToken::new(Arc::new(TokenData::new(
            &Secret::new("canary.token"),
            Life::new(SystemClock.now(), Duration::from_secs(60)),
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
    fn the_guard_follows_the_lifetime() {
        for (lifetime, guard) in [
            (3600, 10_000),
            (300, 10_000),
            (100, 5_000),
            (10, 500),
            (1, 500),
            (0, 0),
        ] {
            assert_eq!(
                life(lifetime).guard(),
                Duration::from_millis(guard),
                "L={lifetime}"
            );
        }
    }

    #[test]
    fn usable_until_the_guard_by_both_clocks() {
        let life = life(300);
        assert!(life.is_usable(at(0)));
        assert!(life.is_usable(at(289)));
        assert!(!life.is_usable(at(290)));
        let wall_back = Now {
            wall: at(0).wall,
            boot: at(290).boot,
        };
        let wall_forward = Now {
            wall: at(290).wall,
            boot: at(0).boot,
        };
        assert!(
            !life.is_usable(wall_back),
            "setting the clock back prolongs no life"
        );
        assert!(!life.is_usable(wall_forward));
    }

    #[test]
    fn a_day_is_the_longest_life() {
        assert_eq!(life(u64::MAX / 4).lifetime(), LONGEST_LIFETIME);
    }

    #[test]
    fn the_header_is_sensitive_and_exact() {
        let header = token().authorization_header();
        assert!(header.is_sensitive());
        assert_eq!(header, "Bearer canary.token");
        assert_eq!(token().token_type(), "Bearer");
    }

    #[test]
    fn threads_share_the_text_but_no_counter() {
        let token = token();
        let here = token.authorization_header();
        std::thread::scope(|scope| {
            scope.spawn(|| assert_eq!(token.authorization_header(), here));
        });
        let made = token
            .data()
            .headers
            .0
            .iter()
            .filter(|copy| copy.get().is_some())
            .count();
        assert_eq!(made, 2, "each thread made a copy of its own");
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
