//! What an answer holds: a few kinds, told apart without a box for each request.

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::channel::Channel;
use hyper::body::{Frame, Incoming, SizeHint};

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Body {
    /// All of it; `None` once it is on its way, or if there is none.
    Whole(Option<Bytes>),
    /// As it happens.
    Events(Channel<Bytes, Infallible>),
    /// As it comes from the API. Trailers do not: they would be headers that nobody has
    /// looked at.
    Api(Incoming),
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
            Self::Events(events) => Pin::new(events).poll_frame(context).map_err(Into::into),
            Self::Api(body) => loop {
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
            Self::Events(events) => events.is_end_stream(),
            Self::Api(body) => body.is_end_stream(),
            Self::Page(page) => page.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Events(events) => events.size_hint(),
            Self::Api(body) => body.size_hint(),
            Self::Page(page) => page.size_hint(),
        }
    }
}
