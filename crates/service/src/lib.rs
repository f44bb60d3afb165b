//! The service as a library: a token broker for one machine, a drop-in `/token`, and a
//! proxy that adds the token. The binary `prove-tokend` and the command
//! `prove-token serve` are thin edges over it.
#![forbid(unsafe_code)]

mod accept;
mod args;
mod bearer;
mod caller;
mod connection;
mod desk;
mod failure;
mod guard;
mod listener;
mod office;
mod patience;
mod peer;
mod provider;
mod proxy;
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
