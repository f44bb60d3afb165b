//! One connection: HTTP with a deadline for each of its parts.

mod http2;

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

pub(crate) use self::http2::serve as serve_http2;
use crate::body::Body;
use crate::patience::Told;
use crate::peer::Peer;
use crate::roster::{Admission, Busy, Seat};
use crate::stream::Paced;
use crate::strict::Strict;

/// From the first byte that could come to the last of the headers, or a quarter more;
/// between two requests as well.
const HEADERS: Duration = Duration::from_secs(10);

/// How long a reader may take nothing.
const STALLED: Duration = Duration::from_secs(30);

/// After the service was asked to end, a connection waits so long for a request that may
/// be on its way.
const LINGER: Duration = Duration::from_millis(500);

/// Headers together, in bytes, and their number. Whoever is not known may fill this much
/// on each connection.
const LARGEST_HEAD: usize = 16 * 1024;
const MOST_HEADERS: usize = 100;

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// What answers requests.
pub(crate) trait Answer: Send + Sync + 'static {
    fn answer(
        &self,
        visitor: Visitor<'_>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// Whose connection a request came on, and its place there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visitor<'v> {
    pub(crate) peer: &'v Peer,
    pub(crate) seat: &'v Arc<Seat>,
}

/// Serves one connection to its end.
pub(crate) async fn serve<A: Answer>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    admission: Admission,
    answers: Arc<A>,
    stop: watch::Receiver<bool>,
) {
    let seat = admission.seat();
    let visitor = Visitor { peer: &peer, seat };
    // Borrowed: to count who shares them would cost each request.
    let answers = &*answers;
    let service = service_fn(|request| {
        let busy = seat.work();
        async move {
            let response = answers.answer(visitor, request).await;
            Ok::<_, Infallible>(tracked(response, busy))
        }
    });
    let stream = Strict::new(Paced::new(stream, STALLED).asking(seat, HEADERS));
    let mut connection = pin!(builder().serve_connection(TokioIo::new(stream), service));
    // What a peer did wrong is its own affair.
    let end = tokio::select! {
        // In this order, which is the usual one and costs no draw.
        biased;
        _ = connection.as_mut() => return,
        end = ended(&admission, stop) => end,
    };
    match end {
        End::GivenUp if seat.is_unnamed() => return,
        // A request came at the same moment: it is the last.
        End::GivenUp => {}
        End::Stopped => {
            seat.take_no_more();
            if tokio::time::timeout(LINGER, connection.as_mut())
                .await
                .is_ok()
            {
                return;
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.max_headers(MOST_HEADERS).max_buf_size(LARGEST_HEAD);
    builder
}

/// `response` with the connection's work on it, and the word that it is the last if it is.
fn tracked(mut response: Response<Body>, busy: Busy) -> Response<Tracked> {
    if busy.is_last() {
        // The client must not take this connection for its next request.
        response.headers_mut().insert(CONNECTION, CLOSE);
    }
    response.map(|body| Tracked::new(body, busy))
}

/// Why a connection is to end.
#[derive(Clone, Copy, Debug)]
enum End {
    /// Another one gets its place.
    GivenUp,
    /// The service does.
    Stopped,
}

/// Waits until the connection is to end. This is looked at with everything that comes, and
/// so it does no more than look, unless it must.
async fn ended(admission: &Admission, mut stop: watch::Receiver<bool>) -> End {
    let seat = admission.seat();
    let seen = stop.clone();
    let mut waits = pin!(async {
        tokio::select! {
            biased;
            () = admission.given_up() => End::GivenUp,
            _ = stop.wait_for(|stop| *stop) => End::Stopped,
        }
    });
    let mut told = Told::default();
    poll_fn(|context| {
        let has_happened = seat.is_given_up() || seen.has_changed().unwrap_or(true);
        if told.knows(context) && !has_happened {
            return Poll::Pending;
        }
        let polled = waits.as_mut().poll(context);
        told.note(polled, context)
    })
    .await
}

/// A body that is under way: its connection is busy until it is gone.
struct Tracked {
    body: Body,
    busy: Busy,
}

impl Tracked {
    fn new(body: Body, busy: Busy) -> Self {
        Self { body, busy }
    }
}

impl hyper::body::Body for Tracked {
    type Data = bytes::Bytes;
    type Error = <Body as hyper::body::Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, Self::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.busy.owes(frame.is_ready());
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The whole body of a request, if it comes in time and is not too long.
pub(crate) async fn whole<B>(body: B, most: usize) -> Result<Vec<u8>, BodyFault>
where
    B: hyper::body::Body<Data = bytes::Bytes>,
{
    /// For a body of a few hundred bytes.
    const LIMIT: Duration = Duration::from_secs(10);
    let read = async {
        let mut body = pin!(body);
        let mut whole = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| BodyFault::Broken)?;
            let data = frame.data_ref().map(AsRef::as_ref).unwrap_or_default();
            if whole.len() + data.len() > most {
                return Err(BodyFault::Long);
            }
            // Copied: a frame of one byte would hold the whole buffer that it was read into.
            whole.extend_from_slice(data);
        }
        Ok(whole)
    };
    let read = tokio::time::timeout(LIMIT, read).await;
    read.unwrap_or(Err(BodyFault::Slow))
}

/// Why a body was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFault {
    Slow,
    Long,
    Broken,
}

#[cfg(test)]
mod tests;
