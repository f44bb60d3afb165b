//! A client secret that Python code knows.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use prove_token::{ClientSecret, Error, ErrorKind, SecretSource};
use pyo3::prelude::*;

use crate::courier::{self, Job};

/// How long the callable has, as a command of a profile has.
const LIMIT: Duration = Duration::from_secs(10);

/// A callable that returns the secret. It is called when a token is requested, on a
/// thread of Python.
pub(crate) struct CallableSecret {
    number: u64,
    read: Arc<Py<PyAny>>,
}

impl CallableSecret {
    pub(crate) fn new(read: Py<PyAny>) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        Self {
            number: MADE.fetch_add(1, Ordering::Relaxed),
            read: Arc::new(read),
        }
    }
}

impl SecretSource for CallableSecret {
    /// One of its own: whether two callables return the same, nobody knows.
    fn identity(&self) -> String {
        format!("python:{}", self.number)
    }

    fn read(&self) -> Result<ClientSecret, Error> {
        let (give, given) = sync_channel(1);
        courier::WAKES.push(Job::Secret(Arc::clone(&self.read), Answer(give)));
        match given.recv_timeout(LIMIT) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(refused("did not return within 10 s")),
            Err(RecvTimeoutError::Disconnected) => Err(refused("was not called")),
        }
    }
}

impl fmt::Debug for CallableSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallableSecret({})", self.number)
    }
}

/// Where the callable's outcome goes.
#[pyclass(frozen, module = "prove_token._native")]
#[derive(Clone)]
pub(crate) struct Answer(SyncSender<Result<ClientSecret, Error>>);

#[pymethods]
impl Answer {
    /// The callable returned this.
    fn give(&self, value: &Bound<'_, PyAny>) {
        let text = value.extract::<String>();
        let text = text.map_err(|_| refused("returned something that is not a str"));
        self.send(text.and_then(ClientSecret::new));
    }

    /// The callable raised an exception of this type, whose text may be anything.
    fn fail(&self, exception: &str) {
        self.send(Err(refused(&format!("raised {exception}"))));
    }
}

impl Answer {
    fn send(&self, outcome: Result<ClientSecret, Error>) {
        // Nobody waits any more after the time limit.
        let _ = self.0.try_send(outcome);
    }
}

fn refused(what: &str) -> Error {
    Error::new(
        ErrorKind::SecretSource,
        format!("the callable client_secret {what}"),
    )
    .with_hint("call it by itself to see what is wrong; it must return the secret as a str")
}
