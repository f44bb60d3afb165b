//! Where callers get a slot's token, and flights depart.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::oneshot;

use super::TokenClient;
use super::voyage::Voyage;
use crate::cache::{Demand, Dispatcher, Flight, Pilot, Slot, Wish};
use crate::clock::Now;
use crate::error::Error;
use crate::options::CallOptions;
use crate::request::AccessTokenRequest;
use crate::token::{AccessToken, Flag};

/// One slot of a client, with what is asked for in it. It borrows: serving a live
/// token allocates nothing.
pub(super) struct Gate<'a> {
    pub(super) client: &'a TokenClient,
    pub(super) slot: &'a Arc<Slot>,
    pub(super) request: &'a AccessTokenRequest,
    /// Whether its token is for one caller alone: the store is neither read nor written.
    pub(super) is_apart: bool,
}

/// A call that was not served from the cache as fresh. What waits is boxed: most calls
/// never wait, and would carry it about all the same.
pub(super) enum Call<'a> {
    Over(Option<Outcome>),
    UnderWay(Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>),
}

type Outcome = Result<AccessToken, Error>;

impl Future for Call<'_> {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        match self.get_mut() {
            Self::Over(outcome) => Poll::Ready(outcome.take().expect("polled once")),
            Self::UnderWay(work) => work.as_mut().poll(context),
        }
    }
}

impl<'a> Gate<'a> {
    /// A token by all rules.
    #[cold]
    #[inline(never)]
    pub(super) fn token(self, options: CallOptions) -> Call<'a> {
        let mut demand = Demand::new(options, self.client.0.renews_in_background);
        if options.force {
            demand = demand.forced(self.slot.current(), self.now());
        }
        match self.slot.at_once(&demand, &self) {
            Some(outcome) => Call::Over(Some(outcome.inspect(|token| self.hand_out(token)))),
            None => Call::UnderWay(Box::pin(async move {
                let outcome = self.slot.token(&demand, &self).await;
                outcome.inspect(|token| self.hand_out(token))
            })),
        }
    }

    fn hand_out(&self, token: &AccessToken) {
        token.data().mark(Flag::Used);
        let keeps_warm = self.client.0.keeps_warm && !self.is_apart;
        if keeps_warm && self.slot.is_to_be_kept_warm() {
            self.voyage().keep_warm();
        }
    }

    /// The token in memory, if it meets the options.
    pub(super) fn held(&self, options: CallOptions) -> Option<AccessToken> {
        let demand = Demand::new(options, false);
        let token = self.slot.current()?;
        let is_met = demand.is_met_by(&token, self.now());
        is_met.then(|| AccessToken::new(token))
    }

    pub(super) fn voyage(&self) -> Voyage {
        Voyage {
            client: self.client.clone(),
            slot: Arc::clone(self.slot),
            request: self.request.clone(),
            is_apart: self.is_apart,
        }
    }
}

impl Dispatcher for Gate<'_> {
    fn now(&self) -> Now {
        self.client.0.obtainer.clock.now()
    }

    fn launch(&self, flight: Arc<Flight>, pilot: Pilot, wish: Wish) {
        let voyage = self.voyage();
        match self.client.0.lane.handle() {
            Ok(lane) => {
                lane.spawn(async move { voyage.fly(&flight, pilot, wish).await });
            }
            Err(error) => voyage.stay(&flight, pilot, error),
        }
    }

    /// Rings on the flights' runtime: callers may have none of their own. If that is
    /// gone, it rings at once.
    fn alarm(&self, after: Duration) -> impl Future<Output = ()> + Send {
        let (ring, rung) = oneshot::channel::<()>();
        let clock = Arc::clone(&self.client.0.obtainer.clock);
        let task = self.client.0.lane.handle().map(|lane| {
            lane.spawn(async move {
                clock.sleep(after).await;
                drop(ring);
            })
        });
        async move {
            let _stop = task.map(AbortOnDrop);
            // It never sends: it ends with its sender.
            let _ = rung.await;
        }
    }

    fn longest_flight(&self) -> Option<Duration> {
        let obtainer = &self.client.0.obtainer;
        // With a store it depends on other processes as well.
        let is_alone = self.client.0.vault.is_none() || self.is_apart;
        is_alone.then(|| obtainer.retry.flight_limit())
    }
}

/// An alarm that nobody waits for any more must not pile up.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
