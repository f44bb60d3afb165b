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
    /// Of these, the ones whose body has yet to say who calls.
    unnamed: AtomicUsize,
    /// Of these, the ones with a part of the answer that the other side has yet to take.
    owing: AtomicUsize,
    /// Counts requests and parts of answers: while it stands still, nothing happens.
    steps: AtomicUsize,
    /// Whether the next answer is the last.
    is_closing: AtomicBool,
    is_given_up: AtomicBool,
    /// Notified after that was set.
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
pub(crate) struct Busy {
    seat: Arc<Seat>,
    owes: bool,
}

/// A request whose body has yet to say who calls.
#[derive(Debug)]
pub(crate) struct Unnamed(Arc<Seat>);

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

    /// A seat. Where all are taken, the oldest connection without a request, or with none
    /// that has said who calls, gives its own up: one that is slow to ask must not keep
    /// out those who would. `None` if all are busy.
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
            let unnamed = state.seats.iter().find(|(_, seat)| seat.is_unnamed());
            let number = *unnamed?.0;
            let seat = state.seats.remove(&number)?;
            seat.is_given_up.store(true, Ordering::Release);
            seat.given_up.notify_one();
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

    /// Notes that a request's body has yet to say who calls, until the returned value is
    /// dropped.
    pub(crate) fn ask_name(self: &Arc<Self>) -> Unnamed {
        self.unnamed.fetch_add(1, Ordering::Relaxed);
        Unnamed(Arc::clone(self))
    }

    /// From now on, each answer says that it is the last.
    pub(crate) fn take_no_more(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }

    /// Whether nothing is under way but what the other side has yet to take.
    pub(crate) fn waits_for_peer(&self) -> bool {
        self.busy.load(Ordering::Relaxed) == self.owing.load(Ordering::Relaxed)
    }

    /// Whether no request is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.busy.load(Ordering::Relaxed) == 0
    }

    /// Whether another connection gets its place.
    pub(crate) fn is_given_up(&self) -> bool {
        self.is_given_up.load(Ordering::Acquire)
    }

    /// Whether nothing is under way for anybody who has said who it is.
    fn is_unnamed(&self) -> bool {
        self.busy.load(Ordering::Relaxed) == self.unnamed.load(Ordering::Relaxed)
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

impl Drop for Busy {
    fn drop(&mut self) {
        if self.owes {
            self.seat.owing.fetch_sub(1, Ordering::Relaxed);
        }
        self.seat.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        self.0.unnamed.fetch_sub(1, Ordering::Relaxed);
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

    #[tokio::test]
    async fn who_has_not_said_who_it_is_makes_room_as_well() {
        let roster = Roster::new(2);
        let [first, second] = [(); 2].map(|()| roster.admit().unwrap());
        let _work = [&first, &second].map(|admission| admission.seat().work());
        let unnamed = second.seat().ask_name();
        let third = roster.admit().unwrap();
        second.given_up().await;
        drop(unnamed);
        let _more = third.seat().work();
        drop(third.seat().ask_name());
        assert!(roster.admit().is_none(), "all have said who they are");
    }
}
