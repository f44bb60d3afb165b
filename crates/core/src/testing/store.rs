//! A store in memory, with faults.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use crate::store::{Entry, Lease, StoreError, StoreErrorKind, StoreKey, TokenStore};

/// What several clients share as several processes share a folder.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryStore(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    entries: HashMap<(StoreKey, Entry), Vec<u8>>,
    leased: HashSet<StoreKey>,
    touches: usize,
    is_broken: bool,
    /// What every call waits for.
    stuck: Option<Arc<Mutex<mpsc::Receiver<()>>>>,
}

impl MemoryStore {
    /// Whether everything fails from now on.
    pub(crate) fn set_broken(&self, is_broken: bool) {
        self.state().is_broken = is_broken;
    }

    /// Lets every call hang until the returned end is dropped.
    pub(crate) fn hang(&self) -> mpsc::Sender<()> {
        let (release, stuck) = mpsc::channel();
        self.state().stuck = Some(Arc::new(Mutex::new(stuck)));
        release
    }

    pub(crate) fn has(&self, entry: Entry) -> bool {
        self.state().entries.keys().any(|(_, kept)| *kept == entry)
    }

    /// How often leases were touched.
    pub(crate) fn touches(&self) -> usize {
        self.state().touches
    }

    /// Holds every lease that was ever asked for, as a process that is at work does.
    pub(crate) fn lease_all(&self) -> Vec<Box<dyn Lease>> {
        let keys: HashSet<_> = self.state().entries.keys().map(|(key, _)| *key).collect();
        let leases = keys
            .iter()
            .filter_map(|key| self.try_lease(key, Duration::ZERO).unwrap());
        leases.collect()
    }

    /// Changes what is kept.
    pub(crate) fn alter(&self, change: impl Fn(&mut Vec<u8>)) {
        self.state().entries.values_mut().for_each(change);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn working(&self) -> Result<std::sync::MutexGuard<'_, State>, StoreError> {
        let stuck = self.state().stuck.clone();
        if let Some(stuck) = stuck {
            // Ends when the other side is dropped.
            let _ = stuck.lock().unwrap().recv();
        }
        let state = self.state();
        match state.is_broken {
            true => Err(StoreError::new(StoreErrorKind::Unavailable, "broken")),
            false => Ok(state),
        }
    }
}

impl TokenStore for MemoryStore {
    fn load(&self, key: &StoreKey, entry: Entry) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.working()?.entries.get(&(*key, entry)).cloned())
    }

    fn save(
        &self,
        key: &StoreKey,
        entry: Entry,
        sealed: &[u8],
        _: Duration,
    ) -> Result<(), StoreError> {
        self.working()?
            .entries
            .insert((*key, entry), sealed.to_vec());
        Ok(())
    }

    fn remove(&self, key: &StoreKey, entry: Entry) -> Result<(), StoreError> {
        self.working()?.entries.remove(&(*key, entry));
        Ok(())
    }

    fn try_lease(&self, key: &StoreKey, _: Duration) -> Result<Option<Box<dyn Lease>>, StoreError> {
        let is_free = self.working()?.leased.insert(*key);
        // Made only then: one that is dropped gives the lease back.
        let lease = || MemoryLease {
            store: self.clone(),
            key: *key,
        };
        Ok(is_free.then(|| Box::new(lease()) as Box<dyn Lease>))
    }
}

#[derive(Debug)]
struct MemoryLease {
    store: MemoryStore,
    key: StoreKey,
}

impl Lease for MemoryLease {
    fn keep(&mut self, _: Duration) -> Result<(), StoreError> {
        self.store.state().touches += 1;
        Ok(())
    }
}

impl Drop for MemoryLease {
    fn drop(&mut self) {
        self.store.state().leased.remove(&self.key);
    }
}
