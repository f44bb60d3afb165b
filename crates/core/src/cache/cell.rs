//! What a slot keeps its parts in: cells that are read without a lock and changed by
//! comparison. A trait, so that a model checker can stand in for `arc-swap`.

use std::ops::Deref;
use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};

use crate::token::{AccessToken, TokenData};

/// A shared pointer that changes atomically.
pub(crate) trait Cell<T>: Default {
    /// Keeps what was loaded alive.
    type Loaded: Deref<Target = Option<Arc<T>>>;

    fn load(&self) -> Self::Loaded;

    fn store(&self, new: Option<Arc<T>>);

    /// Puts `new` in the place of `current` if that is still there (the same pointer),
    /// and says whether it was.
    fn replace(&self, current: &Option<Arc<T>>, new: Option<Arc<T>>) -> bool;
}

/// A family of cells.
pub(crate) trait Cells {
    type Cell<T>: Cell<T>;

    /// The token that a cell holds, as callers get it.
    fn token(loaded: Loaded<Self, TokenData>) -> Option<AccessToken>;
}

pub(crate) type Loaded<C, T> = <<C as Cells>::Cell<T> as Cell<T>>::Loaded;

/// Those of production.
pub(crate) struct ArcSwapCells;

impl Cells for ArcSwapCells {
    type Cell<T> = ArcSwapOption<T>;

    fn token(loaded: Guard<Option<Arc<TokenData>>>) -> Option<AccessToken> {
        AccessToken::from_guard(loaded)
    }
}

impl<T> Cell<T> for ArcSwapOption<T> {
    type Loaded = Guard<Option<Arc<T>>>;

    fn load(&self) -> Self::Loaded {
        self.load()
    }

    fn store(&self, new: Option<Arc<T>>) {
        self.store(new);
    }

    fn replace(&self, current: &Option<Arc<T>>, new: Option<Arc<T>>) -> bool {
        is_same(&self.compare_and_swap(current, new), current)
    }
}

/// Whether both are the same pointer, or none.
pub(crate) fn is_same<T>(a: &Option<Arc<T>>, b: &Option<Arc<T>>) -> bool {
    a.as_ref().map(Arc::as_ptr) == b.as_ref().map(Arc::as_ptr)
}
