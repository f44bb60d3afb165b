//! What has happened to a token, as one byte that every reader loads.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

/// Marks stand on the token and not on its slot, so that a late one, a rejection of an
/// old token say, cannot touch its successor. None is ever taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    /// An API rejected it.
    Rejected = 1,
    /// It was obtained because the one before it was rejected.
    ReplacesRejected = 1 << 1,
    /// Callers have waited once for a renewal of the mandatory window.
    WaitedFor = 1 << 2,
    /// A renewal is due, however much life is left.
    Due = 1 << 3,
    /// Somebody has asked for it.
    Used = 1 << 4,
    /// It came from a store.
    Restored = 1 << 5,
}

impl Flag {
    const ALL: [Self; 6] = [
        Self::Rejected,
        Self::ReplacesRejected,
        Self::WaitedFor,
        Self::Due,
        Self::Used,
        Self::Restored,
    ];
}

#[derive(Default)]
pub(super) struct Flags(AtomicU8);

impl Flags {
    /// Says whether that is news. A mark that is there is not written again: readers
    /// on other processors keep their copy of the byte.
    pub(super) fn set(&self, flag: Flag) -> bool {
        !self.has(flag) && self.0.fetch_or(flag as u8, Ordering::Relaxed) & flag as u8 == 0
    }

    pub(super) fn has(&self, flag: Flag) -> bool {
        self.0.load(Ordering::Relaxed) & flag as u8 != 0
    }

    /// Whether nothing speaks against handing it out as fresh; on the way it is marked
    /// as used.
    pub(super) fn leave_it_fresh(&self) -> bool {
        const AGAINST: u8 = Flag::Rejected as u8 | Flag::Due as u8;
        let flags = self.0.load(Ordering::Relaxed);
        if flags & Flag::Used as u8 == 0 {
            self.set(Flag::Used);
        }
        flags & AGAINST == 0
    }

    pub(super) fn copy(&self) -> Self {
        Self(AtomicU8::new(self.0.load(Ordering::Relaxed)))
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = Flag::ALL.into_iter().filter(|flag| self.has(*flag));
        f.debug_set().entries(set).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flag_has_a_bit_of_its_own_and_is_news_once() {
        let flags = Flags::default();
        for (count, flag) in Flag::ALL.into_iter().enumerate() {
            assert!(!flags.has(flag), "{flag:?}");
            assert!(flags.set(flag) && !flags.set(flag), "{flag:?}");
            assert_eq!(
                flags.0.load(Ordering::Relaxed).count_ones(),
                1 + count as u32
            );
        }
        assert_eq!(format!("{:?}", flags.copy()), format!("{flags:?}"));
    }

    #[test]
    fn a_rejected_or_due_token_is_not_fresh() {
        for (flag, fresh) in [
            (Flag::Rejected, false),
            (Flag::Due, false),
            (Flag::Used, true),
            (Flag::WaitedFor, true),
            (Flag::ReplacesRejected, true),
            (Flag::Restored, true),
        ] {
            let flags = Flags::default();
            flags.set(flag);
            assert_eq!(flags.leave_it_fresh(), fresh, "{flag:?}");
            assert!(flags.has(Flag::Used));
        }
    }
}
