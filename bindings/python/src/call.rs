//! A call that an event loop waits for.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use prove_token::{AccessToken as Token, Error};
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
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
    state: Mutex<State>,
}

struct State {
    /// `None` when it is over.
    obtaining: Option<Obtaining>,
    /// Who is woken: what `obtaining` holds, for the garbage collector.
    wake: Option<Arc<Wake>>,
}

impl Call {
    pub(crate) fn new(engine: Arc<Engine>, obtaining: Obtaining) -> Self {
        Self {
            engine,
            state: Mutex::new(State {
                obtaining: Some(obtaining),
                wake: None,
            }),
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
        let wake = Arc::new(Wake { event_loop, future });
        let waker = Waker::from(Arc::clone(&wake));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.wake = Some(wake);
        let Some(work) = &mut state.obtaining else {
            return Ok(None);
        };
        let outcome = match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => return Ok(None),
            Poll::Ready(outcome) => outcome,
        };
        state.obtaining = None;
        drop(state);
        match outcome {
            Ok(token) => self.engine.hand_out(py, &token).map(Some),
            Err(error) => Err(exception(py, &error)),
        }
    }

    /// A task that nobody runs any more waits for what holds it.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Ok(state) = self.state.try_lock() else {
            return Ok(());
        };
        match &state.wake {
            Some(wake) => {
                visit.call(&wake.event_loop)?;
                visit.call(&wake.future)
            }
            None => Ok(()),
        }
    }

    fn __clear__(&self) {
        if let Ok(mut state) = self.state.try_lock() {
            state.obtaining = None;
            state.wake = None;
        }
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
