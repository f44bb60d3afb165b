//! Traces by OpenTelemetry, of a service that was built for them (feature `otlp`). The
//! standard variables say where they go; unless they do, nothing is traced. Without the
//! feature whoever set them is told, and that is all.
//!
//! A trace knows routes, profiles and callers by name, and how it went: no path, query,
//! header, key or token, and none of a server's words.

mod settings;

pub(crate) use self::settings::{Settings, without_headers};

#[cfg(feature = "otlp")]
mod export;
#[cfg(feature = "otlp")]
mod flight;
#[cfg(feature = "otlp")]
mod parent;
#[cfg(feature = "otlp")]
mod request;
#[cfg(feature = "otlp")]
pub(crate) use self::{
    export::Traces,
    flight::Flights,
    request::{Serving, Upstream, note_caller, note_profile},
};

#[cfg(not(feature = "otlp"))]
mod none;
#[cfg(not(feature = "otlp"))]
pub(crate) use self::none::{Flights, Serving, Traces, Upstream, note_caller, note_profile};
