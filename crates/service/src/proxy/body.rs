//! The body of a request: it streams, and as much of it is kept on the way as may have
//! to be sent once more.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::patience::Patience;

/// So much of a body is kept, in bytes. A longer one is not sent a second time.
const MOST_KEPT: usize = 64 * 1024;

/// How long a caller may be silent within a body.
const SILENCE: Duration = Duration::from_secs(30);

/// A body that can be taken to the API, and perhaps once more.
#[derive(Debug)]
pub(super) struct Reel<B = Incoming> {
    /// `None` for a request without a body.
    shared: Option<Arc<Mutex<Shared<B>>>>,
}

#[derive(Debug)]
struct Shared<B> {
    /// What has not come yet.
    rest: B,
    kept: Kept,
    patience: Patience,
    /// The run that it is taken in; those before are over.
    run: u32,
}

/// What was passed on.
#[derive(Debug)]
enum Kept {
    /// Copied: a frame of one byte would hold the whole buffer that it was read into.
    All(Vec<u8>),
    /// Too much of it.
    Nothing,
}

/// One way of the body to the API.
#[derive(Debug)]
pub(super) struct Run<B = Incoming> {
    shared: Option<Arc<Mutex<Shared<B>>>>,
    number: u32,
    /// What was passed on before.
    again: Bytes,
}

/// Why a body ended before its end: always a matter of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Nothing came for too long.
    Silent,
    /// The connection, or the framing, broke.
    Broken,
    /// It is sent once more, on another connection.
    Over,
}

impl<B: Body<Data = Bytes> + Unpin> Reel<B> {
    pub(super) fn new(body: B) -> Self {
        if body.is_end_stream() {
            return Self { shared: None };
        }
        let is_long = body.size_hint().lower() > MOST_KEPT as u64;
        let kept = match is_long {
            true => Kept::Nothing,
            false => Kept::default(),
        };
        let shared = Shared {
            rest: body,
            kept,
            patience: Patience::new(SILENCE),
            run: 0,
        };
        Self {
            shared: Some(Arc::new(Mutex::new(shared))),
        }
    }

    /// Whether it can be sent once more.
    pub(super) fn can_run_again(&self) -> bool {
        let shared = self.shared.as_ref();
        shared.is_none_or(|shared| matches!(lock(shared).kept, Kept::All(_)))
    }

    /// The body from its beginning on, which ends the run before. `None` if its
    /// beginning was not kept.
    pub(super) fn run(&self) -> Option<Run<B>> {
        let Some(shared) = &self.shared else {
            return Some(Run {
                shared: None,
                number: 0,
                again: Bytes::new(),
            });
        };
        let mut state = lock(shared);
        let is_first = state.run == 0;
        let again = match &state.kept {
            Kept::All(bytes) => Bytes::copy_from_slice(bytes),
            Kept::Nothing if is_first => Bytes::new(),
            Kept::Nothing => return None,
        };
        state.run += 1;
        Some(Run {
            shared: Some(Arc::clone(shared)),
            number: state.run,
            again,
        })
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

impl Kept {
    fn keep(&mut self, frame: &Bytes) {
        let Self::All(bytes) = self else {
            return;
        };
        match bytes.len() + frame.len() > MOST_KEPT {
            true => *self = Self::Nothing,
            false => bytes.extend_from_slice(frame),
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Shared<B> {
    /// The next frame with data. Trailers would be headers that nobody has looked at.
    fn poll_data(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.rest).poll_frame(context) else {
                ready!(self.patience.poll(context));
                return Poll::Ready(Some(Err(Cut::Silent)));
            };
            self.patience.renew();
            match frame.map(|frame| frame.map(Frame::into_data)) {
                None => return Poll::Ready(None),
                Some(Err(_)) => return Poll::Ready(Some(Err(Cut::Broken))),
                Some(Ok(Err(_trailers))) => {}
                Some(Ok(Ok(data))) => {
                    self.kept.keep(&data);
                    return Poll::Ready(Some(Ok(data)));
                }
            }
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Run<B> {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let this = &mut *self;
        let Some(shared) = &this.shared else {
            return Poll::Ready(None);
        };
        let mut state = lock(shared);
        if state.run != this.number {
            return Poll::Ready(Some(Err(Cut::Over)));
        }
        if !this.again.is_empty() {
            let again = std::mem::take(&mut this.again);
            return Poll::Ready(Some(Ok(Frame::data(again))));
        }
        let data = ready!(state.poll_data(context));
        Poll::Ready(data.map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.shared {
            None => true,
            Some(shared) => self.again.is_empty() && lock(shared).rest.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let Some(shared) = &self.shared else {
            return SizeHint::with_exact(0);
        };
        let rest = lock(shared).rest.size_hint();
        let again = self.again.len() as u64;
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + again);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + again);
        }
        hint
    }
}

fn lock<B>(shared: &Mutex<Shared<B>>) -> MutexGuard<'_, Shared<B>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silent => "the body of the request did not come in time",
            Self::Broken => "the body of the request is broken",
            Self::Over => "the request is sent once more",
        })
    }
}

impl StdError for Cut {}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use http_body_util::BodyExt as _;

    use super::*;

    /// Frames, and then the end or silence.
    struct Script(VecDeque<Frame<Bytes>>, bool);

    impl Script {
        fn new(frames: &[&'static [u8]]) -> Self {
            let frames = frames
                .iter()
                .map(|frame| Frame::data(Bytes::from_static(frame)));
            Self(frames.collect(), true)
        }
    }

    impl Body for Script {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            match self.0.pop_front() {
                Some(frame) => Poll::Ready(Some(Ok(frame))),
                None if self.1 => Poll::Ready(None),
                None => Poll::Pending,
            }
        }
    }

    async fn all(run: Run<Script>) -> Result<Bytes, Cut> {
        run.collect().await.map(http_body_util::Collected::to_bytes)
    }

    async fn some(run: &mut Run<Script>) -> Result<Bytes, Cut> {
        let frame = run.frame().await.unwrap();
        frame.map(|frame| frame.into_data().unwrap())
    }

    #[tokio::test]
    async fn a_short_body_runs_again_from_wherever_it_was() {
        let reel = Reel::new(Script::new(&[b"one", b"two", b"three"]));
        let mut first = reel.run().unwrap();
        assert_eq!(some(&mut first).await.unwrap(), "one");
        assert_eq!(some(&mut first).await.unwrap(), "two");
        let second = reel.run().unwrap();
        assert_eq!(some(&mut first).await, Err(Cut::Over));
        assert_eq!(all(second).await.unwrap(), "onetwothree");
        assert_eq!(all(reel.run().unwrap()).await.unwrap(), "onetwothree");
    }

    #[tokio::test]
    async fn a_long_body_runs_once() {
        const HALF: &[u8] = &[b'x'; MOST_KEPT / 2];
        let fits = Reel::new(Script::new(&[HALF, HALF]));
        assert_eq!(all(fits.run().unwrap()).await.unwrap().len(), MOST_KEPT);
        assert!(fits.can_run_again());
        let long = Reel::new(Script::new(&[HALF, HALF, b"x"]));
        assert_eq!(all(long.run().unwrap()).await.unwrap().len(), MOST_KEPT + 1);
        assert!(!long.can_run_again() && long.run().is_none());
    }

    /// A buffer that a frame is a part of, for as long as that is held.
    struct Buffer(#[expect(dead_code, reason = "it counts who holds it")] Arc<()>);

    impl AsRef<[u8]> for Buffer {
        fn as_ref(&self) -> &[u8] {
            b"x"
        }
    }

    #[tokio::test]
    async fn what_is_kept_takes_no_more_room_than_its_length() {
        let held = Arc::new(());
        let mut script = Script::new(&[]);
        let frame = || Frame::data(Bytes::from_owner(Buffer(Arc::clone(&held))));
        script.0.extend((0..100).map(|_| frame()));
        let reel = Reel::new(script);
        let first = all(reel.run().unwrap()).await.unwrap();
        assert_eq!(Arc::strong_count(&held), 1, "buffers are held");
        assert_eq!(all(reel.run().unwrap()).await.unwrap(), first);
    }

    #[tokio::test]
    async fn trailers_are_not_passed_on() {
        let mut script = Script::new(&[b"one"]);
        script.0.push_back(Frame::trailers(http::HeaderMap::new()));
        let mut run = Reel::new(script).run().unwrap();
        assert_eq!(some(&mut run).await.unwrap(), "one");
        assert!(run.frame().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_says_no_more_is_given_up() {
        let mut script = Script::new(&[b"one"]);
        script.1 = false;
        let mut run = Reel::new(script).run().unwrap();
        assert_eq!(some(&mut run).await.unwrap(), "one");
        let silent = tokio::time::Instant::now();
        assert_eq!(some(&mut run).await, Err(Cut::Silent));
        assert!(silent.elapsed() >= SILENCE);
    }

    #[tokio::test]
    async fn no_body_runs_any_number_of_times() {
        let reel = Reel::new(http_body_util::Empty::<Bytes>::new());
        for _ in 0..3 {
            let run = reel.run().unwrap();
            assert!(run.is_end_stream() && run.size_hint().exact() == Some(0));
        }
    }
}
