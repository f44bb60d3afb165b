//! End-to-end tests of the engine over real connections on loopback.
#![expect(
    clippy::unwrap_used,
    reason = "clippy knows test functions, but not that their helpers here are tests as well"
)]

mod allocation;
mod authorize;
mod canaries;
mod concurrency;
mod doctor;
#[cfg(unix)]
mod edit;
mod egress;
mod examples;
mod field;
mod fork;
mod interop;
mod network;
#[cfg(unix)]
mod sharing;
#[cfg(unix)]
mod store;
mod tls;
mod wire;
