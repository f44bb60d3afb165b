//! The slots of a client that asks for more than one kind of token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::key::Key;
use super::slot::Slot;
use crate::clock::Now;

/// The most slots that are kept.
const CAPACITY: usize = 10_000;

/// Key to slot, bounded. The lock is held for the look-up alone, never while
/// anybody waits for a token.
#[derive(Debug)]
pub(crate) struct SlotMap {
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
    capacity: usize,
}

impl Default for SlotMap {
    fn default() -> Self {
        Self {
            slots: Mutex::default(),
            capacity: CAPACITY,
        }
    }
}

impl SlotMap {
    /// The slot of `key`, which is made if there is none yet.
    pub(crate) fn slot(&self, key: Key, now: Now) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= self.capacity && !slots.contains_key(&key) {
            make_room(&mut slots, now);
        }
        Arc::clone(slots.entry(key).or_default())
    }
}

/// Forgets the slots without a usable token; if all have one, any slot. One that
/// a caller holds right now stays, or two callers could fill two slots of one key.
fn make_room(slots: &mut HashMap<Key, Arc<Slot>>, now: Now) {
    let before = slots.len();
    slots.retain(|_, slot| !is_free(slot) || slot.is_live(now));
    if slots.len() == before {
        let victim = slots.iter().find(|(_, slot)| is_free(slot));
        if let Some(key) = victim.map(|(key, _)| key.clone()) {
            slots.remove(&key);
        }
    }
}

fn is_free(slot: &Arc<Slot>) -> bool {
    Arc::strong_count(slot) == 1
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{AccessTokenRequest, ClientAuthentication, ClientId, ClientSecret, Credentials};

    const NOW: Now = Now {
        boot: Duration::ZERO,
        wall: Duration::ZERO,
    };

    fn key(audience: usize) -> Key {
        let id = ClientId::new("id").unwrap();
        let credentials = Credentials::new(id, ClientSecret::new("secret").unwrap());
        let request = AccessTokenRequest::new().audience(audience.to_string());
        let endpoint = "https://example.com/token".parse().unwrap();
        Key::new(
            &endpoint,
            ClientAuthentication::default(),
            &credentials,
            &request,
        )
    }

    #[test]
    fn one_slot_per_key() {
        let map = SlotMap::default();
        assert!(Arc::ptr_eq(&map.slot(key(1), NOW), &map.slot(key(1), NOW)));
        assert!(!Arc::ptr_eq(&map.slot(key(1), NOW), &map.slot(key(2), NOW)));
    }

    #[test]
    fn the_number_of_slots_is_bounded_and_held_ones_stay() {
        let map = SlotMap {
            capacity: 10,
            ..SlotMap::default()
        };
        let held = map.slot(key(0), NOW);
        for number in 1..100 {
            map.slot(key(number), NOW);
            assert!(map.slots.lock().unwrap().len() <= 10);
        }
        assert!(Arc::ptr_eq(&held, &map.slot(key(0), NOW)));
    }
}
