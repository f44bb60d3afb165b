//! Project automation. `cargo xtask` without a command prints the help.
//!
//! The commands run what CI runs, under the same names, with nothing but git, the
//! Rust toolchain and Python 3 on the machine; what else they can use (Node.js,
//! strace, a desktop's keyring, shells, mandoc, cargo-deny) they name when it is missing.

mod bench;
mod check;
mod disk;
mod dist;
mod environment;
mod failure;
mod fuzz;
mod graph;
mod notes;
mod process;
mod python;
mod suggestion;
mod test;
mod workspace;

use std::process::ExitCode;

use failure::Failure;

const HELP: &str = "\
Usage: cargo xtask <command>

Commands:
  test [CARGO ARGS] [-- TEST ARGS]  run every test of the workspace, with the interop peers
  check [NAME…]                     run the checks, or only those named
  fuzz [SECONDS]                    run each fuzz target for so long (60); needs a C++ compiler
  bench [--json FILE] [ROW…]        measure the performance goals, or only those rows
  bench --list                      print the goals
  dist [--out DIR] [PART…]          make what a release hands out, for this platform (target/dist):
                                    archive, python, or both
  notes TAG                         print what CHANGELOG.md says of a release, if all agree on it
  help                              print this

Checks:
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            process::say(format_args!("error: {failure}"));
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Failure> {
    // The alias `cargo xtask` ends in `--`, so a user's own `--` arrives as an argument.
    match arguments.split_first() {
        None => help(),
        Some((command, rest)) => match command.as_str() {
            "test" => test::run(rest),
            "check" => check::run(rest),
            "fuzz" => fuzz::run(rest),
            "bench" => bench::run(rest),
            "dist" => dist::run(rest),
            "notes" => notes::run(rest),
            "help" | "-h" | "--help" => help(),
            other => Err(suggestion::unknown(
                "command",
                other,
                &["test", "check", "fuzz", "bench", "dist", "notes", "help"],
            )),
        },
    }
}

fn help() -> Result<(), Failure> {
    process::print(format_args!("{HELP}{}", check::listing()))
}
