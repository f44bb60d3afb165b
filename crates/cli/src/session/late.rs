//! A transport that is set up when something is sent, which most runs never do.

use std::future::ready;
use std::sync::OnceLock;

use http::Request;
use prove_token::transport::{
    Body, HttpTransport, Sending, Transport, TransportError, TransportErrorKind,
};

use crate::failure::Failure;

/// An empty place for a transport.
#[derive(Debug, Default)]
pub(crate) struct LateTransport(OnceLock<HttpTransport>);

impl LateTransport {
    /// The transport that `make` made, now or before.
    pub(super) fn set_up(
        &self,
        make: impl FnOnce() -> Result<HttpTransport, Failure>,
    ) -> Result<(), Failure> {
        if self.0.get().is_none() {
            // Whoever was faster made the same.
            let _ = self.0.set(make()?);
        }
        Ok(())
    }
}

impl Transport for LateTransport {
    fn send(&self, request: Request<Body>) -> Sending<'_> {
        match self.0.get() {
            Some(transport) => transport.send(request),
            None => Box::pin(ready(Err(TransportError::new(
                TransportErrorKind::Setup,
                "the transport was not set up",
            )))),
        }
    }
}
