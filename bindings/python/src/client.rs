//! The clients of Python.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use prove_token_config::Overrides;
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};

use crate::arguments::{Settings, callback, options};
use crate::call::Call;
use crate::courier;
use crate::engine::Engine;
use crate::error::{closed, exception};
use crate::event::Listener;
use crate::token::AccessToken;
use crate::wait;

/// The argument by which a class method hands over an engine that it found.
const ENGINE: &str = "_engine";

/// What both clients have in common.
#[pyclass(frozen, subclass, weakref, module = "prove_token._native")]
pub(crate) struct Client {
    engine: ArcSwapOption<Engine>,
    listener: ArcSwapOption<Listener>,
}

/// An engine on its way into a client.
#[pyclass(frozen, module = "prove_token._native")]
struct Handle(Arc<Engine>);

impl Client {
    fn make(py: Python<'_>, given: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let given = given.map_or_else(|| PyDict::new(py), Bound::clone);
        if let Some(handle) = given.get_item(ENGINE)? {
            let engine = Arc::clone(&handle.cast::<Handle>()?.get().0);
            let on_event = given.get_item("on_event")?;
            return Self::listening(py, engine, callback("on_event", on_event.as_ref())?);
        }
        let settings = Settings::parse(&given)?;
        let engine = Engine::of_arguments(py, &settings)?;
        Self::listening(py, engine, settings.on_event)
    }

    fn listening(
        py: Python<'_>,
        engine: Arc<Engine>,
        on_event: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let listener = on_event.map(|callback| Arc::new(Listener(callback)));
        if let Some(listener) = &listener {
            courier::EVENTS.ensure(py)?;
            engine.hub.add(listener);
        }
        Ok(Self {
            engine: ArcSwapOption::new(Some(engine)),
            listener: ArcSwapOption::new(listener),
        })
    }

    /// A client of the class `class`, with the engine of a profile.
    fn of_profile<'py>(
        class: &Bound<'py, PyType>,
        overrides: &Overrides,
        on_event: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        // What is wrong with it should be told before an engine starts.
        callback("on_event", on_event.as_ref())?;
        let engine = Engine::of_profile(class.py(), overrides)?;
        let arguments = PyDict::new(class.py());
        arguments.set_item(ENGINE, Handle(engine).into_pyobject(class.py())?)?;
        arguments.set_item("on_event", on_event)?;
        class.call_method("__new__", (class,), Some(&arguments))
    }

    fn open(&self) -> PyResult<Arc<Engine>> {
        self.engine.load_full().ok_or_else(closed)
    }

    /// The token that is fresh, if a call that wants no other may have it.
    fn fresh(&self, py: Python<'_>, is_plain: bool) -> PyResult<Option<Py<AccessToken>>> {
        if !is_plain {
            return Ok(None);
        }
        let engine = self.engine.load();
        let engine = engine.as_ref().ok_or_else(closed)?;
        let token = engine.fresh();
        token.map(|token| engine.hand_out(py, &token)).transpose()
    }

    fn obtain(
        &self,
        py: Python<'_>,
        min_validity: Option<f64>,
        timeout: Option<f64>,
        force: bool,
    ) -> PyResult<Py<AccessToken>> {
        let is_plain = min_validity.is_none() && timeout.is_none() && !force;
        if let Some(token) = self.fresh(py, is_plain)? {
            return Ok(token);
        }
        let engine = self.open()?;
        let obtaining = engine.obtaining(options(min_validity, timeout, force)?);
        match wait::to_the_end(py, obtaining)? {
            Ok(token) => engine.hand_out(py, &token),
            Err(error) => Err(exception(py, &error)),
        }
    }
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (**settings), text_signature = "(*, environment=None, token_endpoint=None, client_id=None, client_secret=None, client_authentication=None, scope=None, accept_narrower_scope=None, audience=None, resource=None, parameters=None, api_base=None, ca_file=None, proxy=None, connect_timeout=None, attempt_timeout=None, flight_timeout=None, default_lifetime=None, on_event=None)")]
    fn new(py: Python<'_>, settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Self::make(py, settings)
    }

    /// A client of the profile "env", which PROVE_CLIENT_ID, PROVE_CLIENT_SECRET (or
    /// PROVE_CLIENT_SECRET_FILE) and PROVE_ENVIRONMENT make.
    #[classmethod]
    #[pyo3(signature = (*, on_event=None))]
    fn from_env<'py>(
        cls: &Bound<'py, PyType>,
        on_event: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let overrides = Overrides {
            profile: Some("env".to_owned()),
            ..Overrides::default()
        };
        Self::of_profile(cls, &overrides, on_event)
    }

    /// A client of a profile of the configuration file, by the rules of the command
    /// prove-token. Without a name: PROVE_TOKEN_PROFILE, else "env" if PROVE_CLIENT_ID is
    /// set, else the file's default_profile. All clients of a profile share one cache.
    #[classmethod]
    #[pyo3(signature = (name=None, *, config=None, on_event=None))]
    fn from_profile<'py>(
        cls: &Bound<'py, PyType>,
        name: Option<String>,
        config: Option<PathBuf>,
        on_event: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let overrides = Overrides {
            profile: name,
            config,
            ..Overrides::default()
        };
        Self::of_profile(cls, &overrides, on_event)
    }

    /// Says that an API rejected this token (status 401), so that the next call asks for
    /// another. Of a token that was replaced already it does nothing.
    fn invalidate(&self, token: &Bound<'_, AccessToken>) -> PyResult<()> {
        self.open()?.invalidate(token.get());
        Ok(())
    }

    /// Where the API's operations are; None if nothing says so.
    #[getter]
    fn api_base(&self) -> PyResult<Option<String>> {
        Ok(self.open()?.api_base.as_ref().map(ToString::to_string))
    }

    /// Where tokens come from.
    #[getter]
    fn token_endpoint(&self) -> PyResult<String> {
        Ok(self.open()?.token_endpoint().to_string())
    }

    /// Ends the client; calls of it raise RuntimeError from then on. Others of the same
    /// profile are not affected.
    fn close(&self, py: Python<'_>) {
        let engine = self.engine.swap(None);
        let listener = self.listener.swap(None);
        // The end of an emulator is waited for.
        py.detach(|| drop((engine, listener)));
    }

    /// For integrations: waits for a token, whichever client this is.
    fn _wait(&self, py: Python<'_>) -> PyResult<Py<AccessToken>> {
        self.obtain(py, None, None, false)
    }

    /// A token that is fresh, or a call to wait for.
    #[pyo3(signature = (min_validity=None, timeout=None, force=false))]
    fn _begin(
        &self,
        py: Python<'_>,
        min_validity: Option<f64>,
        timeout: Option<f64>,
        force: bool,
    ) -> PyResult<Py<PyAny>> {
        let is_plain = min_validity.is_none() && timeout.is_none() && !force;
        if let Some(token) = self.fresh(py, is_plain)? {
            return Ok(token.into_any());
        }
        let engine = self.open()?;
        let obtaining = engine.obtaining(options(min_validity, timeout, force)?);
        Ok(Py::new(py, Call::new(engine, obtaining))?.into_any())
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let name = slf.get_type().name()?;
        Ok(match &*slf.get().engine.load() {
            Some(engine) => format!("<prove_token.{name} of {}>", engine.token_endpoint()),
            None => format!("<prove_token.{name}, closed>"),
        })
    }

    /// Refused: a client holds a secret and connections.
    fn __reduce_ex__(slf: &Bound<'_, Self>, _protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(pyo3::exceptions::PyTypeError::new_err(format!(
            "a {} can be neither pickled nor copied: make one where it is needed",
            slf.get_type().name()?
        )))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match &*self.listener.load() {
            Some(listener) => visit.call(&listener.0),
            None => Ok(()),
        }
    }

    fn __clear__(&self) {
        self.listener.store(None);
    }
}

/// Obtains access tokens and hands them out while they live, for threads. One client is
/// enough for any number of them.
///
/// Where tokens come from is said by environment ("uat-us", "prod-us", "uat-eu",
/// "prod-eu" or "emulator") or by token_endpoint, a URL. client_secret is a str, or a
/// callable that returns one. Times are in seconds.
#[pyclass(frozen, subclass, extends = Client, module = "prove_token")]
pub(crate) struct TokenClient;

#[pymethods]
impl TokenClient {
    #[new]
    #[pyo3(signature = (**settings), text_signature = "(*, environment=None, token_endpoint=None, client_id=None, client_secret=None, client_authentication=None, scope=None, accept_narrower_scope=None, audience=None, resource=None, parameters=None, api_base=None, ca_file=None, proxy=None, connect_timeout=None, attempt_timeout=None, flight_timeout=None, default_lifetime=None, on_event=None)")]
    fn new(
        py: Python<'_>,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let base = Client::make(py, settings)?;
        Ok(PyClassInitializer::from(base).add_subclass(Self))
    }

    /// A usable token: from the cache, or else from the server.
    ///
    /// It should live min_validity seconds more (half of its life counts at most). timeout
    /// is the longest wait in seconds, 30 unless it is given; with 0 the call never waits,
    /// but a request begins. With force the token must be newer than the one at hand.
    #[pyo3(signature = (*, min_validity=None, timeout=None, force=false))]
    fn access_token(
        slf: &Bound<'_, Self>,
        min_validity: Option<f64>,
        timeout: Option<f64>,
        force: bool,
    ) -> PyResult<Py<AccessToken>> {
        slf.as_super()
            .get()
            .obtain(slf.py(), min_validity, timeout, force)
    }

    /// "Bearer " and a usable token, for the header Authorization.
    #[pyo3(signature = (*, min_validity=None, timeout=None, force=false))]
    fn authorization_header(
        slf: &Bound<'_, Self>,
        min_validity: Option<f64>,
        timeout: Option<f64>,
        force: bool,
    ) -> PyResult<Py<PyString>> {
        let py = slf.py();
        let token = slf
            .as_super()
            .get()
            .obtain(py, min_validity, timeout, force)?;
        Ok(token.get().header(py).clone_ref(py))
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(slf: &Bound<'_, Self>, _exception: &Bound<'_, PyAny>) {
        slf.as_super().get().close(slf.py());
    }
}
