//! What the engine does, told to Python.

use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use prove_token::Event as Told;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::courier::{self, Job};
use crate::error::exception;

/// Who wants to know.
pub(crate) struct Listener(pub(crate) Py<PyAny>);

/// The listeners of one engine, which several clients may share.
///
/// Events come from any thread, the one of the flights included, and go to the thread
/// that calls Python: whatever a callback does, it holds up no token.
#[derive(Default)]
pub(crate) struct Hub(ArcSwapOption<Vec<Weak<Listener>>>);

impl Hub {
    /// Adds a listener, until it is dropped.
    pub(crate) fn add(&self, listener: &Arc<Listener>) {
        self.0.rcu(|listeners| {
            let listeners = listeners.iter().flat_map(|listeners| listeners.iter());
            let living = listeners.filter(|listener| listener.strong_count() > 0);
            let all = living.cloned().chain([Arc::downgrade(listener)]);
            Some(Arc::new(all.collect::<Vec<_>>()))
        });
    }

    pub(crate) fn tell(&self, event: &Told) {
        for listener in self.0.load().iter().flat_map(|listeners| listeners.iter()) {
            if let Some(listener) = listener.upgrade() {
                courier::EVENTS.push(Job::Event(listener, event.clone()));
            }
        }
    }
}

/// Something that happened while a token was obtained. It holds no token and no secret.
#[pyclass(frozen, module = "prove_token")]
pub(crate) struct Event {
    /// Such as "token_obtained".
    #[pyo3(get)]
    name: &'static str,
    /// What belongs to it; times are in seconds.
    #[pyo3(get)]
    details: Py<PyDict>,
}

#[pymethods]
impl Event {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let details = self.details.bind(py).repr()?;
        Ok(format!("<prove_token.Event {} {details}>", self.name))
    }
}

impl Event {
    /// `None` for an event that is newer than this package.
    pub(crate) fn of(py: Python<'_>, told: &Told) -> PyResult<Option<Self>> {
        let details = PyDict::new(py);
        let name = match attempt(&details, told)? {
            None => token(&details, told)?,
            name => name,
        };
        Ok(name.map(|name| Self {
            name,
            details: details.unbind(),
        }))
    }
}

type Name = PyResult<Option<&'static str>>;

fn attempt(details: &Bound<'_, PyDict>, told: &Told) -> Name {
    let py = details.py();
    Ok(Some(match told {
        Told::AttemptStarted {
            endpoint, attempt, ..
        } => {
            details.set_item("endpoint", endpoint.as_str())?;
            details.set_item("attempt", attempt)?;
            "attempt_started"
        }
        Told::AttemptFailed {
            attempt,
            error,
            took,
            retry_in,
            ..
        } => {
            details.set_item("attempt", attempt)?;
            details.set_item("error", exception(py, error))?;
            details.set_item("took", took.as_secs_f64())?;
            details.set_item("retry_in", retry_in.map(|pause| pause.as_secs_f64()))?;
            "attempt_failed"
        }
        Told::TokenObtained {
            attempts,
            took,
            lifetime,
            ..
        } => {
            details.set_item("attempts", attempts)?;
            details.set_item("took", took.as_secs_f64())?;
            details.set_item("lifetime", lifetime.as_secs_f64())?;
            "token_obtained"
        }
        _ => return Ok(None),
    }))
}

fn token(details: &Bound<'_, PyDict>, told: &Told) -> Name {
    let py = details.py();
    let time = |key, time: &Duration| details.set_item(key, time.as_secs_f64());
    Ok(Some(match told {
        Told::RenewalFailed {
            error,
            valid_for,
            retry_in,
            ..
        } => {
            details.set_item("error", exception(py, error))?;
            time("valid_for", valid_for)?;
            time("retry_in", retry_in)?;
            "renewal_failed"
        }
        Told::TokenRejected { expires_in, .. } => {
            time("expires_in", expires_in)?;
            "token_rejected"
        }
        Told::CoolDownEntered { wait, .. } => {
            time("wait", wait)?;
            "cool_down_entered"
        }
        Told::TokenRestored { expires_in, .. } => {
            time("expires_in", expires_in)?;
            "token_restored"
        }
        Told::StoreMissed { reason, .. } => {
            details.set_item("reason", reason.as_str())?;
            "store_missed"
        }
        Told::StoreUnavailable { error, .. } => {
            details.set_item("message", error.to_string())?;
            "store_unavailable"
        }
        _ => return Ok(None),
    }))
}
