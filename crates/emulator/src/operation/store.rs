//! What the operations remember, bounded.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::flow::Flow;
use super::identity::Identity;

/// The flows and identities of all clients.
#[derive(Default)]
pub(crate) struct Store {
    flows: Mutex<Bounded<Flow>>,
    identities: Mutex<Bounded<Identity>>,
}

impl Store {
    pub(super) fn flows(&self) -> MutexGuard<'_, Bounded<Flow>> {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn identities(&self) -> MutexGuard<'_, Bounded<Identity>> {
        self.identities
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A map of at most [`LIMIT`] entries that forgets the oldest.
pub(super) struct Bounded<T> {
    entries: HashMap<String, T>,
    /// Keys in the order of their insertion, which is also the order of
    /// iteration.
    order: VecDeque<String>,
}

const LIMIT: usize = 10_000;

impl<T> Bounded<T> {
    pub(super) fn insert(&mut self, key: String, value: T) {
        if self.entries.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > LIMIT
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut T> {
        self.entries.get_mut(key)
    }

    /// Takes as long as there are entries: removing is rare.
    pub(super) fn remove(&mut self, key: &str) {
        self.entries.remove(key);
        self.order.retain(|known| known != key);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.order
            .iter()
            .filter_map(|key| Some((key.as_str(), self.entries.get(key)?)))
    }
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entry_is_forgotten() {
        let mut map = Bounded::default();
        for number in 0..=LIMIT {
            map.insert(number.to_string(), number);
        }
        assert_eq!(map.iter().count(), LIMIT);
        assert!(map.get_mut("0").is_none());
        assert_eq!(map.get_mut("1"), Some(&mut 1));
        assert_eq!(map.get_mut(&LIMIT.to_string()), Some(&mut LIMIT.clone()));
    }

    #[test]
    fn a_removed_entry_is_gone_and_may_come_back() {
        let mut map = Bounded::default();
        map.insert("a".into(), 1);
        map.insert("b".into(), 2);
        map.remove("a");
        map.insert("a".into(), 3);
        let entries: Vec<_> = map.iter().collect();
        assert_eq!(entries, [("b", &2), ("a", &3)]);
    }
}
