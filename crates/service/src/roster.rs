//! The connections that are open: so many at most, and those who say nothing go first.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Requests of one connection whose body has yet to say who calls: each keeps memory for as
/// long as its body may take, and nobody answers for it.
const MOST_UNNAMED: u64 = 16;

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
    /// All that is known of it in one number: a request adds to it thrice and no more, and a
    /// seat is given up at a moment when none is under way or never.
    state: AtomicU64,
    /// Notified after the seat was given up.
    given_up: Notify,
}

/// What the number of a seat is made of: three counts of twelve bits, two flags, and a count
/// that may begin anew.
mod part {
    /// Requests under way.
    pub(super) const BUSY: u64 = 1;
    /// Of these, the ones whose body has yet to say who calls.
    pub(super) const UNNAMED: u64 = 1 << 12;
    /// Of these, the ones with a part of the answer that the other side has yet to take.
    pub(super) const OWING: u64 = 1 << 24;
    /// The next answer is the last.
    pub(super) const CLOSING: u64 = 1 << 36;
    /// Another connection gets the place, and the next answer is the last.
    pub(super) const GIVEN_UP: u64 = 1 << 37;
    /// Requests and parts of answers so far: while it stands still, nothing happens.
    pub(super) const STEP: u64 = 1 << 38;

    /// One of the three counts.
    pub(super) fn count(state: u64, unit: u64) -> u64 {
        state / unit % UNNAMED
    }

    /// Whether nothing is under way for anybody who has said who it is.
    pub(super) fn is_unnamed(state: u64) -> bool {
        count(state, BUSY) == count(state, UNNAMED)
    }
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
            let number = *state.seats.iter().find(|(_, seat)| seat.give_up())?.0;
            state.seats.remove(&number);
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
        self.add(part::BUSY + part::STEP);
        Busy {
            seat: Arc::clone(self),
            owes: false,
        }
    }

    /// Notes that a request's body has yet to say who calls, until the returned value is
    /// dropped; `None` if there are as many of them as there may be.
    pub(crate) fn ask_name(self: &Arc<Self>) -> Option<Unnamed> {
        let noted = self
            .state
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |state| {
                let has_room = part::count(state, part::UNNAMED) < MOST_UNNAMED;
                has_room.then_some(state + part::UNNAMED)
            });
        noted.ok().map(|_| Unnamed(Arc::clone(self)))
    }

    /// From now on, each answer says that it is the last.
    pub(crate) fn take_no_more(&self) {
        self.state.fetch_or(part::CLOSING, Ordering::Relaxed);
    }

    /// Gives the place to another connection, unless something is under way here for
    /// somebody who has said who it is.
    fn give_up(&self) -> bool {
        let given_up = self
            .state
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |state| {
                part::is_unnamed(state).then_some(state | part::GIVEN_UP)
            });
        if given_up.is_ok() {
            self.given_up.notify_one();
        }
        given_up.is_ok()
    }

    /// Whether nothing is under way but what the other side has yet to take.
    pub(crate) fn waits_for_peer(&self) -> bool {
        let state = self.state();
        part::count(state, part::BUSY) == part::count(state, part::OWING)
    }

    /// Whether no request is under way.
    pub(crate) fn is_idle(&self) -> bool {
        part::count(self.state(), part::BUSY) == 0
    }

    /// Whether nothing is under way for anybody who has said who it is.
    pub(crate) fn is_unnamed(&self) -> bool {
        part::is_unnamed(self.state())
    }

    /// Whether another connection gets its place.
    pub(crate) fn is_given_up(&self) -> bool {
        self.state() & part::GIVEN_UP != 0
    }

    /// How much has happened so far.
    pub(crate) fn steps(&self) -> u64 {
        self.state() / part::STEP
    }

    fn state(&self) -> u64 {
        self.state.load(Ordering::Relaxed)
    }

    fn add(&self, parts: u64) {
        self.state.fetch_add(parts, Ordering::Relaxed);
    }

    fn subtract(&self, parts: u64) {
        self.state.fetch_sub(parts, Ordering::Relaxed);
    }
}

impl Busy {
    /// Whether its answer is the last of the connection.
    pub(crate) fn is_last(&self) -> bool {
        self.seat.state() & (part::CLOSING | part::GIVEN_UP) != 0
    }

    /// Notes whether a part of the answer is there that the other side has yet to take;
    /// to be called with each one.
    pub(crate) fn owes(&mut self, owes: bool) {
        let parts = match (self.owes, owes) {
            (false, true) => part::STEP + part::OWING,
            (true, false) => part::STEP - part::OWING,
            _ => part::STEP,
        };
        self.seat.add(parts);
        self.owes = owes;
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.seat.subtract(match self.owes {
            true => part::BUSY + part::OWING,
            false => part::BUSY,
        });
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        self.0.subtract(part::UNNAMED);
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
        let unnamed = second.seat().ask_name().unwrap();
        let third = roster.admit().unwrap();
        second.given_up().await;
        drop(unnamed);
        let _more = third.seat().work();
        drop(third.seat().ask_name().unwrap());
        assert!(roster.admit().is_none(), "all have said who they are");
    }

    #[test]
    fn a_connection_has_room_for_so_many_who_have_not_said_who_they_are() {
        let seat = Arc::<Seat>::default();
        let mut unnamed: Vec<_> = (0..MOST_UNNAMED)
            .map(|_| seat.ask_name().unwrap())
            .collect();
        assert!(seat.ask_name().is_none());
        unnamed.pop();
        assert!(seat.ask_name().is_some());
    }
}
