//! Where tokens outlive their process: the [`TokenStore`] trait and the store of
//! files.
//!
//! A store keeps sealed entries and lends leases, which let one process at a time ask
//! for a key's next token. Entries are encrypted and authenticated by this crate under
//! a key that is derived from the client secret: whoever holds the store holds
//! nothing, and an entry that was damaged, swapped or made up is a miss.

#[cfg(unix)]
mod file;
#[cfg(unix)]
mod lock;
mod miss;
mod record;
pub(crate) mod seal;
mod turn;
mod vault;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

#[cfg(unix)]
pub use file::{FileStore, StoreSurvey};
pub use miss::MissReason;
pub(crate) use record::Remembered;
pub use seal::ends;
pub(crate) use turn::{Errand, Turn};
pub(crate) use vault::Vault;

/// The largest sealed entry, in bytes.
pub const LARGEST_ENTRY: usize = 64 * 1024;

/// Names one slot in a store: the SHA-256 of everything that makes tokens differ, but
/// for the secret.
///
/// It is no secret itself, but made from parameters that may be, so `Debug` shows
/// nothing of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoreKey([u8; 32]);

impl StoreKey {
    pub(crate) fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// For the tests of a store: a client makes its keys itself.
impl From<[u8; 32]> for StoreKey {
    fn from(digest: [u8; 32]) -> Self {
        Self(digest)
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey([redacted])")
    }
}

/// What is kept for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// The last token that was obtained.
    Token,
    /// Why the last request failed, and until when nobody need ask again.
    Failure,
}

/// Keeps sealed entries and lends leases.
///
/// What is passed in is sealed by this crate: a store sees no token, and cannot forge,
/// swap or alter one. So an implementation need not be trusted, and need not be
/// durable: whatever it loses or mixes up is a miss, and costs one request.
///
/// The methods may block: they are called on a thread for blocking work.
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// What is kept for `key`; `None` if that is nothing.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is not to be trusted. The caller takes it for a
    /// miss.
    fn load(&self, key: &StoreKey, entry: Entry) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps `sealed`, of at most [`LARGEST_ENTRY`] bytes, in place of what was kept
    /// before. `wall` is the time now, since 1970, by which expired entries may be
    /// told (see [`ends`]) and removed.
    ///
    /// # Errors
    ///
    /// When it cannot be kept. The old entry may be gone then, but never half new.
    fn save(
        &self,
        key: &StoreKey,
        entry: Entry,
        sealed: &[u8],
        wall: Duration,
    ) -> Result<(), StoreError>;

    /// Keeps nothing for `key` any more; good if it never did.
    ///
    /// # Errors
    ///
    /// When the entry may still be there.
    fn remove(&self, key: &StoreKey, entry: Entry) -> Result<(), StoreError>;

    /// The right to ask for the next token of `key`, or `None` while another holder is
    /// at work. It never waits: the caller comes back. Whoever gets a lease loads once
    /// more before asking, for the holder before may just have saved a token. `wall`
    /// is the time now, since 1970.
    ///
    /// # Errors
    ///
    /// When no lease can be had at all; the caller then goes on without one.
    fn try_lease(
        &self,
        key: &StoreKey,
        wall: Duration,
    ) -> Result<Option<Box<dyn Lease>>, StoreError>;
}

impl<T: TokenStore + ?Sized> TokenStore for Arc<T> {
    fn load(&self, key: &StoreKey, entry: Entry) -> Result<Option<Vec<u8>>, StoreError> {
        (**self).load(key, entry)
    }

    fn save(
        &self,
        key: &StoreKey,
        entry: Entry,
        sealed: &[u8],
        wall: Duration,
    ) -> Result<(), StoreError> {
        (**self).save(key, entry, sealed, wall)
    }

    fn remove(&self, key: &StoreKey, entry: Entry) -> Result<(), StoreError> {
        (**self).remove(key, entry)
    }

    fn try_lease(
        &self,
        key: &StoreKey,
        wall: Duration,
    ) -> Result<Option<Box<dyn Lease>>, StoreError> {
        (**self).try_lease(key, wall)
    }
}

/// The right to ask for a key's next token, given back when it is dropped.
pub trait Lease: fmt::Debug + Send {
    /// Says that the holder is still at work; it does so each second. `wall` is the
    /// time now, since 1970.
    ///
    /// # Errors
    ///
    /// When nobody can be told. The holder goes on, and may be taken for stuck.
    fn keep(&mut self, wall: Duration) -> Result<(), StoreError>;
}

/// Why a store could not do what it was asked. Its text is one line that is safe to
/// log: it names what is wrong (a mode, an owner, a link), never what is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    kind: StoreErrorKind,
    text: String,
}

/// What kind of failure a [`StoreError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// Others could have read or written it: a wrong mode or owner, a link, something
    /// that is no regular file.
    Unsafe,
    /// A file of the store's own is not what the store wrote.
    Damaged,
    /// An entry is larger than [`LARGEST_ENTRY`].
    TooLarge,
    /// The store cannot work now: no space, read-only, no permission, no locks, or a
    /// fault of the device.
    Unavailable,
}

impl StoreErrorKind {
    /// A stable name for machines: `too_large`, say.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsafe => "unsafe",
            Self::Damaged => "damaged",
            Self::TooLarge => "too_large",
            Self::Unavailable => "unavailable",
        }
    }
}

impl StoreError {
    /// `text` is lower case, without a full stop, and holds nothing of an entry.
    pub fn new(kind: StoreErrorKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
        }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for StoreError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_a_key() {
        let key = StoreKey::from_digest([0x5a; 32]);
        assert_eq!(
            format!("{key:?} {key:#?}"),
            "StoreKey([redacted]) StoreKey([redacted])"
        );
        assert_eq!(StoreKey::from(*key.as_bytes()), key);
    }
}
