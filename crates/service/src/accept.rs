//! The accept loop: it never ends by an error, and never takes more than there is room
//! for.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};

use crate::connection::{self, Answer};
use crate::listener::{Listener, Stream};
use crate::peer::Peer;
use crate::ready::ready_now;
use crate::roster::{Admission, Roster};
use crate::tls::{self, Tailor};

/// After an error that is not of one connection, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// Who found the door of a Unix socket a moment before it was closed is about to queue:
/// it is looked for so often, with a pause between.
const LOOKS_BEHIND_DOOR: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// What is written to whom there is no room for.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\
    retry-after: 1\r\ncache-control: no-store\r\nconnection: close\r\n\r\n";

/// How long whom there is no room for may take to hear it.
const FAREWELL: Duration = Duration::from_secs(1);

/// Everything that connections share.
#[derive(Debug)]
pub(crate) struct Hall<A> {
    pub(crate) answers: Arc<A>,
    pub(crate) roster: Arc<Roster>,
    /// Becomes true when no more is to be accepted.
    pub(crate) stop: watch::Receiver<bool>,
}

/// Accepts until `stop`, and then what is waiting already.
pub(crate) async fn accept<A: Answer>(mut listener: Listener, hall: Arc<Hall<A>>) {
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
    let mut looks = match listener.close_door() {
        true => LOOKS_BEHIND_DOOR,
        false => 1,
    };
    while looks > 0 {
        match ready_now(tokio::task::unconstrained(listener.accept())).await {
            Some(accepted) => {
                if !take(accepted, &hall) {
                    break;
                }
            }
            None => {
                looks -= 1;
                if looks > 0 {
                    tokio::time::sleep(BETWEEN_LOOKS).await;
                }
            }
        }
    }
}

/// Serves what was accepted; `false` if that was an error after which to wait.
fn take<A: Answer>(accepted: io::Result<(Stream, Peer)>, hall: &Arc<Hall<A>>) -> bool {
    let (stream, peer) = match accepted {
        Ok(accepted) => accepted,
        Err(error) => return is_of_one_connection(&error),
    };
    let Some(admission) = hall.roster.admit() else {
        tokio::spawn(turn_away(stream));
        return true;
    };
    let (answers, stop) = (Arc::clone(&hall.answers), hall.stop.clone());
    match stream {
        Stream::Tcp(stream) => {
            tokio::spawn(connection::serve(stream, peer, admission, answers, stop));
        }
        Stream::Unix(stream) => {
            tokio::spawn(connection::serve(stream, peer, admission, answers, stop));
        }
        Stream::Tls(stream, tailor) => {
            tokio::spawn(greet(stream, tailor, peer, admission, answers, stop));
        }
    }
    true
}

/// Serves a connection that begins with a handshake.
async fn greet<A: Answer>(
    stream: TcpStream,
    tailor: Tailor,
    peer: Peer,
    admission: Admission,
    answers: Arc<A>,
    stop: watch::Receiver<bool>,
) {
    let greeted = tokio::select! {
        greeted = tailor.greet(stream) => greeted,
        () = admission.given_up() => return,
    };
    // Who cannot shake hands has no ear for an answer.
    let Ok(stream) = greeted else {
        return;
    };
    match tls::is_http2(&stream) {
        true => connection::serve_http2(stream, peer, admission, answers, stop).await,
        false => connection::serve(stream, peer, admission, answers, stop).await,
    }
}

/// Says that there is no room, if there is a way to say it.
async fn turn_away(stream: Stream) {
    let say = async {
        match stream {
            Stream::Tcp(stream) => farewell(stream).await,
            Stream::Unix(stream) => farewell(stream).await,
            Stream::Tls(..) => Ok(()),
        }
    };
    let _ = tokio::time::timeout(FAREWELL, say).await;
}

/// Whoever closes on unread bytes takes back what was written: a few are waited for until
/// they have read it. Under a flood, the others may not hear why.
async fn farewell(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    static WAITED_FOR: Semaphore = Semaphore::const_new(64);
    stream.write_all(FULL).await?;
    if let Ok(_place) = WAITED_FOR.try_acquire() {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    }
    Ok(())
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
