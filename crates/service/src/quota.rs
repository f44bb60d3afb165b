//! So many requests of one caller in any second, and no more.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// The requests of the last second.
///
/// Those of one reading of the clock are one entry, and the clock is a coarse one: there
/// are at most 1,000 entries at any rate.
#[derive(Debug, Default)]
pub(crate) struct Window(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When, and how many; the oldest first.
    ticks: VecDeque<(Duration, u32)>,
    count: u32,
}

impl Window {
    /// Notes a request at `now`, if there were fewer than `most` in the second before;
    /// else it is not noted, and `false` comes back.
    pub(crate) fn take(&self, most: u32, now: Duration) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(&(at, count)) = state.ticks.front()
            && now.saturating_sub(at) >= SECOND
        {
            state.ticks.pop_front();
            state.count -= count;
        }
        if state.count >= most {
            return false;
        }
        state.count += 1;
        match state.ticks.back_mut() {
            // Two threads may come in another order than they read the clock.
            Some((at, count)) if *at >= now => *count += 1,
            _ => state.ticks.push_back((now, 1)),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_has_more() {
        let window = Window::default();
        let at = Duration::from_millis;
        assert!(window.take(3, at(0)));
        assert!(window.take(3, at(500)));
        assert!(window.take(3, at(500)));
        assert!(!window.take(3, at(999)));
        assert!(window.take(3, at(1000)));
        assert!(!window.take(3, at(1499)));
        assert!(window.take(3, at(1500)));
        assert!(window.take(3, at(1500)));
        assert!(!window.take(3, at(1999)));
    }

    #[test]
    fn it_stays_small() {
        let window = Window::default();
        for request in 0..100_000 {
            assert!(window.take(1_000_000, Duration::from_millis(request / 100)));
        }
        let state = window.0.lock().unwrap();
        assert!(state.ticks.len() <= 1000);
        assert_eq!(state.count, 100_000);
    }

    #[test]
    fn a_clock_that_lags_is_no_leak() {
        let window = Window::default();
        assert!(window.take(1, Duration::from_secs(5)));
        assert!(!window.take(1, Duration::from_secs(4)));
        assert!(window.take(1, Duration::from_secs(6)));
    }
}
