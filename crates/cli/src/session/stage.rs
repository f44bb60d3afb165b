//! Where a command's work runs: a runtime that is made when it is needed, a time limit,
//! signals, and a sign of life on the terminal.

use std::cell::OnceCell;
use std::future::Future;
use std::time::Duration;

use prove_token::ErrorKind;
use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Progress;

/// Runs work to its end, to the limit, or to a signal.
#[derive(Debug, Default)]
pub(super) struct Stage {
    runtime: OnceCell<Runtime>,
    limit: Option<Duration>,
    progress: Option<Progress>,
}

impl Stage {
    pub(super) fn new(limit: Option<Duration>, progress: Option<Progress>) -> Self {
        Self {
            runtime: OnceCell::new(),
            limit,
            progress,
        }
    }

    pub(super) fn run<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let limited = async {
            match self.limit {
                None => work.await,
                Some(limit) => tokio::time::timeout(limit, work)
                    .await
                    .unwrap_or_else(|_| Err(timed_out(limit))),
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

    fn runtime(&self) -> Result<&Runtime, Failure> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let built = Builder::new_current_thread().enable_all().build();
        let runtime = built.map_err(|error| {
            Failure::new(
                ErrorKind::Internal,
                format!("cannot start the runtime: {}", error.kind()),
            )
        })?;
        Ok(self.runtime.get_or_init(|| runtime))
    }
}

fn timed_out(limit: Duration) -> Failure {
    let limit = humantime::format_duration(limit);
    Failure::new(ErrorKind::Timeout, format!("no result within {limit}"))
        .hint("raise --timeout; --verbose shows where the time goes")
}
