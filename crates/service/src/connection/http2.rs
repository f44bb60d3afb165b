//! One connection with HTTP/2, which TLS clients may choose: many requests at once, and
//! a bound for each way to flood it.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Response, StatusCode};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::{Answer, HEADERS, LARGEST_HEAD, LINGER, MOST_HEADERS, STALLED, Tracked, Visitor};
use crate::body::Body;
use crate::peer::Peer;
use crate::roster::{Admission, Seat};
use crate::stream::Paced;

/// Requests under way at a time.
const MOST_STREAMS: u32 = 100;

/// Streams that the client took back before they were looked at. More is the flood that
/// is called rapid reset.
const MOST_RESETS: usize = 20;

/// Streams that were ended for a mistake of the client's.
const MOST_MISTAKES: usize = 64;

/// What of an answer is kept for a client that does not take it, in bytes per stream.
const LARGEST_BACKLOG: usize = 64 * 1024;

/// For the answer to a ping, which is sent where nothing else is.
const PONG: Duration = Duration::from_secs(10);

/// Serves one connection to its end.
pub(crate) async fn serve<A: Answer>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    admission: Admission,
    answers: Arc<A>,
    mut stop: watch::Receiver<bool>,
) {
    let seat = Arc::clone(admission.seat());
    let service = service_fn(move |request| {
        let (answers, busy, seat) = (Arc::clone(&answers), seat.work(), Arc::clone(&seat));
        async move {
            let visitor = Visitor {
                peer: &peer,
                seat: &seat,
            };
            let response = match request.headers().len() > MOST_HEADERS {
                true => too_many_headers(),
                false => answers.answer(visitor, request).await,
            };
            Ok::<_, Infallible>(response.map(|body| Tracked::new(body, busy)))
        }
    });
    let taken = Arc::<AtomicU64>::default();
    let stream = Paced::new(stream, STALLED).counting(Arc::clone(&taken));
    let mut connection = pin!(builder().serve_connection(TokioIo::new(stream), service));
    let is_heard_out = tokio::select! {
        _ = connection.as_mut() => return,
        () = admission.given_up() => match admission.seat().is_unnamed() {
            true => return,
            // A request came at the same moment.
            false => true,
        },
        () = abandoned(admission.seat(), &taken) => false,
        _ = stop.wait_for(|stop| *stop) => true,
    };
    // Requests that are on their way are still answered; the client is told first.
    connection.as_mut().graceful_shutdown();
    let end = async {
        match is_heard_out {
            true => abandoned(admission.seat(), &taken).await,
            false => tokio::time::sleep(LINGER).await,
        }
    };
    tokio::select! {
        _ = connection.as_mut() => {}
        () = end => {}
    }
}

/// As hyper has it with HTTP/1: there is nothing to say to whom this happens.
fn too_many_headers() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    response
}

fn builder() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    // A list of headers that is too long ends the connection, and so does one that comes
    // in very many pieces; data without content counts as an error of the peer.
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_pending_accept_reset_streams(MOST_RESETS)
        .max_local_error_reset_streams(MOST_MISTAKES)
        .max_header_list_size(u32::try_from(LARGEST_HEAD).unwrap_or(u32::MAX))
        .max_send_buf_size(LARGEST_BACKLOG)
        .keep_alive_interval(HEADERS)
        .keep_alive_timeout(PONG);
    builder
}

/// Ends when nothing comes of the connection: no request for as long as the next head of
/// HTTP/1 would be waited for, or nothing of an answer taken for as long as a reader may
/// stand still. HTTP/2 itself would wait for ever.
async fn abandoned(seat: &Seat, taken: &AtomicU64) {
    /// Pings and the like, in bytes: no progress.
    const NOISE: u64 = 256;
    let now = || (seat.steps(), taken.load(Ordering::Relaxed));
    let mut before = now();
    let mut still = Duration::ZERO;
    loop {
        tokio::time::sleep(HEADERS).await;
        let now = now();
        let has_moved = now.0 != before.0 || now.1 - before.1 > NOISE;
        before = now;
        still = match has_moved || !seat.waits_for_peer() {
            true => Duration::ZERO,
            false => still + HEADERS,
        };
        let patience = if seat.is_idle() { HEADERS } else { STALLED };
        if still >= patience {
            return;
        }
    }
}
