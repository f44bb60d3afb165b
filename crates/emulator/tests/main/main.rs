//! The emulator over real sockets, byte by byte.
#![expect(clippy::unwrap_used, reason = "a test's helper fails the test")]

mod api;
mod client;
mod control;
mod fault;
mod flow;
mod lifecycle;
mod operation;
mod secrecy;
mod token;
