//! What callers pass, checked once; whatever is wrong is told by the argument's name.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use prove_token::{CallOptions, ClientSecret, Error, ErrorKind, Secret};
use prove_token_config::{Overrides, SecretOverride};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::error::exception;

/// The arguments of a client that is made of them.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) overrides: Overrides,
    pub(crate) secret: Option<Py<PyAny>>,
    pub(crate) on_event: Option<Py<PyAny>>,
}

impl Settings {
    pub(crate) fn parse(given: &Bound<'_, PyDict>) -> PyResult<Self> {
        let mut settings = Self::default();
        for (name, value) in given {
            if !settings.take(&Argument(name.cast()?, &value))? {
                return Err(PyTypeError::new_err(format!(
                    "a token client has no argument {}",
                    name.repr()?
                )));
            }
        }
        Ok(settings)
    }

    /// Takes one argument, `None` as if it were left out; false if there is none of that
    /// name.
    fn take(&mut self, argument: &Argument<'_, '_>) -> PyResult<bool> {
        let name = argument.0.to_str()?;
        let is_of = [Self::take_address, Self::take_request, Self::take_own];
        for take in is_of {
            if take(self, name, argument)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where tokens come from, and the way there.
    fn take_address(&mut self, name: &str, argument: &Argument<'_, '_>) -> PyResult<bool> {
        let overrides = &mut self.overrides;
        match name {
            "environment" => overrides.environment = argument.parsed()?,
            "token_endpoint" => overrides.token_endpoint = argument.parsed()?,
            "api_base" => overrides.api_base = argument.parsed()?,
            "proxy" => overrides.proxy = argument.parsed()?,
            "ca_file" => overrides.ca_file = argument.path()?,
            "connect_timeout" => overrides.connect_timeout = argument.seconds()?,
            "attempt_timeout" => overrides.attempt_timeout = argument.seconds()?,
            "flight_timeout" => overrides.flight_timeout = argument.seconds()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What is asked for, and in whose name.
    fn take_request(&mut self, name: &str, argument: &Argument<'_, '_>) -> PyResult<bool> {
        let overrides = &mut self.overrides;
        match name {
            "client_id" => overrides.client_id = argument.parsed()?,
            "client_authentication" => overrides.client_authentication = argument.parsed()?,
            "scope" => {
                let words = argument.words()?;
                let scope = words.map(|words| argument.parse(&words)).transpose()?;
                overrides.scope = scope;
            }
            "audience" => overrides.audience = argument.text()?,
            "resource" => overrides.resource = argument.text()?,
            "parameters" => overrides.parameters = argument.secrets()?,
            "accept_narrower_scope" => overrides.accept_narrower_scope = argument.flag()?,
            "default_lifetime" => overrides.default_lifetime = argument.seconds()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What is Python's own, or looks different in it.
    fn take_own(&mut self, name: &str, argument: &Argument<'_, '_>) -> PyResult<bool> {
        match name {
            "client_secret" => self.take_secret(argument)?,
            "on_event" => self.on_event = argument.callable("a callable")?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn take_secret(&mut self, argument: &Argument<'_, '_>) -> PyResult<()> {
        self.overrides.client_secret = match argument.1.extract::<String>() {
            Ok(text) => {
                let secret = ClientSecret::new(text);
                Some(SecretOverride::Value(
                    secret.map_err(|error| argument.of(&error))?,
                ))
            }
            Err(_) => {
                self.secret = argument.callable("a str, or a callable that returns one")?;
                // What obtains no token until it is replaced by what calls this.
                self.secret.is_some().then_some(SecretOverride::None)
            }
        };
        Ok(())
    }
}

/// An argument and its value.
struct Argument<'a, 'py>(&'a Bound<'py, PyString>, &'a Bound<'py, PyAny>);

impl<'a, 'py> Argument<'a, 'py> {
    /// The value as `what` says; `None` for `None`. It is never shown: it may be a secret.
    fn extract<T: for<'b> FromPyObject<'b, 'py>>(&self, what: &str) -> PyResult<Option<T>> {
        if self.1.is_none() {
            return Ok(None);
        }
        let value = self.1.extract::<T>();
        value.map(Some).map_err(|_| self.wrong(what))
    }

    fn wrong(&self, what: &str) -> PyErr {
        let of = self.1.get_type();
        let of = of
            .name()
            .map_or_else(|_| "something else".to_owned(), |name| name.to_string());
        PyTypeError::new_err(format!("{} must be {what}, not {of}", self.0))
    }

    fn text(&self) -> PyResult<Option<String>> {
        self.extract("a str")
    }

    fn flag(&self) -> PyResult<Option<bool>> {
        self.extract("a bool")
    }

    fn path(&self) -> PyResult<Option<PathBuf>> {
        self.extract("a path")
    }

    fn seconds(&self) -> PyResult<Option<Duration>> {
        let number = self.extract("a number of seconds")?;
        let name = self.0.to_str()?;
        number.map(|number| seconds(name, number)).transpose()
    }

    fn parsed<T: FromStr<Err = Error>>(&self) -> PyResult<Option<T>> {
        let text = self.text()?;
        text.map(|text| self.parse(&text)).transpose()
    }

    fn parse<T: FromStr<Err = Error>>(&self, text: &str) -> PyResult<T> {
        text.parse().map_err(|error| self.of(&error))
    }

    /// One text, or several.
    fn words(&self) -> PyResult<Option<String>> {
        if self.1.is_instance_of::<PyString>() {
            return self.text();
        }
        let words: Option<Vec<String>> = self.extract("a str or a list of them")?;
        Ok(words.map(|words| words.join(" ")))
    }

    fn secrets(&self) -> PyResult<Option<BTreeMap<String, Secret>>> {
        let members: Option<BTreeMap<String, String>> = self.extract("a dict of str to str")?;
        let secret = |members: BTreeMap<String, String>| {
            let members = members.into_iter();
            members
                .map(|(name, value)| (name, Secret::new(value)))
                .collect()
        };
        Ok(members.map(secret))
    }

    fn callable(&self, what: &str) -> PyResult<Option<Py<PyAny>>> {
        match self.1 {
            none if none.is_none() => Ok(None),
            callable if callable.is_callable() => Ok(Some(callable.clone().unbind())),
            _ => Err(self.wrong(what)),
        }
    }

    /// `error` of this argument.
    fn of(&self, error: &Error) -> PyErr {
        let named = Error::new(error.kind(), format!("{}: {error}", self.0));
        let named = match error.hint() {
            Some(hint) => named.with_hint(hint),
            None => named,
        };
        exception(self.0.py(), &named)
    }
}

/// A callable that is given by itself, and not among others.
pub(crate) fn callback(
    name: &str,
    given: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<Py<PyAny>>> {
    let Some(given) = given else { return Ok(None) };
    Argument(&PyString::new(given.py(), name), given).callable("a callable")
}

/// A number of seconds.
pub(crate) fn seconds(name: &str, number: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(number).map_err(|_| {
        PyValueError::new_err(format!(
            "{name} is a number of seconds from 0 on, not {number}"
        ))
    })
}

/// How a call wants its token.
pub(crate) fn options(
    min_validity: Option<f64>,
    timeout: Option<f64>,
    force: bool,
) -> PyResult<CallOptions> {
    let mut options = CallOptions::new().force(force);
    if let Some(least) = min_validity {
        options = options.min_validity(seconds("min_validity", least)?);
    }
    if let Some(limit) = timeout {
        options = options.max_wait(seconds("timeout", limit)?);
    }
    Ok(options)
}

/// An argument that is needed, and was left out.
pub(crate) fn missing(py: Python<'_>, name: &str, hint: &str) -> PyErr {
    let error = Error::new(ErrorKind::Configuration, format!("{name} is missing"));
    exception(py, &error.with_hint(hint))
}
