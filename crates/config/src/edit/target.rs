//! The file behind the path, and how it is written.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::error::{Error, Problem};
use crate::file::Config;
use crate::place::printable;
use crate::replacement::{self, Ownership};

/// What a new file allows.
const NEW: Ownership = Ownership {
    mode: 0o600,
    owner: None,
};

/// The file that a path leads to, through links.
pub(super) struct Target {
    path: PathBuf,
    exists: bool,
}

impl Target {
    /// The file at `path`, which need not exist.
    pub(super) fn find(path: &Path) -> Result<Self, Problem> {
        match path.canonicalize() {
            Ok(path) => Ok(Self { path, exists: true }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if path.is_symlink() {
                    let problem = refused(path, "is a link that leads nowhere");
                    return Err(problem.with_hint("remove the link, or make what it leads to"));
                }
                let path = std::path::absolute(path).map_err(|error| not_written(path, &error))?;
                let exists = false;
                Ok(Self { path, exists })
            }
            Err(error) => Err(not_written(path, &error)),
        }
    }

    /// As [`find`](Self::find); the folder exists afterwards.
    pub(super) fn make(path: &Path) -> Result<Self, Problem> {
        let target = Self::find(path)?;
        if let Some(folder) = target.path.parent().filter(|_| !target.exists) {
            replacement::make_folder(folder).map_err(|error| not_written(path, &error))?;
        }
        Ok(target)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file beside it that is locked.
    pub(super) fn lock_path(&self) -> PathBuf {
        let mut name = std::ffi::OsString::from(".");
        name.push(self.path.file_name().unwrap_or_default());
        name.push(".lock");
        self.path.with_file_name(name)
    }

    /// The text, or `None` if there is no file. `path` is what the user calls it.
    pub(super) fn read(&self, path: &Arc<Path>) -> Result<Option<Zeroizing<String>>, Error> {
        // Another process may have made it since this one looked.
        match self.exists || self.path.exists() {
            true => Config::text(path).map(Some),
            false => Ok(None),
        }
    }

    pub(super) fn write(&self, text: &str) -> Result<(), Problem> {
        let ownership = self
            .ownership()
            .map_err(|error| not_written(&self.path, &error))?;
        replacement::replace(&self.path, text.as_bytes(), ownership)
            .map_err(|error| not_written(&self.path, &error))
    }

    /// That of the file it replaces.
    #[cfg(unix)]
    fn ownership(&self) -> io::Result<Ownership> {
        use std::os::unix::fs::MetadataExt as _;
        match self.path.metadata() {
            Ok(old) => Ok(Ownership {
                mode: old.mode() & 0o7777,
                owner: Some((old.uid(), old.gid())),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(NEW),
            Err(error) => Err(error),
        }
    }

    #[cfg(not(unix))]
    fn ownership(&self) -> io::Result<Ownership> {
        Ok(NEW)
    }
}

fn not_written(path: &Path, error: &io::Error) -> Problem {
    refused(path, &format!("cannot be written: {}", error.kind()))
        .with_hint("edit it as its owner, or name another file with --config")
}

fn refused(path: &Path, problem: &str) -> Problem {
    Problem::new(format!(
        "the configuration file {} {problem}",
        printable(path)
    ))
}
