//! The accept loop, and one task per connection.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::fault::play;
use crate::record::RequestLog;
use crate::service::{self, PlaySlot};
use crate::state::State;

const MAX_CONNECTIONS: usize = 1024;
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a closing connection may go on sending what nobody reads.
const LINGER: Duration = Duration::from_secs(1);
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);

/// Accepts for ever. Over the cap, connections wait in the kernel's queue.
pub(crate) async fn accept(listener: TcpListener, state: Arc<State>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return; // the semaphore is never closed
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let state = Arc::clone(&state);
                tokio::spawn(async move {
                    connection(stream, &state).await;
                    drop(place);
                });
            }
            // No file descriptors, or a connection that died in the queue: the
            // next one may do better.
            Err(_) => tokio::time::sleep(ACCEPT_BACKOFF).await,
        }
    }
}

async fn connection(stream: TcpStream, state: &Arc<State>) {
    state.accepted.fetch_add(1, Ordering::Relaxed);
    if let Some(fault) = state.script.take_at_accept() {
        play::reset(&stream);
        drop(stream);
        state.log(&RequestLog {
            elapsed: Duration::ZERO,
            method: "-".to_owned(),
            path: "-".to_owned(),
            status: None,
            fault: Some(fault.describe()),
            client_id: None,
        });
        return;
    }
    // Small pieces go out as they are written; refused only by a dead socket.
    let _ = stream.set_nodelay(true);
    let slot = Arc::new(PlaySlot::default());
    let stream = http(stream, state, &slot).await;
    match slot.take() {
        Some(play) => play::play(stream, play).await,
        None => close(stream).await,
    }
}

/// Serves HTTP until the connection ends or a fault takes it over, and gives
/// the stream back.
async fn http(stream: TcpStream, state: &Arc<State>, slot: &Arc<PlaySlot>) -> TcpStream {
    let service = service_fn(|request| {
        Box::pin(service::serve(Arc::clone(state), Arc::clone(slot), request))
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    // An error is a client that left, a request that is not HTTP (answered by
    // the server itself), a time-out or a fault: the connection ends in any case.
    let _ = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    connection.into_parts().io.into_inner()
}

/// Closes so that the last answer arrives: unread bytes would turn the close
/// into a reset, which discards it.
async fn close(mut stream: TcpStream) {
    let _ = tokio::time::timeout(LINGER, async {
        stream.shutdown().await?;
        let mut sink = [0; 4096];
        while stream.read(&mut sink).await? > 0 {}
        Ok::<_, io::Error>(())
    })
    .await;
}
