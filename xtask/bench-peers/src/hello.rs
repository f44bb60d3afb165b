//! A program that parses its arguments and greets: what any command built with clap
//! costs before it does something.

use clap::Parser;

/// Says hello.
#[derive(Debug, Parser)]
#[command(version)]
struct Hello {
    /// Whom to greet
    #[arg(long, default_value = "world")]
    name: String,
}

fn main() {
    println!("hello, {}", Hello::parse().name);
}
