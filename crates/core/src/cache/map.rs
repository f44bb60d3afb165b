//! The slots of a client that asks for more than one kind of token.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

use super::key::Key;
use super::slot::Slot;
use crate::clock::Now;
use crate::random;

/// The most slots that are kept.
const CAPACITY: usize = 10_000;

/// Of so many slots, drawn at random, the least needed makes room for a new one.
const SAMPLE: usize = 8;

/// Key to slot, bounded. The lock is held for the look-up alone, never while
/// anybody waits for a token.
pub(crate) struct SlotMap {
    table: ArcSwap<Table>,
    capacity: usize,
}

/// The slots of one process.
struct Table {
    /// A forked child starts a table of its own: another thread may have held the
    /// lock when it was forked, and nobody would ever release it there.
    process: u32,
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    places: HashMap<Key, usize>,
    /// In a row, so that one can be drawn at random.
    entries: Vec<Entry>,
}

struct Entry {
    key: Key,
    slot: Arc<Slot>,
    /// Seconds of the boot clock.
    last_used: AtomicU64,
}

impl Default for SlotMap {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl SlotMap {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            table: ArcSwap::from_pointee(Table::new()),
            capacity,
        }
    }

    /// The slot of `key`, which is made if there is none yet.
    pub(crate) fn slot(&self, key: Key, now: Now) -> Arc<Slot> {
        let table = self.table();
        let mut slots = table.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = slots.places.get(&key) {
            return slots.entries[*place].touch(now);
        }
        if slots.entries.len() >= self.capacity {
            slots.make_room(now);
        }
        let place = slots.entries.len();
        slots.places.insert(key, place);
        slots.entries.push(Entry {
            key,
            slot: Arc::default(),
            last_used: AtomicU64::new(0),
        });
        slots.entries[place].touch(now)
    }

    /// Every slot there is.
    pub(crate) fn all(&self) -> Vec<Arc<Slot>> {
        let table = self.table();
        let slots = table.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let all = slots.entries.iter();
        all.map(|entry| Arc::clone(&entry.slot)).collect()
    }

    fn table(&self) -> Arc<Table> {
        let seen = self.table.load();
        if seen.is_ours() {
            return Arc::clone(&seen);
        }
        let before = self.table.compare_and_swap(&seen, Arc::new(Table::new()));
        // The parent's is never dropped here: its slots hold flights and tokens
        // whose locks may be taken.
        std::mem::forget(Guard::into_inner(before));
        self.table.load_full()
    }
}

impl Table {
    fn new() -> Self {
        Self {
            process: std::process::id(),
            slots: Mutex::default(),
        }
    }

    fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }
}

impl Slots {
    /// Forgets one slot: of a few drawn at random, one that is of no use, or
    /// else the one that was not asked for the longest time. One that a caller
    /// holds right now stays, or two callers could fill two slots of one key; if
    /// all that are drawn are held, the map grows by one.
    fn make_room(&mut self, now: Now) {
        let drawn = (0..SAMPLE).map(|_| {
            let place = random::unit() * self.entries.len() as f64;
            (place as usize).min(self.entries.len() - 1)
        });
        let free = drawn.filter(|place| Arc::strong_count(&self.entries[*place].slot) == 1);
        let victim = free.min_by_key(|place| {
            let entry = &self.entries[*place];
            (
                entry.slot.is_needed(now),
                entry.last_used.load(Ordering::Relaxed),
            )
        });
        if let Some(place) = victim {
            let gone = self.entries.swap_remove(place);
            self.places.remove(&gone.key);
            if let Some(moved) = self.entries.get(place) {
                self.places.insert(moved.key, place);
            }
        }
    }
}

impl Entry {
    fn touch(&self, now: Now) -> Arc<Slot> {
        self.last_used.store(now.boot.as_secs(), Ordering::Relaxed);
        Arc::clone(&self.slot)
    }
}

impl fmt::Debug for SlotMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotMap")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{AccessTokenRequest, ClientAuthentication, ClientId, ClientSecret, Credentials};

    fn at(seconds: u64) -> Now {
        Now {
            boot: Duration::from_secs(seconds),
            wall: Duration::from_secs(seconds),
        }
    }

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

    fn len(map: &SlotMap) -> usize {
        map.table().slots.lock().unwrap().entries.len()
    }

    #[test]
    fn one_slot_per_key() {
        let map = SlotMap::default();
        let first = map.slot(key(1), at(0));
        assert!(Arc::ptr_eq(&first, &map.slot(key(1), at(0))));
        assert!(!Arc::ptr_eq(&first, &map.slot(key(2), at(0))));
    }

    #[test]
    fn the_number_of_slots_is_bounded_and_held_ones_stay() {
        let map = SlotMap::with_capacity(10);
        let held = map.slot(key(0), at(0));
        for number in 1..500 {
            map.slot(key(number), at(1));
            assert!(len(&map) <= 10);
        }
        assert!(Arc::ptr_eq(&held, &map.slot(key(0), at(2))));
    }

    /// Ten keys are asked for all the time, a thousand others once each.
    #[test]
    fn what_is_asked_for_often_stays() {
        let map = SlotMap::with_capacity(100);
        let hot: Vec<_> = (0..10)
            .map(|number| Arc::downgrade(&map.slot(key(number), at(0))))
            .collect();
        for cold in 0..1000 {
            for number in 0..10 {
                map.slot(key(number), at(cold as u64));
            }
            map.slot(key(1000 + cold), at(cold as u64));
        }
        let kept = hot.iter().filter(|slot| slot.upgrade().is_some()).count();
        assert_eq!(kept, 10);
    }

    #[test]
    fn places_stay_right_when_slots_go() {
        let map = SlotMap::with_capacity(5);
        for number in 0..200 {
            map.slot(key(number % 17), at(number as u64));
            let table = map.table();
            let slots = table.slots.lock().unwrap();
            assert_eq!(slots.places.len(), slots.entries.len());
            for (place, entry) in slots.entries.iter().enumerate() {
                assert_eq!(slots.places[&entry.key], place);
            }
        }
    }
}
