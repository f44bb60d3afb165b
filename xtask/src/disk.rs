//! Failures of this machine's disk, in words.

use std::fs;
use std::io;
use std::path::Path;

use crate::failure::Failure;

/// The text of a file.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| failure("read", path, &error))
}

/// What could not be done, with what, and why.
pub(crate) fn failure(verb: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot {verb} {}: {error}", path.display()))
}
