//! The slots of a client that asks for more than one kind of token.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arc_swap::ArcSwapOption;

use super::key::Key;
use super::slot::Slot;
use crate::clock::{Coarse, Now};
use crate::random;

/// Of so many slots, drawn at random, the least needed makes room for a new one.
const SAMPLE: usize = 8;

/// The most shards, and the slots that are worth one.
const SHARDS: usize = 256;
const SLOTS_PER_SHARD: usize = 32;

/// Key to slot, bounded. A look-up takes no lock and touches no count: it reads one of
/// many small tables, each of which is copied to be changed. There is nothing that a
/// forked child could find locked.
pub(crate) struct SlotMap {
    shards: Box<[ArcSwapOption<Table>]>,
    len: AtomicUsize,
    capacity: usize,
}

type Table = HashMap<Key, Arc<Entry>, BuildHasherDefault<KeyHasher>>;

struct Entry {
    slot: Arc<Slot>,
    /// Seconds of the coarse monotonic clock.
    last_used: AtomicU64,
}

impl SlotMap {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let shards = (capacity / SLOTS_PER_SHARD).clamp(1, SHARDS);
        Self {
            shards: (0..shards).map(|_| ArcSwapOption::empty()).collect(),
            len: AtomicUsize::new(0),
            capacity,
        }
    }

    /// What `read` makes of the slot of `key`, if there is one.
    pub(crate) fn read<T>(
        &self,
        key: &Key,
        now: Coarse,
        read: impl FnOnce(&Slot) -> T,
    ) -> Option<T> {
        let table = self.shard(key).load();
        let entry = table.as_ref()?.get(key)?;
        entry.touch(now);
        Some(read(&entry.slot))
    }

    /// The slot of `key`, which is made if there is none yet.
    pub(crate) fn slot(&self, key: Key, now: Now, used: Coarse) -> Arc<Slot> {
        let shard = self.shard(&key);
        loop {
            let seen = shard.load();
            if let Some(entry) = seen.as_ref().and_then(|table| table.get(&key)) {
                entry.touch(used);
                return Arc::clone(&entry.slot);
            }
            let mut table = seen.as_deref().cloned().unwrap_or_default();
            let is_full = self.len.load(Ordering::Relaxed) >= self.capacity;
            let made_room = is_full && make_room(&mut table, now);
            let entry = Arc::new(Entry::new(used));
            table.insert(key, Arc::clone(&entry));
            let before = shard.compare_and_swap(&seen, Some(Arc::new(table)));
            if before.as_ref().map(Arc::as_ptr) == seen.as_ref().map(Arc::as_ptr) {
                self.len
                    .fetch_add(usize::from(!made_room), Ordering::Relaxed);
                return Arc::clone(&entry.slot);
            }
        }
    }

    /// Every slot there is.
    pub(crate) fn all(&self) -> Vec<Arc<Slot>> {
        let tables = self.shards.iter().filter_map(ArcSwapOption::load_full);
        let slots = |table: Arc<Table>| {
            let slots = table.values().map(|entry| Arc::clone(&entry.slot));
            slots.collect::<Vec<_>>()
        };
        tables.flat_map(slots).collect()
    }

    fn shard(&self, key: &Key) -> &ArcSwapOption<Table> {
        &self.shards[key.shard(self.shards.len())]
    }
}

/// Forgets one slot of the table: of a few drawn at random, one that is of no use, or
/// else the one that was not asked for the longest time. One that a caller holds right
/// now stays, or two callers could fill two slots of one key; if all that are drawn are
/// held, the map grows by one.
fn make_room(table: &mut Table, now: Now) -> bool {
    let start = (random::unit() * table.len() as f64) as usize;
    // A table has no order that anybody could have chosen: its keys are digests.
    let drawn = table
        .iter()
        .cycle()
        .skip(start)
        .take(SAMPLE.min(table.len()));
    let free = drawn.filter(|(_, entry)| Arc::strong_count(&entry.slot) == 1);
    let victim = free.min_by_key(|(_, entry)| {
        let is_needed = entry.slot.is_needed(now);
        (is_needed, entry.last_used.load(Ordering::Relaxed))
    });
    let victim = victim.map(|(key, _)| *key);
    victim.is_some_and(|key| table.remove(&key).is_some())
}

impl Entry {
    fn new(now: Coarse) -> Self {
        Self {
            slot: Arc::default(),
            last_used: AtomicU64::new(now.monotonic.as_secs()),
        }
    }

    /// Written only where it is news: readers on other processors keep their copy.
    fn touch(&self, now: Coarse) {
        let now = now.monotonic.as_secs();
        if self.last_used.load(Ordering::Relaxed) != now {
            self.last_used.store(now, Ordering::Relaxed);
        }
    }
}

/// A key writes one word, which is a hash already.
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }

    /// For the trait alone: no key comes this way.
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl fmt::Debug for SlotMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotMap")
            .field("capacity", &self.capacity)
            .field("len", &self.len)
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

    fn slot(map: &SlotMap, audience: usize, seconds: u64) -> Arc<Slot> {
        map.slot(key(audience), at(seconds), coarse(seconds))
    }

    fn coarse(seconds: u64) -> Coarse {
        let now = at(seconds);
        Coarse {
            monotonic: now.boot,
            wall: now.wall,
        }
    }

    fn len(map: &SlotMap) -> usize {
        let len = map.all().len();
        assert_eq!(map.len.load(Ordering::Relaxed), len);
        len
    }

    #[test]
    fn one_slot_per_key() {
        let map = SlotMap::with_capacity(10);
        let first = slot(&map, 1, 0);
        assert!(Arc::ptr_eq(&first, &slot(&map, 1, 0)));
        assert!(!Arc::ptr_eq(&first, &slot(&map, 2, 0)));
    }

    #[test]
    fn the_number_of_slots_is_bounded_and_held_ones_stay() {
        let map = SlotMap::with_capacity(10);
        let held = slot(&map, 0, 0);
        for number in 1..500 {
            slot(&map, number, 1);
            assert!(len(&map) <= 10);
        }
        assert!(Arc::ptr_eq(&held, &slot(&map, 0, 2)));
    }

    /// Ten keys are asked for all the time, a thousand others once each.
    #[test]
    fn what_is_asked_for_often_stays() {
        let map = SlotMap::with_capacity(100);
        let hot: Vec<_> = (0..10)
            .map(|number| Arc::downgrade(&slot(&map, number, 0)))
            .collect();
        for cold in 0..1000 {
            for number in 0..10 {
                slot(&map, number, cold as u64);
            }
            slot(&map, 1000 + cold, cold as u64);
        }
        let kept = hot.iter().filter(|slot| slot.upgrade().is_some()).count();
        assert_eq!(kept, 10);
    }

    #[test]
    fn a_read_finds_what_was_made_and_makes_nothing() {
        let map = SlotMap::with_capacity(1000);
        assert!(map.read(&key(1), coarse(0), |_| ()).is_none());
        let made = slot(&map, 1, 0);
        let is_same = |slot: &Slot| std::ptr::eq(slot, Arc::as_ptr(&made));
        assert_eq!(map.read(&key(1), coarse(5), is_same), Some(true));
        assert_eq!(len(&map), 1);
    }

    #[test]
    fn threads_that_make_slots_at_once_agree() {
        let map = SlotMap::with_capacity(100_000);
        let start = std::sync::Barrier::new(4);
        let make = || {
            start.wait();
            let slots = (0..300).map(|number| slot(&map, number, 0));
            slots.collect::<Vec<_>>()
        };
        let made: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(make)).collect();
            let threads = threads.into_iter();
            threads.map(|thread| thread.join().unwrap()).collect()
        });
        for slots in &made {
            let pairs = slots.iter().zip(&made[0]);
            assert!(
                pairs
                    .into_iter()
                    .all(|(one, other)| Arc::ptr_eq(one, other))
            );
        }
        assert_eq!(len(&map), 300);
    }
}
