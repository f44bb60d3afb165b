//! The service as a library: a token broker for one machine, a drop-in `/token`, and a
//! proxy that adds the token. The binary `prove-tokend` and the command
//! `prove-token serve` are thin edges over it.
#![forbid(unsafe_code)]

mod accept;
mod admin;
mod args;
mod banner;
mod bearer;
mod body;
mod broker;
mod caller;
mod checkup;
mod chronicle;
mod command;
mod connection;
mod console;
mod desk;
mod events;
mod failure;
mod guard;
mod hardening;
mod key;
mod listener;
mod log;
mod lookout;
mod metrics;
mod notice;
mod office;
mod openapi;
mod patience;
mod peer;
mod plan;
mod provider;
mod proxy;
mod quota;
mod ready;
mod reply;
mod roster;
mod route;
mod service;
mod sink;
mod staff;
mod state;
mod steward;
mod stream;
mod strict;
mod systemd;
mod tls;
mod trace;

pub use args::{HandsOutArg, Logging, main_with, serve};
pub use broker::Broker;
pub use checkup::{Checkup, Pulse, SocketReport, SocketState};
pub use failure::Failure;
pub use hardening::{harden, hide_memory};
pub use log::LogFormat;
pub use notice::Notice;
pub use service::{Ending, Running, Service};
