//! The rules of `prove_token::authorize` for Python's clients of HTTP.

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use prove_token::{Endpoint, authorize};
use pyo3::prelude::*;

use crate::error::exception;

/// The one API that gets the tokens of a client.
#[pyclass(frozen, module = "prove_token._native")]
pub(crate) struct Api(Endpoint);

#[pymethods]
impl Api {
    #[new]
    fn new(py: Python<'_>, base: &str) -> PyResult<Self> {
        let endpoint = base.parse().map(Self);
        endpoint.map_err(|error| exception(py, &error))
    }

    /// Whether a request to this URL may carry a token: it has the API's scheme, host and
    /// port.
    fn is_at(&self, url: &str) -> bool {
        let target = url.parse::<Uri>();
        target.is_ok_and(|target| authorize::may_carry_token(&self.0, &target))
    }
}

/// Whether an answer with this status and these values of `WWW-Authenticate` says that
/// its token is no good any more.
#[pyfunction]
pub(crate) fn rejects_token(status: u16, challenges: Vec<String>) -> bool {
    let Ok(status) = StatusCode::from_u16(status) else {
        return false;
    };
    let mut headers = HeaderMap::new();
    for challenge in challenges {
        // What is no header value did not come in one.
        if let Ok(value) = HeaderValue::try_from(challenge) {
            headers.append(WWW_AUTHENTICATE, value);
        }
    }
    authorize::rejects_token(status, &headers)
}
