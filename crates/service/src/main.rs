//! The service `prove-tokend`; all of it is in the library.

use std::process::ExitCode;

use prove_token_config::{Env, end_commands};

fn main() -> ExitCode {
    let code = prove_token_service::main_with(std::env::args_os(), Env::from_process());
    // A signal may leave one running that prints a secret.
    end_commands();
    ExitCode::from(code)
}
