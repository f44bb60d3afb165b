//! Tells those who watch a slot that something changed in it.

use tokio::sync::watch;

use crate::process::PerProcess;

/// Costs nothing until somebody watches. What a forked child inherits of it is not
/// touched: the lock inside may be held by a thread of the parent.
#[derive(Debug, Default)]
pub(crate) struct Beacon(PerProcess<watch::Sender<()>>);

/// The side of one who watches.
pub(crate) struct Lookout(watch::Receiver<()>);

impl Beacon {
    pub(crate) fn lookout(&self) -> Lookout {
        let sender = self.0.get_or_make(|| watch::channel(()).0);
        Lookout(sender.subscribe())
    }

    pub(crate) fn flash(&self) {
        if let Some(sender) = self.0.get() {
            sender.send_replace(());
        }
    }
}

impl Lookout {
    /// Ends when something changed since the last call, or since this lookout was
    /// made; at once if it already has.
    pub(crate) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            // The slot is gone; whoever watches learns of it elsewhere.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_flash_between_two_looks_is_not_missed() {
        let beacon = Beacon::default();
        beacon.flash();
        let mut lookout = beacon.lookout();
        beacon.flash();
        beacon.flash();
        lookout.changed().await;
        let again = tokio::time::timeout(std::time::Duration::ZERO, lookout.changed());
        assert!(again.await.is_err(), "nothing has changed since");
    }
}
