//! Measures rows of the performance goals, and prints a line of JSON for each figure.
//! `cargo xtask bench` builds and runs it, and judges what it says.

mod daemon;
mod figure;
mod load;
mod meter;
mod ours;
mod peers;
mod rows;
mod server;

use figure::Outcome;

fn main() -> Outcome<()> {
    let mut words = std::env::args().skip(1);
    let usage = "usage: rows <row> <path of prove-token> <path of prove-tokend>";
    let row = words.next().ok_or(usage)?;
    let command = words.next().ok_or(usage)?;
    let service = words.next().ok_or(usage)?;
    rows::run(&row, command.as_ref(), service.as_ref())
}
