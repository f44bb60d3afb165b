//! A stream whose other side must keep up.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::patience::Patience;
use crate::roster::Seat;

/// Fails when the other side has taken nothing for `limit` while there was something to
/// take. A timer runs only then.
#[derive(Debug)]
pub(crate) struct Paced<S> {
    stream: S,
    limit: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    /// Counts the bytes that were taken, if somebody wants to know.
    taken: Option<Arc<AtomicU64>>,
    asking: Option<Asking>,
}

/// A limit for the time without a request. hyper has one as well, but makes and drops a
/// timer for each request, which costs more than to read it.
#[derive(Debug)]
struct Asking {
    seat: Arc<Seat>,
    /// How much had happened on the connection when it was looked at last.
    steps: u64,
    patience: Patience,
}

impl Asking {
    /// Ready once the other side has had its time. `owes`: there is something that it has
    /// yet to take.
    fn poll(&mut self, owes: bool, context: &mut Context<'_>) -> Poll<()> {
        let steps = self.seat.steps();
        if steps != self.steps || owes || !self.seat.is_idle() {
            self.steps = steps;
            self.patience.renew();
        }
        self.patience.poll(context)
    }
}

impl<S> Paced<S> {
    pub(crate) fn new(stream: S, limit: Duration) -> Self {
        Self {
            stream,
            limit,
            stalled: None,
            taken: None,
            asking: None,
        }
    }

    /// Fails as well when for `limit`, or a quarter more, no request is under way at `seat`
    /// and none came whole, however many bytes of it did.
    pub(crate) fn asking(mut self, seat: &Arc<Seat>, limit: Duration) -> Self {
        self.asking = Some(Asking {
            seat: Arc::clone(seat),
            steps: seat.steps(),
            patience: Patience::new(limit),
        });
        self
    }

    /// Counts the bytes that the other side takes.
    pub(crate) fn counting(mut self, taken: Arc<AtomicU64>) -> Self {
        self.taken = Some(taken);
        self
    }

    /// As [`judge`](Self::judge), and counted.
    fn count(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if let (Poll::Ready(Ok(bytes)), Some(taken)) = (&written, &self.taken) {
            taken.fetch_add(*bytes as u64, Ordering::Relaxed);
        }
        self.judge(written, context)
    }

    /// `written`, or the end of patience.
    fn judge<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let limit = self.limit;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let owes = self.stalled.is_some();
        match &mut self.asking {
            Some(asking) if read.is_pending() => {
                ready!(asking.poll(owes, context));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            _ => read,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.count(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.count(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.judge(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.judge(shut, context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_stands_still_is_given_up() {
        let (near, mut far) = duplex(4);
        let mut paced = Paced::new(near, Duration::from_secs(30));
        paced.write_all(b"1234").await.unwrap();
        let writing = tokio::spawn(async move { paced.write_all(b"56789").await });
        sleep(Duration::from_secs(29)).await;
        let mut taken = [0; 4];
        far.read_exact(&mut taken).await.unwrap();
        sleep(Duration::from_secs(29)).await;
        assert!(!writing.is_finished(), "it was given a new span");
        let error = writing.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
