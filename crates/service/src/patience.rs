//! How long silence is borne.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
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
}

impl Patience {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            part: limit / PARTS,
            silent: 0,
            timer: None,
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
            ready!(timer.as_mut().poll(context));
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
