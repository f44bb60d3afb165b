//! Where a command's work runs: a runtime that is made when it is needed, a time limit,
//! signals, and a sign of life on the terminal.

use std::cell::OnceCell;
use std::future::Future;
use std::io;
use std::time::Duration;

use prove_token::ErrorKind;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Progress;

/// Runs work to its end, to the limit, or to a signal.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    runtime: OnceCell<Runtime>,
    limit: Option<Duration>,
    progress: Option<Progress>,
}

impl Stage {
    pub(crate) fn new(limit: Option<Duration>, progress: Option<Progress>) -> Self {
        Self {
            runtime: OnceCell::new(),
            limit,
            progress,
        }
    }

    pub(crate) fn run<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let limited = async {
            match self.limit {
                None => work.await,
                Some(limit) => tokio::time::timeout(limit, work)
                    .await
                    .unwrap_or_else(|_| Err(Failure::timed_out(limit))),
            }
        };
        let watched = async {
            match &self.progress {
                None => limited.await,
                Some(progress) => progress.beside(limited).await,
            }
        };
        let ended = self.runtime()?.block_on(interrupt::or_signal(watched));
        ended.unwrap_or_else(|signal| Err(Failure::interrupted(signal)))
    }

    /// Says what is waited for from now on.
    pub(super) fn waits_for(&self, what: &str) {
        if let Some(progress) = &self.progress {
            progress.waits_for.replace(what.to_owned());
        }
    }

    /// Runs work to its end, whatever happens meanwhile.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        Ok(self.runtime()?.block_on(work))
    }

    /// Ends whatever still goes on here, and waits for none of it.
    #[cfg(unix)]
    pub(crate) fn leave(self) {
        if let Some(runtime) = self.runtime.into_inner() {
            runtime.shutdown_background();
        }
    }

    fn runtime(&self) -> Result<&Runtime, Failure> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let runtime = runtime()?;
        Ok(self.runtime.get_or_init(|| runtime))
    }
}

/// A runtime on the thread that asks for it, for one command's work.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    check_room()?;
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|error| not_started(&error))
}

/// Refuses to go on without as many file descriptors as a runtime begins with, whoever
/// makes it: the one that listens for signals panics if it gets none.
#[cfg(unix)]
pub(crate) fn check_room() -> Result<(), Failure> {
    use std::os::unix::net::UnixStream;
    let mut closed_again = Vec::new();
    for _ in 0..3 {
        closed_again.push(UnixStream::pair().map_err(|error| not_started(&error))?);
    }
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn check_room() -> Result<(), Failure> {
    Ok(())
}

fn not_started(error: &io::Error) -> Failure {
    let text = format!("cannot start the runtime: {}", error.kind());
    Failure::new(ErrorKind::Internal, text)
        .hint("the process may have used up its threads or file descriptors")
}

/// Runs `work`, which blocks, on a thread of its own, so that signals and `limit` end the
/// wait for it. The work itself ends with the process then.
pub(crate) fn blocking<T: Send + 'static>(
    limit: Option<Duration>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let (done, outcome) = oneshot::channel();
    Stage::new(limit, None).run(async {
        // Not before the handlers are there, for the work may raise a signal.
        tokio::task::yield_now().await;
        let start = move || {
            let _ = done.send(work());
        };
        let thread = std::thread::Builder::new().spawn(start);
        thread.map_err(|error| {
            let text = format!("cannot start a thread: {}", error.kind());
            Failure::new(ErrorKind::Internal, text)
        })?;
        let output = outcome.await;
        output.map_err(|_| Failure::new(ErrorKind::Internal, "a thread panicked"))
    })
}
