//! How long the doctor takes: each step has a limit of its own, and all have one.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use prove_token::{Clock as _, SystemClock};

use crate::times::brief;

/// When all has to be over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    whole: Duration,
    /// By the boot clock.
    ends: Duration,
}

/// Why a step gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It took longer than it may.
    Step(Duration),
    /// The whole examination did.
    Whole(Duration),
    /// It broke off by itself: a defect.
    Broken,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(limit) => write!(f, "nothing came within {}", brief(*limit)),
            Self::Whole(limit) => write!(f, "the {} of --timeout are over", brief(*limit)),
            Self::Broken => f.write_str("the check itself broke off"),
        }
    }
}

impl Limit {
    /// `whole` from now on.
    pub(crate) fn starting_now(whole: Duration) -> Self {
        Self {
            whole,
            ends: SystemClock.now().boot + whole,
        }
    }

    /// What is left.
    pub(super) fn left(&self) -> Duration {
        self.ends.saturating_sub(SystemClock.now().boot)
    }

    /// The output of `work` if it comes within `limit`, and how long it took.
    pub(super) async fn step<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<(T, Duration), Cut> {
        let (start, left) = (SystemClock.now().boot, self.left());
        if left.is_zero() {
            return Err(Cut::Whole(self.whole));
        }
        match tokio::time::timeout(limit.min(left), work).await {
            Ok(output) => Ok((output, SystemClock.now().boot.saturating_sub(start))),
            Err(_) if limit < left => Err(Cut::Step(limit)),
            Err(_) => Err(Cut::Whole(self.whole)),
        }
    }

    /// The same for work that blocks. What takes too long is left behind on its thread.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<(T, Duration), Cut> {
        let joined = self.step(limit, tokio::task::spawn_blocking(work)).await?;
        match joined {
            (Ok(output), took) => Ok((output, took)),
            (Err(_), _) => Err(Cut::Broken),
        }
    }
}
