//! The `prove-token` command; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(prove_token_cli::main_with(
        std::env::args_os(),
        prove_token_config::Env::from_process(),
    ))
}
