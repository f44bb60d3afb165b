//! What the end-to-end tests share: peers that speak (or break) HTTP and TLS on
//! loopback, canaries and the search for them, and the wire cases.
//!
//! Nothing here is for applications.
#![forbid(unsafe_code)]

pub mod blackhole;
pub mod canary;
pub mod client;
pub mod dial;
pub mod emulator;
pub mod gate;
pub mod http;
pub mod listener;
pub mod log;
pub mod peer;
#[cfg(unix)]
pub mod store;
pub mod tls;
pub mod wire;
