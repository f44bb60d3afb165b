//! Programs that run with a token of ours, or because of one.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus};

use prove_token::ErrorKind;
use prove_token_config::Env;

use crate::failure::Failure;
use crate::printable::printable;

/// The exit code for a program that is there, and that the system does not run.
const NOT_EXECUTABLE: u8 = 126;
/// The exit code for a program that is not there.
const NOT_FOUND: u8 = 127;

/// The program that the first of `words` names, with the others as its arguments and the
/// variables of `environment` alone. No shell is involved.
pub(crate) fn command(words: &[OsString], environment: &Env) -> Command {
    let (program, arguments) = match words {
        [program, arguments @ ..] => (program.clone(), arguments),
        [] => (OsString::new(), words),
    };
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(environment.iter());
    command
}

/// Why the program of `words` could not be started, with the exit code that `env` and
/// shells have for it.
pub(crate) fn not_started(words: &[OsString], error: &io::Error) -> Failure {
    let path = words.first().map(Path::new).unwrap_or(Path::new(""));
    let name = printable(&path.to_string_lossy());
    if error.kind() != io::ErrorKind::NotFound {
        return Failure::new(
            ErrorKind::Configuration,
            format!("{name} cannot be run: {}", error.kind()),
        )
        .hint("see whether it may be executed, and for this machine: ls -l shows the former")
        .with_exit_code(NOT_EXECUTABLE);
    }
    // A name without a folder is looked for on PATH, wherever a file of this name is.
    let is_there = path.components().count() > 1 && path.exists();
    let failure = match is_there {
        true => Failure::new(
            ErrorKind::Configuration,
            format!("{name} cannot be run: the program that is to run it was not found"),
        )
        .hint("its first line, after #!, names an interpreter that is not there"),
        false => Failure::new(ErrorKind::Configuration, format!("{name} was not found"))
            .hint("name a program on PATH or by its path; no shell is involved"),
    };
    failure.with_exit_code(NOT_FOUND)
}

/// The exit code of a program that has ended, as shells have it: 128 and the number of
/// the signal that ended it.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        if let Some(signal) = status.signal() {
            return u8::try_from(signal).map_or(u8::MAX, |signal| 128 | signal);
        }
    }
    // Codes of Windows may be larger.
    let code = status.code().unwrap_or(1);
    u8::try_from(code).unwrap_or(u8::MAX)
}
