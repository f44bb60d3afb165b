//! The slot's protocol under a model checker: every order in which two or three threads
//! can publish, read, claim, join, land, clear and reject.
//!
//! The cells are the checker's; flights and the marks on tokens are as in production,
//! and change between two steps of the cells.

use std::future::Future;
use std::ops::Deref;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use loom::sync::{Arc as Shared, Mutex};
use loom::thread;

use super::tests::{at, demand, policy, token};
use super::*;
use crate::cache::cell::{Loaded, is_same};
use crate::error::{Error, ErrorKind};
use crate::options::CallOptions;

/// A cell that the checker watches, with the operations of `arc-swap`.
struct LoomCell<T>(Mutex<Option<Arc<T>>>);

impl<T> Default for LoomCell<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

struct LoomGuard<T>(Option<Arc<T>>);

impl<T> Deref for LoomGuard<T> {
    type Target = Option<Arc<T>>;

    fn deref(&self) -> &Option<Arc<T>> {
        &self.0
    }
}

impl<T> Cell<T> for LoomCell<T> {
    type Loaded = LoomGuard<T>;

    fn load(&self) -> LoomGuard<T> {
        LoomGuard(self.0.lock().unwrap().clone())
    }

    fn store(&self, new: Option<Arc<T>>) {
        *self.0.lock().unwrap() = new;
    }

    fn replace(&self, current: &Option<Arc<T>>, new: Option<Arc<T>>) -> bool {
        let mut held = self.0.lock().unwrap();
        let is_current = is_same(&held, current);
        if is_current {
            *held = new;
        }
        is_current
    }
}

struct LoomCells;

impl Cells for LoomCells {
    type Cell<T> = LoomCell<T>;

    fn token(loaded: Loaded<Self, TokenData>) -> Option<AccessToken> {
        loaded.0.map(AccessToken::new)
    }
}

/// A client whose flights land on a thread of their own, at one moment.
#[derive(Clone)]
struct Model {
    slot: Shared<Slot<LoomCells>>,
    now: u64,
    /// What the flights bring: the name of a token, or nothing for a failure.
    brings: Option<&'static str>,
    launched: Arc<AtomicUsize>,
}

impl Model {
    fn new(now: u64, brings: Option<&'static str>) -> Self {
        Self {
            slot: Shared::new(Slot::default()),
            now,
            brings,
            launched: Arc::default(),
        }
    }

    fn holding(self, value: &str) -> Self {
        self.slot.publish(token(value, 0), at(0), &policy());
        self
    }

    fn launched(&self) -> usize {
        self.launched.load(Ordering::SeqCst)
    }

    fn call(&self) -> Result<String, ErrorKind> {
        let token = block_on(self.slot.token(&demand(), self));
        token
            .map(|token| token.value().to_owned())
            .map_err(|error| error.kind())
    }

    fn land(&self, flight: &Arc<Flight>, pilot: Pilot) {
        let outcome = match self.brings {
            Some(value) => Ok(token(value, self.now)),
            None => {
                let error = Error::new(ErrorKind::Unavailable, "down");
                Err(policy().setback(error, self.slot.failures(), 0.5))
            }
        };
        self.slot
            .land(flight, pilot, outcome, at(self.now), &policy());
    }
}

impl Dispatcher for Model {
    fn now(&self) -> Now {
        at(self.now)
    }

    fn launch(&self, flight: Arc<Flight>, pilot: Pilot, _: Wish) {
        self.launched.fetch_add(1, Ordering::SeqCst);
        let model = self.clone();
        thread::spawn(move || model.land(&flight, pilot));
    }

    fn alarm(&self, _: Duration) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    fn longest_flight(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }
}

/// Polls when it is woken: a wake that is lost, and a wait that has no end, are
/// deadlocks, which the checker finds.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let (mut future, mut context) = (pin!(future), Context::from_waker(&waker));
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Every order with at most three switches that no thread had to make.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.max_branches = 5_000;
    builder.check(model);
}

/// Nobody waits for ever, and nobody asks for what another is asking for.
#[test]
fn callers_without_a_token_share_one_flight() {
    check(|| {
        let model = Model::new(25, Some("a"));
        let other = model.clone();
        let caller = thread::spawn(move || other.call());
        assert_eq!(model.call().as_deref(), Ok("a"));
        assert_eq!(caller.join().unwrap().as_deref(), Ok("a"));
        assert_eq!(model.launched(), 1);
    });
}

#[test]
fn a_failure_is_everybody_s_and_asked_for_once() {
    check(|| {
        let model = Model::new(25, None);
        let other = model.clone();
        let caller = thread::spawn(move || other.call());
        assert_eq!(model.call(), Err(ErrorKind::Unavailable));
        assert_eq!(caller.join().unwrap(), Err(ErrorKind::Unavailable));
        assert_eq!(model.launched(), 1);
    });
}

/// In the advisory phase: one renewal, which readers do not wait for, and after it the
/// next is not put off.
#[test]
fn a_renewal_is_started_once_and_not_put_off() {
    check(|| {
        let model = Model::new(25, Some("b")).holding("a");
        let other = model.clone();
        let reader = thread::spawn(move || other.call());
        for value in [model.call(), reader.join().unwrap()] {
            assert!(matches!(value.as_deref(), Ok("a" | "b")));
        }
        assert_eq!(model.launched(), 1);
        // The flight has landed when nobody can see it any more.
        while model.slot.due_in(at(25)).is_none() {
            thread::yield_now();
        }
        assert_eq!(model.slot.due_in(at(49)), Some(Duration::ZERO));
    });
}

/// A rejection of the old token races with the flight that replaces it.
#[test]
fn a_rejection_never_hits_the_successor_and_is_never_forgotten() {
    check(|| {
        let model = Model::new(25, Some("b")).holding("a");
        let old = model.slot.current().unwrap();
        let other = model.clone();
        let flying = thread::spawn(move || other.call());
        old.mark(Flag::Rejected);
        assert_eq!(
            model.call().as_deref(),
            Ok("b"),
            "after a rejection another is served"
        );
        flying.join().unwrap().unwrap();
        let current = model.slot.current().unwrap();
        assert!(!current.is_rejected() && current.value() == "b");
        assert_eq!(model.launched(), 1);
    });
}

/// What a store had races with what the server grants: the newer one stays.
#[test]
fn a_stored_token_never_replaces_a_live_one() {
    check(|| {
        let model = Model::new(25, Some("b"));
        let other = model.clone();
        let adopting = thread::spawn(move || other.slot.adopt(token("old", 1), at(25)));
        let served = model.call().unwrap();
        adopting.join().unwrap();
        assert!(["b", "old"].contains(&served.as_str()));
        while model.slot.due_in(at(25)).is_none() {
            thread::yield_now();
        }
        let expected = if model.launched() == 0 { "old" } else { "b" };
        assert_eq!(model.slot.current().unwrap().value(), expected);
    });
}

/// A reset and a failing flight: whatever comes first, nobody is stuck.
#[test]
fn a_reset_and_a_failure_leave_a_slot_that_can_be_asked() {
    check(|| {
        let model = Model::new(25, None);
        let other = model.clone();
        let resetting = thread::spawn(move || other.slot.reset(false));
        assert_eq!(model.call(), Err(ErrorKind::Unavailable));
        resetting.join().unwrap();
        let options = CallOptions::new().max_wait(Duration::ZERO);
        let demand = Demand::new(options, true);
        assert!(block_on(model.slot.token(&demand, &model)).is_err());
        assert!((1..=2).contains(&model.launched()));
    });
}
