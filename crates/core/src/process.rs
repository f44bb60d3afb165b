//! What belongs to one process. A forked child inherits memory, but neither the
//! threads that hold its locks nor a share in its connections: such things it must
//! neither use nor drop, and make anew.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};

/// A value of the process that made it. Another process that drops it leaves it
/// alone: its locks may be held by threads that exist only in the parent.
pub(crate) struct Owned<T> {
    process: u32,
    /// Taken only when it is dropped.
    value: Option<T>,
}

impl<T> Owned<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            process: std::process::id(),
            value: Some(value),
        }
    }

    /// Whether this process made it, and not a parent before a fork.
    pub(crate) fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.value
            .as_mut()
            .expect("the value is taken only when it is dropped")
    }
}

impl<T> Deref for Owned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value
            .as_ref()
            .expect("the value is taken only when it is dropped")
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        if !self.is_ours() {
            std::mem::forget(self.value.take());
        }
    }
}

impl<T> fmt::Debug for Owned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owned")
            .field("process", &self.process)
            .finish_non_exhaustive()
    }
}

/// A value that each process makes when it first needs it. Not a `OnceLock`, which a
/// child forked while it is being filled would wait for in vain.
pub(crate) struct PerProcess<T>(ArcSwapOption<Owned<T>>);

impl<T> PerProcess<T> {
    pub(crate) const fn empty() -> Self {
        Self(ArcSwapOption::const_empty())
    }

    /// This process's value, if it has made one.
    pub(crate) fn get(&self) -> Option<Arc<Owned<T>>> {
        let seen = self.0.load();
        seen.as_ref().filter(|owned| owned.is_ours()).cloned()
    }

    /// This process's value; of several threads that make one at the same time, one
    /// wins, and the others drop theirs.
    pub(crate) fn get_or_try_make<E>(
        &self,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<Owned<T>>, E> {
        let seen = self.0.load();
        if let Some(owned) = seen.as_ref().filter(|owned| owned.is_ours()) {
            return Ok(Arc::clone(owned));
        }
        let made = Arc::new(Owned::new(make()?));
        let before = self.0.compare_and_swap(&seen, Some(Arc::clone(&made)));
        let winner = Guard::into_inner(before).filter(|owned| owned.is_ours());
        Ok(winner.unwrap_or(made))
    }

    pub(crate) fn get_or_make(&self, make: impl FnOnce() -> T) -> Arc<Owned<T>> {
        let made = self.get_or_try_make(|| Ok::<_, std::convert::Infallible>(make()));
        made.unwrap_or_else(|never| match never {})
    }
}

impl<T> Default for PerProcess<T> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T> fmt::Debug for PerProcess<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PerProcess")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a child sees what its parent made.
    fn inherited<T>(value: T) -> Owned<T> {
        Owned {
            process: std::process::id() ^ 1,
            value: Some(value),
        }
    }

    #[test]
    fn one_value_for_all_threads() {
        let cell = PerProcess::empty();
        let start = std::sync::Barrier::new(8);
        let made: Vec<_> = std::thread::scope(|scope| {
            let make = |number| {
                start.wait();
                cell.get_or_make(|| number)
            };
            let threads: Vec<_> = (0..8)
                .map(|number| scope.spawn(move || make(number)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert!(made.iter().all(|value| Arc::ptr_eq(value, &made[0])));
    }

    #[test]
    fn an_inherited_value_is_neither_used_nor_dropped() {
        let (mine, parents) = (Arc::new(()), Arc::new(()));
        let cell = PerProcess::empty();
        cell.0
            .store(Some(Arc::new(inherited(Arc::clone(&parents)))));
        assert!(cell.get().is_none());
        cell.get_or_make(|| Arc::clone(&mine));
        assert_eq!(Arc::strong_count(&parents), 2, "left alone");
        drop(cell);
        assert_eq!(
            (Arc::strong_count(&mine), Arc::strong_count(&parents)),
            (1, 2)
        );
    }

    #[test]
    fn a_failure_to_make_it_is_not_kept() {
        let cell = PerProcess::empty();
        assert!(cell.get_or_try_make(|| Err("no")).is_err());
        assert_eq!(**cell.get_or_make(|| 7), 7);
    }
}
