//! A call that an event loop waits for.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use prove_token::{AccessToken as Token, Error};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::courier::{self, Job};
use crate::engine::Engine;
use crate::error::exception;
use crate::token::AccessToken;

/// A future of the core, boxed so that it can wait.
pub(crate) type Obtaining = Pin<Box<dyn Future<Output = Result<Token, Error>> + Send>>;

/// A call under way. It is polled on the event loop, and dropped there.
#[pyclass(frozen, module = "prove_token._native")]
pub(crate) struct Call {
    engine: Arc<Engine>,
    obtaining: Mutex<Option<Obtaining>>,
}

impl Call {
    pub(crate) fn new(engine: Arc<Engine>, obtaining: Obtaining) -> Self {
        Self {
            engine,
            obtaining: Mutex::new(Some(obtaining)),
        }
    }
}

#[pymethods]
impl Call {
    /// The token, if it is there; otherwise None, and the event loop's future is resolved
    /// when it makes sense to ask again.
    fn poll(
        &self,
        py: Python<'_>,
        event_loop: Py<PyAny>,
        future: Py<PyAny>,
    ) -> PyResult<Option<Py<AccessToken>>> {
        courier::WAKES.ensure(py)?;
        let waker = Waker::from(Arc::new(Wake { event_loop, future }));
        let mut obtaining = self
            .obtaining
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(work) = obtaining.as_mut() else {
            return Ok(None);
        };
        let outcome = match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => return Ok(None),
            Poll::Ready(outcome) => outcome,
        };
        *obtaining = None;
        match outcome {
            Ok(token) => self.engine.hand_out(py, &token).map(Some),
            Err(error) => Err(exception(py, &error)),
        }
    }

    /// Ends the call. What it has begun goes on for others.
    fn close(&self) {
        let mut obtaining = self
            .obtaining
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        drop(obtaining.take());
    }
}

/// An event loop and the future of it that a call waits for.
pub(crate) struct Wake {
    event_loop: Py<PyAny>,
    future: Py<PyAny>,
}

impl Wake {
    pub(crate) fn call<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let wake = py.import("prove_token._courier")?.getattr("wake")?;
        (
            wake,
            self.event_loop.clone_ref(py),
            self.future.clone_ref(py),
        )
            .into_pyobject(py)
    }
}

impl std::task::Wake for Wake {
    fn wake(self: Arc<Self>) {
        courier::WAKES.push(Job::Wake(self));
    }
}
