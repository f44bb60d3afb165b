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

/// How long a closing connection may go on sending what nobody reads.
const LINGER: Duration = Duration::from_secs(1);
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);

/// Accepts for ever. Over the cap, connections wait in the kernel's queue.
pub(crate) async fn accept(listener: TcpListener, state: Arc<State>) {
    let room = Arc::new(Semaphore::new(state.limits.connections));
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
        state.log(&RequestLog {
            fault: Some(fault.describe()),
            ..RequestLog::new("-", "-")
        });
        play::reset(&stream);
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
        .header_read_timeout(state.limits.head)
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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::time::Duration;

    use crate::{Emulator, EmulatorBuilder};

    /// Far longer than any limit below, and only met by a defect.
    const NEVER: Duration = Duration::from_secs(30);

    fn start(change: impl FnOnce(&mut EmulatorBuilder)) -> Emulator {
        let mut builder = Emulator::builder();
        change(&mut builder);
        builder.start().unwrap()
    }

    fn sent(emulator: &Emulator, bytes: &str) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", emulator.port())).unwrap();
        stream.set_read_timeout(Some(NEVER)).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        stream
    }

    fn rest(mut stream: TcpStream) -> String {
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_slow_head_is_cut_off() {
        let emulator = start(|builder| builder.limits.head = Duration::from_millis(20));
        for bytes in ["", "P", "POST /token HTTP/1.1\r\nHost: localhost\r\n"] {
            assert_eq!(rest(sent(&emulator, bytes)), "", "{bytes}");
        }
    }

    #[test]
    fn a_slow_body_is_answered_408() {
        let emulator = start(|builder| builder.limits.body = Duration::from_millis(20));
        let head = "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc";
        let answer = rest(sent(&emulator, head));
        assert!(
            answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
            "{answer}"
        );
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    }

    #[test]
    fn connections_over_the_cap_wait_for_room() {
        let emulator = start(|builder| builder.limits.connections = 1);
        let get = "GET /_emulator/health HTTP/1.1\r\nHost: localhost\r\n";
        let mut first = sent(&emulator, &format!("{get}\r\n"));
        first.read_exact(&mut [0; 1]).unwrap();
        let second = sent(&emulator, &format!("{get}Connection: close\r\n\r\n"));
        assert_eq!(emulator.connections(), 1);
        drop(first);
        assert!(rest(second).starts_with("HTTP/1.1 200 OK\r\n"));
        assert_eq!(emulator.connections(), 2);
    }
}
