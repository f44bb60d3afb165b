//! Signals that ask a command to end while it waits for a server.
//!
//! The default action would end it as well, but leave a secret command running
//! that it started: `main` ends those last.

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// The output of `work`, or the number of the signal that came first. Of both at once
/// the signal counts: somebody wants an end.
pub(crate) async fn or_signal<T>(work: impl Future<Output = T>) -> Result<T, u8> {
    or(asked_to_end(), work).await
}

/// The output of `work`, unless `signal` comes first.
pub(crate) async fn or<T>(
    signal: impl Future<Output = u8>,
    work: impl Future<Output = T>,
) -> Result<T, u8> {
    let (mut work, mut signal) = (pin!(work), pin!(signal));
    poll_fn(|context| match signal.as_mut().poll(context) {
        Poll::Ready(number) => Poll::Ready(Err(number)),
        Poll::Pending => work.as_mut().poll(context).map(Ok),
    })
    .await
}

#[cfg(unix)]
async fn asked_to_end() -> u8 {
    use tokio::signal::unix::SignalKind;
    Signals::listen([
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ])
    .next()
    .await
}

/// Ctrl-C ends the process by itself, and its console's other programs too.
#[cfg(not(unix))]
async fn asked_to_end() -> u8 {
    pending().await
}

/// Signals that come to this process instead of their default action.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct Signals(Vec<(u8, tokio::signal::unix::Signal)>);

#[cfg(unix)]
impl Signals {
    /// Listens for `kinds`, on the runtime that this is called on. What our parent has
    /// made us ignore stays ignored, as under `nohup`: a handler would make it heard, and
    /// `exec` would pass the default action on.
    pub(crate) fn listen(kinds: impl IntoIterator<Item = tokio::signal::unix::SignalKind>) -> Self {
        let ignored = ignored();
        let heard = kinds.into_iter().filter_map(|kind| {
            let number = u8::try_from(kind.as_raw_value()).ok()?;
            let is_ignored = ignored >> number.checked_sub(1)? & 1 == 1;
            // Where no handler can be had, the default action is the one that is left.
            let signal = (!is_ignored).then(|| tokio::signal::unix::signal(kind).ok());
            Some((number, signal.flatten()?))
        });
        Self(heard.collect())
    }

    /// The number of the next one; never, if none can be heard.
    pub(crate) async fn next(&mut self) -> u8 {
        if self.0.is_empty() {
            return pending().await;
        }
        poll_fn(|context| {
            for (number, signal) in &mut self.0 {
                if signal.poll_recv(context).is_ready() {
                    return Poll::Ready(*number);
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// The signals that this process ignores, the first in the lowest bit. Known on Linux
/// alone: elsewhere asking takes a call that the standard library does not make.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or(0)
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_known() {
        // The runtime of Rust ignores SIGPIPE from the start.
        let pipe = 13;
        assert_eq!(ignored() >> (pipe - 1) & 1, 1, "{:x}", ignored());
    }
}
