//! The lane that flights run on: one thread of this process, named
//! `prove-token`, that outlives every caller.
//!
//! A flight on a caller's runtime would die with it (a short-lived `block_on`, a
//! test, one event loop of several), and with it the token that everybody else
//! waits for.

use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind};
use crate::process::PerProcess;

/// Where flights are started.
#[derive(Clone, Debug, Default)]
pub(crate) enum Lane {
    /// The process's own thread, started when it is first needed.
    #[default]
    Own,
    /// A runtime that the application keeps running, in this process: a forked
    /// child has its handle, but not its threads.
    Given { handle: Handle, process: u32 },
}

impl Lane {
    pub(crate) fn given(handle: Handle) -> Self {
        Self::Given {
            handle,
            process: std::process::id(),
        }
    }

    pub(crate) fn handle(&self) -> Result<Handle, Error> {
        match self {
            Self::Given { handle, process } if *process == std::process::id() => Ok(handle.clone()),
            Self::Own | Self::Given { .. } => own(),
        }
    }
}

struct Running {
    handle: Handle,
    /// The thread ends when this is dropped.
    _keep: oneshot::Sender<()>,
}

static RUNNING: PerProcess<Running> = PerProcess::empty();

fn own() -> Result<Handle, Error> {
    Ok(RUNNING.get_or_try_make(start)?.handle.clone())
}

fn start() -> Result<Running, Error> {
    let internal = |what: &str, error: std::io::Error| {
        Error::new(ErrorKind::Internal, format!("{what}: {}", error.kind()))
            .with_hint("the process may have used up its threads or file descriptors")
            .with_source(error)
    };
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| internal("the runtime for token requests could not be built", error))?;
    let handle = runtime.handle().clone();
    let (keep, ended) = oneshot::channel::<()>();
    thread::Builder::new()
        .name("prove-token".to_owned())
        .spawn(move || {
            // Ends with an error when the sender is dropped, which is all it is for.
            let _ = runtime.block_on(ended);
            // Work that blocks (a secret source) must not hold this thread back.
            runtime.shutdown_background();
        })
        .map_err(|error| internal("the thread for token requests could not be started", error))?;
    Ok(Running {
        handle,
        _keep: keep,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_callers_get_one_thread() {
        let ask = || {
            let (send, receive) = std::sync::mpsc::channel();
            own().unwrap().spawn(async move {
                let thread = thread::current();
                send.send((thread.id(), thread.name().map(str::to_owned)))
            });
            receive.recv().unwrap()
        };
        // All at once, so that several find no thread yet.
        let start = std::sync::Barrier::new(8);
        let names: Vec<_> = thread::scope(|scope| {
            let asking = || scope.spawn(|| (start.wait(), ask()).1);
            let asking: Vec<_> = (0..8).map(|_| asking()).collect();
            asking
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert!(names.iter().all(|name| *name == names[0]));
        assert_eq!(names[0].1.as_deref(), Some("prove-token"));
    }
}
