//! Work that may wait for somebody who never comes.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::trouble::Trouble;

/// Does `work` on a thread of its own, and waits no longer than `limit`. Past that the
/// thread goes on until the keyring answers, and what it then brings is dropped there.
pub(super) fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name("prove-token-keyring".to_owned())
        .spawn(move || {
            // Nobody waits any more if the time ran out.
            let _ = sender.send(work());
        })
        .map_err(|error| {
            Trouble::Unreachable(format!("no thread can be started: {}", error.kind()))
        })?;
    match receiver.recv_timeout(limit) {
        Ok(done) => done,
        Err(RecvTimeoutError::Timeout) => Err(Trouble::TooSlow(limit)),
        Err(RecvTimeoutError::Disconnected) => {
            Err(Trouble::Unreachable("speaking to it panicked".to_owned()))
        }
    }
}
