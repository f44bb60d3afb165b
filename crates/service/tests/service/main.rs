//! The service as a process, over real sockets, against a real emulator.
#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]
#![cfg(unix)]

mod admin;
mod caller;
mod crash;
mod deploy;
mod drain;
mod events;
mod facade;
mod harness;
mod healthcheck;
mod local;
mod log;
mod metrics;
mod openapi;
mod outage;
mod proxy;
mod proxy_bearer;
mod proxy_fault;
mod proxy_retry;
mod proxy_stream;
mod quota;
mod reload;
mod sink;
mod slowhttptest;
mod smuggling;
mod start;
mod systemd;
mod tls;
mod token;
mod upstream;
