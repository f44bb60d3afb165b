//! The local Prove, for tests.

use std::mem::ManuallyDrop;

use prove_token_emulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Fault};
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arguments::seconds;

/// An emulator of the process that started it: a forked child has a copy of it, but not
/// its thread, for which an end would wait in vain.
pub(crate) struct OwnEmulator {
    process: u32,
    emulator: ManuallyDrop<prove_token_emulator::Emulator>,
}

impl OwnEmulator {
    pub(crate) fn new(emulator: prove_token_emulator::Emulator) -> Self {
        Self {
            process: std::process::id(),
            emulator: ManuallyDrop::new(emulator),
        }
    }

    fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }
}

impl Drop for OwnEmulator {
    fn drop(&mut self) {
        if self.is_ours() {
            self.emulator.stop();
        }
    }
}

/// A running local Prove; see `emulator()`.
#[pyclass(frozen, module = "prove_token")]
pub(crate) struct Emulator {
    own: OwnEmulator,
    client_id: String,
    client_secret: String,
}

/// Starts a local Prove on a loopback port, with which everything works without an
/// account. It is a context manager, and stops at the end of the block.
///
/// rate_limit is in requests a second, 0 for none; lifetime is a token's, in seconds;
/// faults are texts such as "status=503,times=2".
#[pyfunction]
#[pyo3(signature = (*, port=0, client_id=DEFAULT_CLIENT_ID.to_owned(), client_secret=DEFAULT_CLIENT_SECRET.to_owned(), rate_limit=25, lifetime=3600.0, faults=Vec::new()),
       text_signature = "(*, port=0, client_id='emulator-client-id', client_secret='emulator-client-secret', rate_limit=25, lifetime=3600.0, faults=())")]
pub(crate) fn emulator(
    py: Python<'_>,
    port: u16,
    client_id: String,
    client_secret: String,
    rate_limit: u32,
    lifetime: f64,
    faults: Vec<String>,
) -> PyResult<Emulator> {
    let mut builder = prove_token_emulator::Emulator::builder()
        .port(port)
        .client(&client_id, &client_secret)
        .rate_limit(rate_limit)
        .lifetime(seconds("lifetime", lifetime)?);
    for text in faults {
        builder = builder.fault(fault(&text)?);
    }
    let started = py.detach(|| builder.start());
    let emulator = started.map_err(|error| PyOSError::new_err(error.to_string()))?;
    Ok(Emulator {
        own: OwnEmulator::new(emulator),
        client_id,
        client_secret,
    })
}

#[pymethods]
impl Emulator {
    /// The base URL, "http://127.0.0.1:PORT": also the value of PROVE_EMULATOR.
    #[getter]
    fn url(&self) -> &str {
        self.own.emulator.url()
    }

    /// The URL of the token endpoint.
    #[getter]
    fn token_endpoint(&self) -> String {
        self.own.emulator.token_endpoint()
    }

    /// The client id that it accepts.
    #[getter]
    fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The client secret that it accepts; opens nothing but this emulator.
    #[getter]
    fn client_secret(&self) -> &str {
        &self.client_secret
    }

    /// What a client of it is made with: `TokenClient(**emulator.settings)`.
    #[getter]
    fn settings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let settings = PyDict::new(py);
        settings.set_item("token_endpoint", self.token_endpoint())?;
        settings.set_item("api_base", self.url())?;
        settings.set_item("client_id", &self.client_id)?;
        settings.set_item("client_secret", &self.client_secret)?;
        Ok(settings)
    }

    /// How many token requests have arrived.
    #[getter]
    fn token_requests(&self) -> PyResult<usize> {
        Ok(self.here()?.token_requests())
    }

    /// The last 10,000 requests, oldest first, as pairs of method and path.
    fn requests(&self) -> PyResult<Vec<(String, String)>> {
        let requests = self.here()?.requests().into_iter();
        Ok(requests
            .map(|request| (request.method, request.path))
            .collect())
    }

    /// Waits until so many token requests have arrived, answered or not; at most timeout
    /// seconds, after which it returns False.
    #[pyo3(signature = (count, timeout=10.0))]
    fn wait_for_requests(&self, py: Python<'_>, count: usize, timeout: f64) -> PyResult<bool> {
        let (emulator, timeout) = (self.here()?, seconds("timeout", timeout)?);
        Ok(py.detach(|| emulator.wait_for_requests(count, timeout)))
    }

    /// Answers wrongly on purpose, such as "status=503,times=2".
    fn inject(&self, fault: &str) -> PyResult<()> {
        self.here()?.inject(self::fault(fault)?);
        Ok(())
    }

    /// Forgets the faults that are still to come.
    fn clear_faults(&self) -> PyResult<()> {
        self.here()?.clear_faults();
        Ok(())
    }

    /// Revokes every token issued so far; later ones are good.
    fn revoke_all_tokens(&self) -> PyResult<()> {
        self.here()?.revoke_all_tokens();
        Ok(())
    }

    /// Moves the emulator's clock forward by so many seconds.
    fn advance(&self, by: f64) -> PyResult<()> {
        self.here()?.advance(seconds("by", by)?);
        Ok(())
    }

    /// Stops it and closes its port. Called again, it does nothing.
    fn close(&self, py: Python<'_>) {
        if self.own.is_ours() {
            py.detach(|| self.own.emulator.stop());
        }
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) {
        self.close(py);
    }

    fn __repr__(&self) -> String {
        format!("<prove_token.Emulator at {}>", self.url())
    }
}

impl Emulator {
    /// The emulator, in the process that started it.
    fn here(&self) -> PyResult<&prove_token_emulator::Emulator> {
        match self.own.is_ours() {
            true => Ok(&self.own.emulator),
            false => Err(PyRuntimeError::new_err(
                "this emulator runs in the parent process: look at it and change it there",
            )),
        }
    }
}

fn fault(text: &str) -> PyResult<Fault> {
    let fault = text.parse::<Fault>();
    fault.map_err(|error| PyValueError::new_err(error.to_string()))
}
