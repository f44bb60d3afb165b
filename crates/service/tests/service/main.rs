//! The service as a process, over real sockets, against a real emulator.
#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]
#![cfg(unix)]

mod caller;
mod deploy;
mod drain;
mod facade;
mod harness;
mod healthcheck;
mod local;
mod reload;
mod sink;
mod start;
mod systemd;
mod tls;
mod token;
