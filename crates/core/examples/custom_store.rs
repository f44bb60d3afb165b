//! A store of the application's own: here a map that two clients share, elsewhere a
//! database. What it keeps is sealed, so it need not be trusted.

mod arguments;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prove_token::store::{Entry, Lease, StoreError, StoreErrorKind, StoreKey, TokenStore};
use prove_token::{ClientSecret, Endpoint, TokenClient};

#[derive(Clone, Debug, Default)]
struct SharedMap(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    entries: HashMap<(StoreKey, Entry), Vec<u8>>,
    leased: HashSet<StoreKey>,
}

impl SharedMap {
    /// Runs `act` on the map, as a database would run a query.
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> Result<T, StoreError> {
        let broken = |_| StoreError::new(StoreErrorKind::Unavailable, "the map is broken");
        Ok(act(&mut *self.0.lock().map_err(broken)?))
    }
}

impl TokenStore for SharedMap {
    fn load(&self, key: &StoreKey, entry: Entry) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|state| state.entries.get(&(*key, entry)).cloned())
    }

    fn save(
        &self,
        key: &StoreKey,
        entry: Entry,
        sealed: &[u8],
        _now: Duration,
    ) -> Result<(), StoreError> {
        self.with(|state| {
            state.entries.insert((*key, entry), sealed.to_vec());
        })
    }

    fn remove(&self, key: &StoreKey, entry: Entry) -> Result<(), StoreError> {
        self.with(|state| {
            state.entries.remove(&(*key, entry));
        })
    }

    fn try_lease(
        &self,
        key: &StoreKey,
        _now: Duration,
    ) -> Result<Option<Box<dyn Lease>>, StoreError> {
        let is_free = self.with(|state| state.leased.insert(*key))?;
        let lease = || MapLease {
            store: self.clone(),
            key: *key,
        };
        Ok(is_free.then(|| Box::new(lease()) as Box<dyn Lease>))
    }
}

/// Given back when it is dropped. In a store that outlives its processes, a lease has
/// an end of its own, which `keep` puts off.
#[derive(Debug)]
struct MapLease {
    store: SharedMap,
    key: StoreKey,
}

impl Lease for MapLease {
    fn keep(&mut self, _now: Duration) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Drop for MapLease {
    fn drop(&mut self) {
        // A lease that cannot be given back is taken for stuck, in time.
        let _ = self.store.with(|state| state.leased.remove(&self.key));
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [endpoint, client_id, secret_file] =
        arguments::read(["TOKEN_ENDPOINT", "CLIENT_ID", "SECRET_FILE"])?;
    let endpoint: Endpoint = endpoint.parse()?;
    let secret = ClientSecret::new(std::fs::read_to_string(secret_file)?)?;

    // Two processes, as it were: each has a memory of its own.
    let store = SharedMap::default();
    let client = || {
        TokenClient::builder(endpoint.clone())
            .credentials(&client_id, secret.clone())
            .store(store.clone())
            .build()
    };
    let first = client()?.access_token().await?;
    let second = client()?.access_token().await?;
    assert!(second.is_from_store() && first.value() == second.value());
    println!("the second client found the first one's token");
    Ok(())
}
