//! The accept loop: it never ends by an error, and never takes more than there is room
//! for.

use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::sync::watch;

use crate::connection::{self, Answer};
use crate::listener::{Listener, Stream};
use crate::peer::Peer;
use crate::roster::Roster;

/// After an error that is not of one connection, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// What is written to whom there is no room for.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\
    retry-after: 1\r\ncache-control: no-store\r\nconnection: close\r\n\r\n";

/// Everything that connections share.
#[derive(Debug)]
pub(crate) struct Hall<A> {
    pub(crate) answers: Arc<A>,
    pub(crate) roster: Arc<Roster>,
    /// Becomes true when no more is to be accepted.
    pub(crate) stop: watch::Receiver<bool>,
}

/// Accepts until `stop`, and then what is waiting already.
pub(crate) async fn accept<A: Answer>(listener: Listener, hall: Arc<Hall<A>>) {
    let mut stop = hall.stop.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        if !take(accepted, &hall) {
            tokio::time::sleep(PAUSE).await;
        }
    }
    // Those in the queue were told that they are connected.
    while let Some(accepted) = ready_now(tokio::task::unconstrained(listener.accept())).await {
        if !take(accepted, &hall) {
            break;
        }
    }
}

/// Serves what was accepted; `false` if that was an error after which to wait.
fn take<A: Answer>(accepted: io::Result<(Stream, Peer)>, hall: &Arc<Hall<A>>) -> bool {
    let (mut stream, peer) = match accepted {
        Ok(accepted) => accepted,
        Err(error) => return is_of_one_connection(&error),
    };
    let Some(admission) = hall.roster.admit() else {
        tokio::spawn(async move {
            let _ = tokio::time::timeout(Duration::from_secs(1), stream.write_all(FULL)).await;
        });
        return true;
    };
    let (answers, stop) = (Arc::clone(&hall.answers), hall.stop.clone());
    tokio::spawn(connection::serve(stream, peer, admission, answers, stop));
    true
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// The output of `work`, if it is there at once.
async fn ready_now<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
