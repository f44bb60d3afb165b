//! The native module of the Python package `prove_token`: extract, call, convert.
//!
//! It has no logic of its own; what a token is, when it is renewed and how an error
//! reads is the core's. What is here is about Python: its threads, signals, event loops
//! and forks.

mod api;
mod arguments;
mod call;
mod client;
mod command;
mod courier;
mod emulator;
mod engine;
mod error;
mod event;
mod profile;
mod secret;
mod token;
mod wait;

use pyo3::prelude::*;

/// What the Python files of the package are made of; import `prove_token` instead.
#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use crate::api::{Api, rejects_token};
    #[pymodule_export]
    use crate::call::Call;
    #[pymodule_export]
    use crate::client::{Client, TokenClient};
    #[pymodule_export]
    use crate::command::main;
    #[pymodule_export]
    use crate::courier::after_fork_in_child;
    #[pymodule_export]
    use crate::emulator::{Emulator, emulator};
    #[pymodule_export]
    use crate::event::Event;
    #[pymodule_export]
    use crate::secret::Answer;
    #[pymodule_export]
    use crate::token::AccessToken;

    use pyo3::exceptions::PyImportError;

    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        if !is_main_interpreter() {
            return Err(PyImportError::new_err(
                "prove_token works in the main interpreter of a process alone, and not in a \
                 sub-interpreter",
            ));
        }
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }

    /// What is made once for a process, such as its threads that call Python, belongs to
    /// one interpreter.
    fn is_main_interpreter() -> bool {
        // SAFETY: both take nothing but an attached thread, which the initialisation of a
        // module runs on.
        #[expect(unsafe_code, reason = "there is no safe way to ask")]
        let id =
            unsafe { pyo3::ffi::PyInterpreterState_GetID(pyo3::ffi::PyInterpreterState_Get()) };
        id == 0
    }
}
