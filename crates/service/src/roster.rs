//! The connections that are open: so many at most, and those who say nothing go first.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
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
    /// Of these, the ones with a part of the answer that the other side has yet to take.
    owing: AtomicUsize,
    /// Counts requests and parts of answers: while it stands still, nothing happens.
    steps: AtomicUsize,
    /// Whether the next answer is the last.
    is_closing: AtomicBool,
    given_up: Notify,
}

/// A seat that is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Admission {
    number: u64,
    seat: Arc<Seat>,
    roster: Arc<Roster>,
}

/// A time in which a request is the other side's turn, and nothing is lost if its
/// connection is given up.
#[derive(Debug)]
pub(crate) struct Rest<'s>(&'s Seat);

/// A request under way.
#[derive(Debug)]
pub(crate) struct Busy {
    seat: Arc<Seat>,
    owes: bool,
}

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
            let idle = state.seats.iter().find(|(_, seat)| seat.is_idle());
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

    /// How many connections were ever given a seat.
    pub(crate) fn admitted(&self) -> u64 {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.next
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
        self.steps.fetch_add(1, Ordering::Relaxed);
        Busy {
            seat: Arc::clone(self),
            owes: false,
        }
    }

    /// From now on, each answer says that it is the last.
    pub(crate) fn take_no_more(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }

    /// Whether nothing is under way but what the other side has yet to take.
    pub(crate) fn waits_for_peer(&self) -> bool {
        self.busy.load(Ordering::Relaxed) == self.owing.load(Ordering::Relaxed)
    }

    /// Counts a request under way as none, until the returned value is dropped: one whose
    /// sender is slow to say all of it must not keep out those who would be quick.
    pub(crate) fn rest(&self) -> Rest<'_> {
        self.busy.fetch_sub(1, Ordering::Relaxed);
        Rest(self)
    }

    /// Whether no request is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.busy.load(Ordering::Relaxed) == 0
    }

    /// How much has happened so far.
    pub(crate) fn steps(&self) -> usize {
        self.steps.load(Ordering::Relaxed)
    }
}

impl Busy {
    /// Whether its answer is the last of the connection.
    pub(crate) fn is_last(&self) -> bool {
        self.seat.is_closing.load(Ordering::Relaxed)
    }

    /// Notes whether a part of the answer is there that the other side has yet to take;
    /// to be called with each one.
    pub(crate) fn owes(&mut self, owes: bool) {
        self.seat.steps.fetch_add(1, Ordering::Relaxed);
        if owes != self.owes {
            self.owes = owes;
            match owes {
                true => self.seat.owing.fetch_add(1, Ordering::Relaxed),
                false => self.seat.owing.fetch_sub(1, Ordering::Relaxed),
            };
        }
    }
}

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if self.owes {
            self.seat.owing.fetch_sub(1, Ordering::Relaxed);
        }
        self.seat.busy.fetch_sub(1, Ordering::Relaxed);
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
        let rest = first.seat().rest();
        drop(rest);
        assert!(roster.admit().is_none(), "it was at rest, and is no more");
        let rest = first.seat().rest();
        let fourth = roster.admit().unwrap();
        first.given_up().await;
        drop(rest);
        drop((work, more, third, fourth));
        assert_eq!(roster.len(), 0);
        assert_eq!((roster.given_up(), roster.refused()), (2, 2));
    }
}
