//! What the store is remembered to have missed.

use std::sync::{Mutex, PoisonError};

use prove_token::Event;
use prove_token::store::MissReason;

/// Why nothing that is kept could be used, as far as that is known.
#[derive(Debug, Default)]
pub(super) struct Misses(Mutex<Option<MissReason>>);

impl Misses {
    /// Whether `event` says something new. What missed before a request still does when
    /// the request's turn comes.
    pub(super) fn is_news(&self, event: &Event) -> bool {
        let Event::StoreMissed { reason, .. } = event else {
            return true;
        };
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.replace(*reason) != Some(*reason)
    }

    /// The last reason.
    pub(super) fn last(&self) -> Option<MissReason> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
