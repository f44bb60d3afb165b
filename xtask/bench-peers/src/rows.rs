//! The rows: one function each.

mod cached;
mod command;
mod keys;
mod network;
mod proxy;
mod service;

use std::path::Path;

use crate::figure::Outcome;

/// Measures the row of that name; `command` and `service` are ours as they were built.
pub fn run(row: &str, command: &Path, service: &Path) -> Outcome<()> {
    match row {
        "1" => cached::one_thread(),
        "2" => cached::two_threads(),
        "3" => cached::header(),
        "4" => network::herd(),
        "5" => network::failing_herd(),
        "6" => network::one_request(),
        "7" => keys::many(),
        "8" => command::kept_token(command),
        "9" => command::first_token(command),
        "12" => service::token_cpu(service),
        "13" => service::token_latency(service),
        "14" => proxy::forwarded(service),
        "15" => keys::growing().and_then(|()| service::growing(service)),
        other => Err(format!("there is no row `{other}`").into()),
    }
}
