//! The script: faults in order, each with what is left of it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::Fault;

/// The faults to come. At most [`LIMIT`] are kept; more are dropped, newest
/// first, so that a runaway script cannot fill the memory.
#[derive(Debug, Default)]
pub(crate) struct Script(Mutex<VecDeque<Fault>>);

const LIMIT: usize = 10_000;

impl Script {
    pub(crate) fn append(&self, faults: impl IntoIterator<Item = Fault>) {
        let mut script = self.lock();
        let room = LIMIT.saturating_sub(script.len());
        script.extend(faults.into_iter().take(room));
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// The fault that takes a request of `path`, if any.
    pub(crate) fn take(&self, path: &str) -> Option<Fault> {
        self.take_if(|fault| fault.matches(path))
    }

    /// The fault that takes a connection before any request, if any.
    pub(crate) fn take_at_accept(&self) -> Option<Fault> {
        self.take_if(Fault::is_at_accept)
    }

    fn take_if(&self, applies: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut script = self.lock();
        let mut taken = None;
        for (index, fault) in script.iter_mut().enumerate() {
            if !applies(fault) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            taken = Some(index);
            break;
        }
        let index = taken?;
        let fault = script.get_mut(index)?;
        match fault.times {
            0 => Some(fault.clone()),
            1 => script.remove(index),
            _ => {
                fault.times -= 1;
                Some(fault.clone())
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(faults: impl IntoIterator<Item = Fault>, requests: usize) -> Vec<Option<u16>> {
        let script = Script::default();
        script.append(faults);
        (0..requests)
            .map(|_| script.take("/token").and_then(|fault| fault.status))
            .collect()
    }

    #[test]
    fn a_script_reads_top_to_bottom() {
        assert_eq!(
            played([Fault::status(503).times(2), Fault::status(429)], 4),
            [Some(503), Some(503), Some(429), None]
        );
    }

    #[test]
    fn skipped_requests_go_on_to_the_next_fault() {
        assert_eq!(
            played([Fault::status(503).skip(2), Fault::status(429).times(0)], 4),
            [Some(429), Some(429), Some(503), Some(429)]
        );
    }

    #[test]
    fn a_taken_request_is_not_counted_by_later_faults() {
        assert_eq!(
            played([Fault::status(503), Fault::status(429).skip(1)], 4),
            [Some(503), None, Some(429), None]
        );
    }

    #[test]
    fn paths_and_connections_are_told_apart() {
        let script = Script::default();
        script.append([
            Fault::reset(super::super::Stage::Accept),
            Fault::status(500).path("/v3/"),
        ]);
        assert!(script.take("/token").is_none());
        assert!(script.take("/v3/start").is_some());
        assert!(script.take_at_accept().is_some());
        assert!(script.take_at_accept().is_none());
        assert_eq!(script.len(), 0);
    }

    #[test]
    fn the_script_is_bounded() {
        let script = Script::default();
        script.append((0..LIMIT + 1).map(|_| Fault::close()));
        assert_eq!(script.len(), LIMIT);
        script.clear();
        assert_eq!(script.len(), 0);
    }
}
