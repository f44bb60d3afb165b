//! Lines that anybody can cause: a few of each kind, and then how many there were.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The time in which so many lines of a kind pass.
const SPAN: Duration = Duration::from_secs(10);
const MOST: u32 = 5;

/// Lets few lines of each kind pass.
#[derive(Debug, Default)]
pub(crate) struct Valve(Mutex<BTreeMap<&'static str, Flow>>);

#[derive(Debug, Default)]
struct Flow {
    since: Duration,
    passed: u32,
    held_back: u64,
}

impl Valve {
    /// Whether a line of this kind may be written at `now`; then, how many were not since
    /// the last.
    pub(crate) fn pass(&self, kind: &'static str, now: Duration) -> Option<u64> {
        let mut flows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let flow = flows.entry(kind).or_default();
        if now.saturating_sub(flow.since) >= SPAN {
            (flow.since, flow.passed) = (now, 0);
        }
        if flow.passed >= MOST {
            flow.held_back += 1;
            return None;
        }
        flow.passed += 1;
        Some(std::mem::take(&mut flow.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_a_few_lines_and_a_number() {
        let valve = Valve::default();
        let at = |seconds: u64| Duration::from_secs(1000 + seconds);
        let passed = (0..1000).filter(|_| valve.pass("a", at(0)).is_some());
        assert_eq!(passed.count(), 5);
        assert_eq!(valve.pass("b", at(0)), Some(0), "another kind");
        assert_eq!(valve.pass("a", at(9)), None);
        assert_eq!(valve.pass("a", at(10)), Some(996));
        assert_eq!(valve.pass("a", at(10)), Some(0));
    }
}
