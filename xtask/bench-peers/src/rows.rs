//! The rows: one function each.

mod cached;
mod command;
mod keys;
mod network;

use std::path::Path;

use crate::figure::Outcome;

/// Measures the row of that name; `command` is our command as it was built.
pub fn run(row: &str, command: &Path) -> Outcome<()> {
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
        "15" => keys::growing(),
        other => Err(format!("there is no row `{other}`").into()),
    }
}
