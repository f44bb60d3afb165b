//! Counters, kept from the start, and the text that Prometheus reads of them.
//!
//! Labels are names of the configuration and words of the code; nothing that a caller or
//! a server sends becomes one, so there are as many series as the configuration makes.

mod profile;
mod requests;
mod scrape;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prove_token::{Clock as _, SystemClock};
use tokio::sync::Semaphore;

pub(crate) use self::profile::{FAILED, OK, ProfileTally};
pub(crate) use self::requests::{MethodClass, RequestCount, Requests};
pub(crate) use self::scrape::{Scrape, TEXT};
use crate::quota::Window;

/// Everything that is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// Seconds since 1970.
    pub(crate) started: u64,
    pub(crate) requests: Requests,
    /// Requests that callers should not have sent, by why.
    pub(crate) refusals: Counts,
    pub(crate) panics: AtomicU64,
    /// Streams of events that were ended, for their readers did not keep up.
    pub(crate) slow_readers: AtomicU64,
    /// By outcome.
    pub(crate) reloads: Counts,
    /// Of whoever was ever configured: a counter does not go back when the
    /// configuration is read anew.
    profiles: Mutex<BTreeMap<String, Arc<ProfileTally>>>,
    callers: Mutex<BTreeMap<String, Arc<CallerTally>>>,
}

/// What may last as long as somebody else likes, of one caller at a time: its streams of
/// events, its requests that wait for another token, and those that the API has yet to
/// answer to their end. Each holds a connection, of which there are 1,024 for all callers.
const MOST_STREAMS: usize = 16;
const MOST_WAITS: usize = 256;
const MOST_PROXIED: usize = 512;

/// What is counted of a caller.
#[derive(Debug)]
pub(crate) struct CallerTally {
    pub(crate) requests: AtomicU64,
    /// Of these, the ones over its quota.
    pub(crate) over_quota: AtomicU64,
    pub(crate) window: Window,
    /// Room for its streams of events.
    pub(crate) streams: Arc<Semaphore>,
    /// Room for its requests that wait for another token.
    pub(crate) waits: Semaphore,
    /// Room for its requests through the proxy.
    pub(crate) proxied: Arc<Semaphore>,
}

impl Default for CallerTally {
    fn default() -> Self {
        Self {
            requests: AtomicU64::default(),
            over_quota: AtomicU64::default(),
            window: Window::default(),
            streams: Arc::new(Semaphore::new(MOST_STREAMS)),
            waits: Semaphore::new(MOST_WAITS),
            proxied: Arc::new(Semaphore::new(MOST_PROXIED)),
        }
    }
}

/// Counters by words of the code, for what happens rarely.
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<BTreeMap<&'static str, u64>>);

impl Default for Metrics {
    fn default() -> Self {
        Self {
            started: SystemClock.now().wall.as_secs(),
            requests: Requests::default(),
            refusals: Counts::of(["unauthorized", "invalid_client"]),
            panics: AtomicU64::default(),
            slow_readers: AtomicU64::default(),
            reloads: Counts::of([OK, FAILED]),
            profiles: Mutex::default(),
            callers: Mutex::default(),
        }
    }
}

impl Metrics {
    /// What is counted of the profile `name`.
    pub(crate) fn profile(&self, name: &str) -> Arc<ProfileTally> {
        entry(&self.profiles, name)
    }

    /// What is counted of the caller `name`.
    pub(crate) fn caller(&self, name: &str) -> Arc<CallerTally> {
        entry(&self.callers, name)
    }

    fn profiles(&self) -> Vec<(String, Arc<ProfileTally>)> {
        all(&self.profiles)
    }

    fn callers(&self) -> Vec<(String, Arc<CallerTally>)> {
        all(&self.callers)
    }
}

impl Counts {
    /// Counters that are there before anything was counted. An alert is about a series that
    /// grows: one that begins at 1 never did.
    pub(crate) fn of(words: impl IntoIterator<Item = &'static str>) -> Self {
        let counts = words.into_iter().map(|word| (word, 0));
        Self(Mutex::new(counts.collect()))
    }

    pub(crate) fn add(&self, word: &'static str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(word).or_default() += 1;
    }

    pub(crate) fn all(&self) -> Vec<(&'static str, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(word, count)| (*word, *count)).collect()
    }
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn entry<T: Default>(map: &Mutex<BTreeMap<String, Arc<T>>>, name: &str) -> Arc<T> {
    let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(map.entry(name.to_owned()).or_default())
}

fn all<T>(map: &Mutex<BTreeMap<String, Arc<T>>>) -> Vec<(String, Arc<T>)> {
    let map = map.lock().unwrap_or_else(PoisonError::into_inner);
    let pair = |(name, value): (&String, &Arc<T>)| (name.clone(), Arc::clone(value));
    map.iter().map(pair).collect()
}
