//! Signals that ask a command to end while it waits for a server.
//!
//! The default action would end it as well, but leave a secret command running
//! that it started: `main` ends those last.

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// The output of `work`, or the number of the signal that came first.
pub(crate) async fn or_signal<T>(work: impl Future<Output = T>) -> Result<T, u8> {
    let (mut work, mut signal) = (pin!(work), pin!(signal()));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => signal.as_mut().poll(context).map(Err),
    })
    .await
}

#[cfg(unix)]
async fn signal() -> u8 {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ];
    // Where no handler can be had, the default action is the one that is left.
    let mut signals: Vec<_> = kinds
        .into_iter()
        .filter_map(|kind| Some((kind.as_raw_value(), signal(kind).ok()?)))
        .collect();
    if signals.is_empty() {
        pending::<()>().await;
    }
    poll_fn(|context| {
        for (number, signal) in &mut signals {
            if signal.poll_recv(context).is_ready() {
                return Poll::Ready(u8::try_from(*number).unwrap_or(0));
            }
        }
        Poll::Pending
    })
    .await
}

/// Ctrl-C ends the process by itself, and its console's other programs too.
#[cfg(not(unix))]
async fn signal() -> u8 {
    pending().await
}
