//! The service as a process, over real sockets, against a real emulator.
#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]
#![cfg(unix)]

mod admin;
mod caller;
mod canary;
mod crash;
mod crowd;
mod deploy;
mod drain;
#[cfg(target_os = "linux")]
mod dump;
mod events;
mod facade;
mod harness;
mod healthcheck;
mod http2;
mod local;
mod log;
mod metrics;
mod openapi;
mod otlp;
mod outage;
mod proxy;
mod proxy_bearer;
mod proxy_fault;
mod proxy_retry;
mod proxy_stream;
mod quota;
mod reload;
mod sink;
mod slow;
mod slowhttptest;
mod smuggling;
mod socket;
mod start;
mod systemd;
mod tls;
mod token;
mod upstream;
