//! How a command wants its token.

use std::time::Duration;

use prove_token::AccessToken;

use crate::args::{CacheFlags, WishFlags};

/// How a command wants its token.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wish {
    /// A new one, which is kept.
    pub(crate) force: bool,
    /// One for this command alone.
    pub(crate) no_cache: bool,
    /// One that is kept, or none.
    pub(crate) cached_only: bool,
    /// It should live so much longer.
    pub(crate) min_validity: Duration,
}

impl From<CacheFlags> for Wish {
    fn from(flags: CacheFlags) -> Self {
        Self {
            force: flags.force,
            no_cache: flags.no_cache,
            ..Self::default()
        }
    }
}

impl From<WishFlags> for Wish {
    fn from(flags: WishFlags) -> Self {
        Self {
            cached_only: flags.cached_only,
            min_validity: flags.min_validity.unwrap_or_default(),
            ..Self::from(flags.cache)
        }
    }
}

impl Wish {
    /// What `token` should have to live by this wish: at most half of its whole life
    /// counts.
    pub(crate) fn least_life(&self, token: &AccessToken) -> Duration {
        self.min_validity.min(token.lifetime() / 2)
    }
}
