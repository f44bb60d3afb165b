//! The `prove-token` command as a library, so that the Python package can bring
//! the same command.
//!
//! stdout carries the result and nothing else; words, events and hints go to
//! stderr. Exit codes are those of
//! [`prove_token_config::Outcome`], and 2 for wrong usage.
#![forbid(unsafe_code)]

mod answer;
mod api;
mod args;
mod child;
mod command;
mod completion;
mod console;
mod doctor;
mod failure;
mod interrupt;
mod manner;
mod manual;
mod printable;
mod progress;
mod prompt;
mod report;
mod screen;
mod session;
mod shell;
mod table;
mod times;
mod usage;

pub use command::main_with;
