//! The command `prove-token`, brought by the wheel.

use std::ffi::OsString;
use std::io::Write as _;

use prove_token_config::{Env, end_commands};
use pyo3::prelude::*;

/// Runs the command with these arguments, the program's name first, and returns its exit
/// code. Signals must have their default actions.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| {
        let code = prove_token_cli::main_with(arguments, Env::from_process());
        // As the command's own program does at its end.
        end_commands();
        let _ = std::io::stdout().flush();
        code
    })
}
