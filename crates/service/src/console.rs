//! Standard output and standard error: data here, words there.

use std::io::{self, Write as _};
use std::path::Path;

use prove_token::ErrorKind;

use crate::failure::Failure;

/// Writes a line for people. That nobody reads it is no error.
pub(crate) fn say(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// Writes a result, with a newline at its end.
///
/// # Errors
///
/// `Internal` if it did not arrive as a whole. A reader that went away is told as well:
/// some results are shown once only.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush());
    written.map_err(|error| {
        Failure::new(
            ErrorKind::Internal,
            format!("cannot write to standard output: {}", error.kind()),
        )
    })
}

/// A path on one printable line: file names may hold newlines and terminal escapes.
pub(crate) fn printable(path: &Path) -> String {
    path.to_string_lossy().replace(char::is_control, "\u{fffd}")
}
