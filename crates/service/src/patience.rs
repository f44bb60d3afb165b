//! How long silence is borne.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// So many parts of its limit must pass in silence.
const PARTS: u32 = 4;

/// Runs out when nothing has happened for its limit, or a quarter more.
///
/// A timer for each wait would cost each of them more than the rest of its bookkeeping.
/// Here is one for all: it goes off four times within the limit, and counts how often in
/// a row it did so in silence.
#[derive(Debug)]
pub(crate) struct Patience {
    part: Duration,
    silent: u32,
    timer: Option<Pin<Box<Sleep>>>,
    told: Told,
}

/// Whom something wakes already when it happens. To tell it once more, at each look, takes
/// locks, and as long as to look for what came.
#[derive(Debug, Default)]
pub(crate) struct Told(Option<Waker>);

impl Told {
    /// Whether that is whoever asks now.
    pub(crate) fn knows(&self, context: &Context<'_>) -> bool {
        let is_same = |woken: &Waker| woken.will_wake(context.waker());
        self.0.as_ref().is_some_and(is_same)
    }

    /// Notes what was told: by `polled`, it wakes whoever asks now, or it has happened.
    pub(crate) fn note<T>(&mut self, polled: Poll<T>, context: &Context<'_>) -> Poll<T> {
        self.0 = polled.is_pending().then(|| context.waker().clone());
        polled
    }
}

impl Patience {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            part: limit / PARTS,
            silent: 0,
            timer: None,
            told: Told::default(),
        }
    }

    /// Something happened.
    pub(crate) fn renew(&mut self) {
        self.silent = 0;
    }

    /// Ready once it has run out; to be asked whenever there is something to wait for.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(self.part)));
        loop {
            if self.told.knows(context) && !timer.is_elapsed() {
                return Poll::Pending;
            }
            let polled = timer.as_mut().poll(context);
            ready!(self.told.note(polled, context));
            self.silent += 1;
            // The first part was under way when the silence began.
            if self.silent > PARTS {
                return Poll::Ready(());
            }
            timer.set(sleep(self.part));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::{Instant, timeout};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn it_wakes_whoever_asked_last() {
        let mut patience = Patience::new(LIMIT);
        let early = timeout(LIMIT / 8, poll_fn(|context| patience.poll(context)));
        assert!(early.await.is_err());
        // Nobody but the patience wakes this task, which is another one.
        let started = Instant::now();
        let task = tokio::spawn(async move { poll_fn(|context| patience.poll(context)).await });
        timeout(LIMIT * 2, task).await.unwrap().unwrap();
        assert!(started.elapsed() < LIMIT + LIMIT / 4);
    }

    #[tokio::test(start_paused = true)]
    async fn it_runs_out_in_silence_alone() {
        let mut patience = Patience::new(LIMIT);
        for _ in 0..10 {
            let waited = timeout(LIMIT - LIMIT / 6, poll_fn(|context| patience.poll(context)));
            assert!(waited.await.is_err());
            patience.renew();
        }
        let silent = Instant::now();
        poll_fn(|context| patience.poll(context)).await;
        let borne = silent.elapsed();
        assert!(LIMIT <= borne && borne <= LIMIT + LIMIT / 4, "{borne:?}");
    }
}
