//! The command as a process: what it prints, where, and its exit code, against a
//! real emulator.
#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod call;
mod completion;
mod config;
mod doctor;
mod emulator;
#[cfg(unix)]
mod ending;
#[cfg(unix)]
mod exec;
mod exit;
mod flow;
mod harness;
#[cfg(unix)]
mod init;
mod inspect;
mod man;
#[cfg(unix)]
mod progress;
#[cfg(unix)]
mod purge;
mod schema;
#[cfg(unix)]
mod serve;
#[cfg(unix)]
mod setup;
mod source;
#[cfg(unix)]
mod status;
#[cfg(unix)]
mod store;
#[cfg(target_os = "linux")]
mod terminal;
mod token;
mod transcript;
#[cfg(unix)]
mod watch;
