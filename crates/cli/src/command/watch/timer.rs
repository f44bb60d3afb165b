//! A timer that may not be set.

use std::future::pending;
use std::pin::Pin;

use tokio::time::Sleep;

/// Pinned where it is, so that a loop which selects can await it again and again.
pub(super) type Timer = Option<Pin<Box<Sleep>>>;

/// Waits for the timer, or for ever while none is set.
pub(super) async fn after(timer: &mut Timer) {
    match timer {
        Some(timer) => timer.await,
        None => pending().await,
    }
}
