//! The service as a library: a token broker for one machine, a drop-in `/token`, and a
//! proxy that adds the token. The binary `prove-tokend` and the command
//! `prove-token serve` are thin edges over it.
#![forbid(unsafe_code)]

mod accept;
mod admin;
mod args;
mod bearer;
mod caller;
mod chronicle;
mod connection;
mod desk;
mod events;
mod failure;
mod guard;
mod listener;
mod log;
mod lookout;
mod metrics;
mod office;
mod openapi;
mod patience;
mod peer;
mod provider;
mod proxy;
mod quota;
mod reply;
mod roster;
mod route;
mod service;
mod state;
mod stream;
mod strict;

pub use args::main_with;
pub use failure::Failure;
pub use service::{Running, Service};
