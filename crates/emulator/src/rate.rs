//! The rate limit: a sliding window of one second per client.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const WINDOW: Duration = Duration::from_secs(1);

/// Counts the admitted requests of each client. Only authenticated clients are
/// counted, so there are as many windows as configured clients.
#[derive(Debug)]
pub(crate) struct Rate {
    limit: usize,
    windows: Mutex<HashMap<String, VecDeque<Duration>>>,
}

impl Rate {
    /// `limit` requests a second per client; 0 admits everything.
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            limit: limit.try_into().unwrap_or(usize::MAX),
            windows: Mutex::default(),
        }
    }

    /// Whether one more request of `client` is within the limit at `now`. A
    /// refused request does not count: a client that keeps knocking recovers
    /// as soon as its admitted requests are a second old.
    pub(crate) fn admit(&self, client: &str, now: Duration) -> bool {
        if self.limit == 0 {
            return true;
        }
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(client.to_owned()).or_default();
        while window
            .front()
            .is_some_and(|admitted| now >= *admitted + WINDOW)
        {
            window.pop_front();
        }
        let admitted = window.len() < self.limit;
        if admitted {
            window.push_back(now);
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_window_slides() {
        let rate = Rate::new(2);
        assert!(rate.admit("a", at(0)));
        assert!(rate.admit("a", at(900)));
        assert!(!rate.admit("a", at(999)));
        assert!(rate.admit("a", at(1000)));
        assert!(!rate.admit("a", at(1899)));
        assert!(rate.admit("a", at(1900)));
    }

    #[test]
    fn each_client_has_its_own_window() {
        let rate = Rate::new(1);
        assert!(rate.admit("a", at(0)));
        assert!(rate.admit("b", at(0)));
        assert!(!rate.admit("a", at(0)));
    }

    #[test]
    fn refused_requests_do_not_extend_the_wait() {
        let rate = Rate::new(1);
        assert!(rate.admit("a", at(0)));
        assert!((1..1000).all(|now| !rate.admit("a", at(now))));
        assert!(rate.admit("a", at(1000)));
    }

    #[test]
    fn zero_means_no_limit() {
        let rate = Rate::new(0);
        assert!((0..10_000).all(|_| rate.admit("a", at(0))));
    }
}
