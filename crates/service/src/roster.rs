//! The connections that are open: so many at most, and those who say nothing go first.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Who is connected.
#[derive(Debug)]
pub(crate) struct Roster {
    most: usize,
    refused: AtomicU64,
    given_up: AtomicU64,
    state: Mutex<State>,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// By age.
    seats: BTreeMap<u64, Arc<Seat>>,
}

/// The place of one connection.
#[derive(Debug, Default)]
pub(crate) struct Seat {
    /// Requests under way.
    busy: AtomicUsize,
    given_up: Notify,
}

/// A seat that is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Admission {
    number: u64,
    seat: Arc<Seat>,
    roster: Arc<Roster>,
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Seat>);

impl Roster {
    /// Seats for `most` connections.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            refused: AtomicU64::new(0),
            given_up: AtomicU64::new(0),
            state: Mutex::default(),
            emptied: Notify::new(),
        })
    }

    /// A seat. Where all are taken, the oldest connection without a request gives its
    /// own up: one that is slow to ask must not keep out those who would. `None` if all
    /// are busy.
    pub(crate) fn admit(self: &Arc<Self>) -> Option<Admission> {
        let admission = self.seat();
        if admission.is_none() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        admission
    }

    fn seat(self: &Arc<Self>) -> Option<Admission> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.seats.len() >= self.most {
            let is_idle = |seat: &Arc<Seat>| seat.busy.load(Ordering::Relaxed) == 0;
            let idle = state.seats.iter().find(|(_, seat)| is_idle(seat));
            let number = *idle?.0;
            state.seats.remove(&number)?.given_up.notify_one();
            self.given_up.fetch_add(1, Ordering::Relaxed);
        }
        let number = state.next;
        state.next += 1;
        let seat = Arc::<Seat>::default();
        state.seats.insert(number, Arc::clone(&seat));
        Some(Admission {
            number,
            seat,
            roster: Arc::clone(self),
        })
    }

    /// Ends when no connection is open.
    pub(crate) async fn empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.len() == 0 {
                return;
            }
            emptied.await;
        }
    }

    /// How many connections there was no seat for.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// How many gave their seat to another.
    pub(crate) fn given_up(&self) -> u64 {
        self.given_up.load(Ordering::Relaxed)
    }

    /// How many connections are open.
    pub(crate) fn len(&self) -> usize {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.seats.len()
    }
}

impl Admission {
    pub(crate) fn seat(&self) -> &Arc<Seat> {
        &self.seat
    }

    /// Ends when the seat is needed by another.
    pub(crate) async fn given_up(&self) {
        self.seat.given_up.notified().await;
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let state = self.roster.state.lock();
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        state.seats.remove(&self.number);
        if state.seats.is_empty() {
            self.roster.emptied.notify_waiters();
        }
    }
}

impl Seat {
    /// Notes a request, until the returned value is dropped.
    pub(crate) fn work(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_idle_one_makes_room() {
        let roster = Roster::new(2);
        let first = roster.admit().unwrap();
        let second = roster.admit().unwrap();
        let work = first.seat().work();
        let third = roster.admit().unwrap();
        second.given_up().await;
        assert_eq!(roster.len(), 2);
        drop(second);
        assert_eq!(roster.len(), 2, "its seat is another's");
        let more = third.seat().work();
        assert!(roster.admit().is_none(), "all are busy");
        drop(work);
        let fourth = roster.admit().unwrap();
        first.given_up().await;
        drop((more, third, fourth));
        assert_eq!(roster.len(), 0);
        assert_eq!((roster.given_up(), roster.refused()), (2, 1));
    }
}
