//! A clock that a test moves: hours pass without anybody waiting.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prove_token::{BootId, Clock, Coarse, Now, Sleep, SystemClock};
use tokio::sync::watch;

/// The machine's clocks, and what the test adds to them.
#[derive(Clone, Debug)]
pub struct Dial {
    added: Arc<Mutex<Added>>,
    moved: Arc<watch::Sender<()>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Added {
    running: Duration,
    suspended: Duration,
}

impl Default for Dial {
    fn default() -> Self {
        Self {
            added: Arc::default(),
            moved: Arc::new(watch::channel(()).0),
        }
    }
}

impl Dial {
    /// Lets time pass; whoever sleeps wakes when it is due.
    pub fn advance(&self, time: Duration) {
        self.added().running += time;
        self.moved.send_replace(());
    }

    /// Lets the machine sleep: the coarse monotonic clock and all timers stand still.
    pub fn suspend(&self, time: Duration) {
        self.added().suspended += time;
    }

    fn added(&self) -> MutexGuard<'_, Added> {
        self.added.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for Dial {
    fn now(&self) -> Now {
        let (now, added) = (SystemClock.now(), *self.added());
        Now {
            boot: now.boot + added.running + added.suspended,
            wall: now.wall + added.running + added.suspended,
        }
    }

    fn coarse(&self) -> Coarse {
        let (now, added) = (SystemClock.coarse(), *self.added());
        Coarse {
            monotonic: now.monotonic + added.running,
            wall: now.wall + added.running + added.suspended,
        }
    }

    fn boot_id(&self) -> Option<BootId> {
        SystemClock.boot_id()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let (dial, mut moved) = (self.clone(), self.moved.subscribe());
        let until = self.added().running + duration;
        Box::pin(async move {
            let slept = SystemClock.sleep(duration);
            let advanced =
                async { while dial.added().running < until && moved.changed().await.is_ok() {} };
            tokio::select! {
                () = slept => {}
                () = advanced => {}
            }
        })
    }
}
