//! A token in Python.

use std::fmt::Write as _;
use std::time::SystemTime;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyList, PyString};

/// A bearer token that was usable when it was handed out.
///
/// Ask the client again for the next request: that costs nothing while the token
/// lives. `str()` and `repr()` are redacted; the text is in `value`. A token can neither
/// be pickled nor copied.
#[pyclass(frozen, module = "prove_token")]
pub(crate) struct AccessToken {
    pub(crate) token: prove_token::AccessToken,
    // Texts are made once: a request that is authorized makes none.
    value: PyOnceLock<Py<PyString>>,
    header: PyOnceLock<Py<PyString>>,
}

impl AccessToken {
    /// A token to keep: one that was handed out borrows what belongs to its thread.
    pub(crate) fn keeping(token: &prove_token::AccessToken) -> Self {
        Self {
            token: token.clone(),
            value: PyOnceLock::new(),
            header: PyOnceLock::new(),
        }
    }

    pub(crate) fn header<'a>(&'a self, py: Python<'_>) -> &'a Py<PyString> {
        self.header.get_or_init(py, || {
            let header = self.token.authorization_header();
            // The core takes tokens of visible ASCII alone.
            PyString::new(py, header.to_str().unwrap_or_default()).unbind()
        })
    }
}

#[pymethods]
impl AccessToken {
    /// The token's text.
    #[getter]
    fn value<'a>(&'a self, py: Python<'_>) -> &'a Py<PyString> {
        let make = || PyString::new(py, self.token.value()).unbind();
        self.value.get_or_init(py, make)
    }

    /// Always "Bearer" (RFC 6750).
    #[getter]
    fn token_type(&self) -> &'static str {
        self.token.token_type()
    }

    /// "Bearer " and the token's text, for the header `Authorization`.
    #[getter]
    fn authorization_header<'a>(&'a self, py: Python<'_>) -> &'a Py<PyString> {
        self.header(py)
    }

    /// When the token ends, in UTC; counted from before it was asked for.
    #[getter]
    fn expires_at(&self) -> SystemTime {
        self.token.expires_at()
    }

    /// What is left of the token's life, in seconds; 0 when it has ended.
    #[getter]
    fn expires_in(&self) -> f64 {
        self.token.expires_in().as_secs_f64()
    }

    /// The token's whole life in seconds, at most a day.
    #[getter]
    fn lifetime(&self) -> f64 {
        self.token.lifetime().as_secs_f64()
    }

    /// The scope that was granted, sorted; None if the server named none, which means the
    /// one that was asked for.
    #[getter]
    fn scope<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        let scope = self.token.scope().map(ToString::to_string);
        let words =
            |scope: String| PyList::new(py, scope.split(' ').filter(|word| !word.is_empty()));
        scope.map(words).transpose()
    }

    /// The refresh token that some servers send with it, or None.
    #[getter]
    fn refresh_token(&self) -> Option<&str> {
        let token = self.token.refresh_token();
        token.map(|token| token.expose_secret())
    }

    /// How long the refresh token lives, in seconds, or None.
    #[getter]
    fn refresh_expires_in(&self) -> Option<f64> {
        let life = self.token.refresh_expires_in();
        life.map(|life| life.as_secs_f64())
    }

    fn __repr__(&self) -> String {
        let mut shown = "<prove_token.AccessToken [redacted], ".to_owned();
        // Writing to a string does not fail.
        let _ = write!(shown, "expires in {:.0} s>", self.expires_in());
        shown
    }

    /// Refused: a token in a pickle is a token on a disk.
    fn __reduce_ex__(&self, _protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "an AccessToken can be neither pickled nor copied: ask the client where it is needed",
        ))
    }
}
