//! Why a store had nothing that could be used.

use super::StoreErrorKind;
use super::seal::Defect;

/// Why a store had no token that could be used. Whatever the reason, the token is asked
/// for; the reason is for those who count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MissReason {
    /// Nothing is kept.
    Absent,
    /// What is kept has ended, or will before it could be used.
    Expired,
    /// It was obtained later than now: a clock was set back.
    FromTheFuture,
    /// It was sealed with another secret, for another request, by another version, or
    /// was altered since.
    Damaged,
    /// Others could have written it: a wrong mode or owner, a link, something that is
    /// no regular file.
    Unsafe,
    /// It is larger than any entry.
    TooLarge,
    /// The store does not work.
    Unavailable,
}

impl MissReason {
    /// A stable name for machines: `from_the_future`, say.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Expired => "expired",
            Self::FromTheFuture => "from_the_future",
            Self::Damaged => "damaged",
            Self::Unsafe => "unsafe",
            Self::TooLarge => "too_large",
            Self::Unavailable => "unavailable",
        }
    }
}

impl From<StoreErrorKind> for MissReason {
    fn from(kind: StoreErrorKind) -> Self {
        match kind {
            StoreErrorKind::Unsafe => Self::Unsafe,
            StoreErrorKind::Damaged => Self::Damaged,
            StoreErrorKind::TooLarge => Self::TooLarge,
            StoreErrorKind::Unavailable => Self::Unavailable,
        }
    }
}

impl From<Defect> for MissReason {
    fn from(_: Defect) -> Self {
        Self::Damaged
    }
}
