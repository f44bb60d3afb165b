//! The rows: one function each.

mod cached;

use crate::figure::Outcome;

/// Measures the row of that name.
pub fn run(row: &str) -> Outcome<()> {
    match row {
        "1" => cached::one_thread(),
        "2" => cached::two_threads(),
        "3" => cached::header(),
        other => Err(format!("there is no row `{other}`").into()),
    }
}
