//! How many requests an authorization server gets: so many at the same time, and so
//! many in any second.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Turnstile, OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;
use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::obtain::within;
use crate::process::{Owned, PerProcess};

/// Token requests under way at the same time.
const IN_FLIGHT: usize = 4;

/// Prove allows 25 requests in a second.
const PROVE: u32 = 24;

/// The longest that a request waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

const SECOND: Duration = Duration::from_secs(1);

/// While token requests wait, other calls look again after so long.
const GIVE_WAY: Duration = Duration::from_millis(10);

/// How many requests an authorization server gets from this process: at most 4 token
/// requests at the same time, and at most so many requests in any second.
///
/// Clones are one budget. Clients of the same origin in one process share what its
/// rate limit leaves them by sharing a budget
/// ([`request_budget`](crate::TokenClientBuilder::request_budget)); so can other calls
/// to that origin ([`admit`](Self::admit)).
#[derive(Clone)]
pub struct RequestBudget(Arc<Shared>);

struct Shared {
    per_second: Option<u32>,
    /// A forked child has a window of its own.
    queues: PerProcess<Queues>,
}

struct Queues {
    in_flight: Arc<Semaphore>,
    window: Mutex<Window>,
    /// One of each waits for the window, the others behind it: a place that comes free
    /// wakes two at the most.
    token_requests: Turnstile<()>,
    calls: Turnstile<()>,
}

/// When the requests of the last second were admitted, by the boot clock.
#[derive(Default)]
struct Window {
    admitted: VecDeque<Duration>,
    token_requests_waiting: usize,
}

/// The right to have one token request under way; given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    _in_flight: OwnedSemaphorePermit,
}

impl RequestBudget {
    /// At most so many requests in any second, from 1 to 10,000; the default for Prove's
    /// environments is 24.
    ///
    /// # Errors
    ///
    /// `Configuration` if the number is out of range.
    pub fn per_second(requests: u32) -> Result<Self, Error> {
        if (1..=10_000).contains(&requests) {
            return Ok(Self::new(Some(requests)));
        }
        Err(
            Error::new(ErrorKind::Configuration, "the rate limit is out of range")
                .with_hint("it takes 1 to 10000 requests a second"),
        )
    }

    /// Any number of requests in a second; the default for other providers. The limit
    /// of token requests at the same time stays.
    pub fn unlimited() -> Self {
        Self::new(None)
    }

    /// The default for a token endpoint on this origin.
    pub(crate) fn of_origin(origin: &str) -> Self {
        let is_prove = Environment::ALL
            .iter()
            .any(|environment| environment.token_endpoint().origin() == origin);
        Self::new(is_prove.then_some(PROVE))
    }

    fn new(per_second: Option<u32>) -> Self {
        Self(Arc::new(Shared {
            per_second,
            queues: PerProcess::empty(),
        }))
    }

    /// Waits, 5 s at the most, until one more call to the origin is within the budget.
    /// Token requests go first. It needs a Tokio runtime where `clock` is the
    /// [`SystemClock`](crate::SystemClock).
    ///
    /// # Errors
    ///
    /// `RateLimited`, with the time after which it makes sense to try again.
    pub async fn admit(&self, clock: &dyn Clock) -> Result<(), Error> {
        let Some(limit) = self.0.per_second else {
            return Ok(());
        };
        let queues = self.queues();
        let turn = enter(&queues.calls, &queues.window, limit, clock, Rank::Call);
        turn.await
    }

    /// Waits until one more token request is within the budget.
    pub(crate) async fn admit_token_request(&self, clock: &dyn Clock) -> Result<Permit, Error> {
        let queues = self.queues();
        let in_flight = Arc::clone(&queues.in_flight).acquire_owned().await;
        let in_flight = in_flight.expect("the semaphore is never closed");
        if let Some(limit) = self.0.per_second {
            let _waiting = Waiting::new(&queues.window);
            let turn = enter(
                &queues.token_requests,
                &queues.window,
                limit,
                clock,
                Rank::TokenRequest,
            );
            turn.await?;
        }
        Ok(Permit {
            _in_flight: in_flight,
        })
    }

    fn queues(&self) -> Arc<Owned<Queues>> {
        self.0.queues.get_or_make(|| Queues {
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT)),
            window: Mutex::default(),
            token_requests: Turnstile::new(()),
            calls: Turnstile::new(()),
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rank {
    TokenRequest,
    Call,
}

async fn enter(
    turnstile: &Turnstile<()>,
    window: &Mutex<Window>,
    limit: u32,
    clock: &dyn Clock,
    rank: Rank,
) -> Result<(), Error> {
    let turn = async {
        let _turn = turnstile.lock().await;
        loop {
            let wait = lock(window).admit(clock.now().boot, limit, rank);
            match wait {
                None => return,
                Some(wait) => clock.sleep(wait).await,
            }
        }
    };
    let admitted = within(turn, clock.sleep(LONGEST_WAIT)).await;
    admitted.ok_or_else(|| {
        Error::new(
            ErrorKind::RateLimited,
            format!("more than {limit} requests a second are waiting for this server"),
        )
        .with_hint("ask for less at a time; the limit is the server's, set as rate limit here")
        .with_retry_after(Some(SECOND))
    })
}

impl Window {
    /// Admits a request now, or says how long to wait before asking again.
    fn admit(&mut self, now: Duration, limit: u32, rank: Rank) -> Option<Duration> {
        if rank == Rank::Call && self.token_requests_waiting > 0 {
            return Some(GIVE_WAY);
        }
        while self
            .admitted
            .front()
            .is_some_and(|then| *then + SECOND <= now)
        {
            self.admitted.pop_front();
        }
        if self.admitted.len() >= limit as usize {
            let oldest = self.admitted.front().copied().unwrap_or(now);
            return Some((oldest + SECOND).saturating_sub(now));
        }
        self.admitted.push_back(now);
        None
    }
}

/// Counts a token request that waits, to its end or to where it is dropped.
struct Waiting<'a>(&'a Mutex<Window>);

impl<'a> Waiting<'a> {
    fn new(window: &'a Mutex<Window>) -> Self {
        lock(window).token_requests_waiting += 1;
        Self(window)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(self.0).token_requests_waiting -= 1;
    }
}

fn lock(window: &Mutex<Window>) -> std::sync::MutexGuard<'_, Window> {
    window.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for RequestBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBudget")
            .field("per_second", &self.0.per_second)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;
    use tokio::time::Instant;

    use super::*;
    use crate::testing::TestClock;

    #[test]
    fn the_default_is_by_origin() {
        for environment in Environment::ALL {
            let budget = RequestBudget::of_origin(environment.token_endpoint().origin());
            assert_eq!(budget.0.per_second, Some(24));
        }
        let other = RequestBudget::of_origin("https://idp.example.com");
        assert_eq!(other.0.per_second, None);
        for bad in [0, 10_001] {
            let error = RequestBudget::per_second(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_second_has_more_than_its_share() {
        let (budget, clock) = (RequestBudget::per_second(24).unwrap(), TestClock::new());
        let (started, mut calls) = (Instant::now(), JoinSet::new());
        for _ in 0..100 {
            let (budget, clock) = (budget.clone(), clock.clone());
            calls.spawn(async move {
                budget.admit(&clock).await.unwrap();
                started.elapsed()
            });
        }
        let mut times = calls.join_all().await;
        times.sort();
        for pair in times.windows(25) {
            assert!(pair[24] - pair[0] >= SECOND, "{pair:?}");
        }
        assert_eq!(times[99], 4 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn who_would_wait_too_long_is_told_so() {
        let (budget, clock) = (RequestBudget::per_second(1).unwrap(), TestClock::new());
        let (started, mut calls) = (Instant::now(), JoinSet::new());
        for _ in 0..20 {
            let (budget, clock) = (budget.clone(), clock.clone());
            calls.spawn(async move { budget.admit(&clock).await });
        }
        let outcomes = calls.join_all().await;
        assert!(started.elapsed() <= LONGEST_WAIT);
        let errors: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
        assert!((14..=15).contains(&errors.len()), "{}", errors.len());
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::RateLimited);
            assert!(error.retry_after().is_some() && error.hint().is_some());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn token_requests_go_first() {
        let (budget, clock) = (RequestBudget::per_second(2).unwrap(), TestClock::new());
        let mut calls = JoinSet::new();
        for _ in 0..6 {
            let (budget, clock) = (budget.clone(), clock.clone());
            calls.spawn(async move { budget.admit(&clock).await });
        }
        tokio::task::yield_now().await;
        let started = Instant::now();
        let permit = budget.admit_token_request(&clock).await.unwrap();
        assert_eq!(started.elapsed(), SECOND, "the next place that comes free");
        drop(permit);
        assert!(calls.join_all().await.iter().all(Result::is_ok));
    }

    #[tokio::test(start_paused = true)]
    async fn four_token_requests_at_a_time() {
        let (budget, clock) = (RequestBudget::unlimited(), TestClock::new());
        let mut permits = Vec::new();
        for _ in 0..IN_FLIGHT {
            permits.push(budget.admit_token_request(&clock).await.unwrap());
        }
        let fifth = budget.admit_token_request(&clock);
        let waited = tokio::time::timeout(SECOND, fifth).await;
        assert!(waited.is_err(), "the fifth waits");
        permits.pop();
        budget.admit_token_request(&clock).await.unwrap();
    }
}
