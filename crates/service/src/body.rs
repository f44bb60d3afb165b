//! What an answer holds: a few kinds, told apart without a box for each request.

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::channel::Channel;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use crate::staff::Task;

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Body {
    /// All of it; `None` once it is on its way, or if there is none.
    Whole(Option<Bytes>),
    /// As it happens, and whoever tells it.
    Events {
        parts: Channel<Bytes, Infallible>,
        _teller: Task,
    },
    /// As it comes from the API, in the place that its caller has for it. Trailers do not:
    /// they would be headers that nobody has looked at.
    Api {
        body: Incoming,
        _place: OwnedSemaphorePermit,
    },
    /// For operators.
    Page(axum::body::Body),
}

/// Why a body does not go on.
type Broken = Box<dyn Error + Send + Sync>;

impl Body {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()).filter(|bytes| !bytes.is_empty()))
    }

    pub(crate) fn empty() -> Self {
        Self::Whole(None)
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Events { parts, .. } => Pin::new(parts).poll_frame(context).map_err(Into::into),
            Self::Api { body, .. } => loop {
                match ready!(Pin::new(&mut *body).poll_frame(context)) {
                    Some(Ok(frame)) if frame.is_trailers() => {}
                    frame => return Poll::Ready(frame.map(|frame| frame.map_err(Into::into))),
                }
            },
            Self::Page(page) => Pin::new(page).poll_frame(context).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Events { parts, .. } => parts.is_end_stream(),
            Self::Api { body, .. } => body.is_end_stream(),
            Self::Page(page) => page.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Events { parts, .. } => parts.size_hint(),
            Self::Api { body, .. } => body.size_hint(),
            Self::Page(page) => page.size_hint(),
        }
    }
}
