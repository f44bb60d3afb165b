//! Measures rows of the performance goals, and prints a line of JSON for each figure.
//! `cargo xtask bench` builds and runs it, and judges what it says.

mod figure;
mod meter;
mod ours;
mod peers;
mod rows;
mod server;

use figure::Outcome;

fn main() -> Outcome<()> {
    let mut words = std::env::args().skip(1);
    let row = words.next().ok_or("name a row")?;
    rows::run(&row)
}
