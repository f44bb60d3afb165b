//! Errors of the core as exceptions of `prove_token`.

use prove_token::{Error, ErrorResponse};
use prove_token_config::Outcome;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The exception that `error` is in Python. One failure is shared by all who waited, and
/// each of them gets an exception of its own.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    build(py, error).unwrap_or_else(|defect| defect)
}

/// The exception that `error` is in Python: all that is wrong, for there is no second line
/// to put the rest on.
pub(crate) fn wrong_settings(py: Python<'_>, error: prove_token_config::Error) -> PyErr {
    let problems: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
    let told = match problems.len() {
        0 | 1 => Error::from(error),
        _ => {
            let text = format!("{error}: {}", problems.join("; "));
            let hints = error
                .problems()
                .iter()
                .filter_map(|problem| problem.hint.as_deref());
            let hints: Vec<&str> = hints.collect();
            Error::new(error.kind(), text).with_hint(hints.join("; "))
        }
    };
    exception(py, &told)
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let name = Outcome::of(error.kind()).python_exception;
    let class = py.import("prove_token._errors")?.getattr(name)?;
    let arguments = PyDict::new(py);
    arguments.set_item("kind", error.kind().as_str())?;
    arguments.set_item("hint", error.hint())?;
    arguments.set_item("retryable", error.is_retryable())?;
    let retry_after = error.retry_after().map(|wait| wait.as_secs_f64());
    arguments.set_item("retry_after", retry_after)?;
    arguments.set_item("status", error.http_status())?;
    let response = error.error_response();
    let response = response.map(|response| members(py, response)).transpose()?;
    arguments.set_item("error_response", response)?;
    let value = class.call((error.to_string(),), Some(&arguments))?;
    Ok(PyErr::from_value(value))
}

/// What the authorization server said, without what it did not say.
fn members<'py>(py: Python<'py>, response: &ErrorResponse) -> PyResult<Bound<'py, PyDict>> {
    let members = PyDict::new(py);
    for (name, text) in [
        ("error", &response.error),
        ("error_description", &response.error_description),
        ("error_uri", &response.error_uri),
        ("message", &response.message),
    ] {
        if let Some(text) = text {
            members.set_item(name, text)?;
        }
    }
    if let Some(code) = response.code {
        members.set_item("code", code)?;
    }
    Ok(members)
}

/// A call of a client that was closed.
#[cold]
pub(crate) fn closed() -> PyErr {
    PyRuntimeError::new_err("the token client is closed")
}
