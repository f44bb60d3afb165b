//! The only file that reads the process environment.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// Whether this is a run that must not skip anything: `CI=true`.
pub(crate) fn is_ci() -> bool {
    read("CI").is_some_and(|value| value == "true" || value == "1")
}

/// The folders in which programs are looked up.
pub(crate) fn path() -> Vec<PathBuf> {
    read("PATH").map_or_else(Vec::new, |value| env::split_paths(&value).collect())
}

/// Where Cargo keeps what it fetched.
pub(crate) fn cargo_home() -> Option<PathBuf> {
    read("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
}

/// How old the files of a build are to be: seconds since 1970, by
/// <https://reproducible-builds.org/specs/source-date-epoch/>.
pub(crate) fn source_date_epoch() -> Option<String> {
    read("SOURCE_DATE_EPOCH").map(|value| value.to_string_lossy().into_owned())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place of this crate that reads the environment"
)]
fn read(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}
