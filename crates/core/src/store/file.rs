//! Entries as files in a folder of one's own.
//!
//! The folder is 0700, its files 0600, and nothing in it is believed that others could
//! have put there. An entry is written beside its place and renamed into it, without
//! fsync: what a crash leaves half written does not open, and is a miss.

mod folder;
mod name;
mod survey;
mod sweep;

use std::path::{Path, PathBuf};
use std::time::Duration;

use self::folder::Folder;
use self::name::{Kind, Names};
pub use self::survey::StoreSurvey;
use super::lock;
use super::{Entry, LARGEST_ENTRY, Lease, StoreError, StoreErrorKind, StoreKey, TokenStore};

/// Keeps sealed entries in the files of a folder, shared by the processes of one user.
///
/// The folder is made when something is first kept, with mode 0700, and its parents as
/// usual. It must belong to the effective user, and no one else may have access;
/// otherwise nothing is read from it or written to it. Files in it have mode 0600 and
/// names that say nothing; what is no regular file, has another mode, owner or name
/// besides, or is larger than [`LARGEST_ENTRY`] is an error, and so a miss.
///
/// Leases are file locks, and so end with their process. A holder that stood still for
/// 3 s is taken for stopped, and one other may take over.
///
/// There is one for Unix only.
#[derive(Clone, Debug)]
pub struct FileStore {
    folder: PathBuf,
}

impl FileStore {
    /// A store in `folder`, which is not touched before it is used.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Removes every entry, those of other clients and those half written included,
    /// and returns how many of them were tokens. Lock files and the key of the names
    /// stay, for they may be in use.
    ///
    /// # Errors
    ///
    /// When an entry could not be removed; the others are, nevertheless.
    pub fn clear(&self) -> Result<usize, StoreError> {
        let Some(folder) = Folder::open(&self.folder)? else {
            return Ok(0);
        };
        let mut tokens = 0;
        let mut outcome = Ok(());
        for name in folder.names()? {
            let Some(kind) = Kind::of(&name) else {
                continue;
            };
            match folder.remove(&name) {
                Ok(removed) => tokens += usize::from(removed && kind == Kind::Token),
                Err(error) => outcome = Err(error),
            }
        }
        outcome.map(|()| tokens)
    }
}

impl TokenStore for FileStore {
    fn load(&self, key: &StoreKey, entry: Entry) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(folder) = Folder::open(&self.folder)? else {
            return Ok(None);
        };
        match Names::existing(&folder, key)? {
            Some(names) => folder.read(&names.entry(entry)),
            None => Ok(None),
        }
    }

    fn save(
        &self,
        key: &StoreKey,
        entry: Entry,
        sealed: &[u8],
        wall: Duration,
    ) -> Result<(), StoreError> {
        if sealed.len() > LARGEST_ENTRY {
            let text = "an entry is larger than 64 KiB, and is not kept";
            return Err(StoreError::new(StoreErrorKind::TooLarge, text));
        }
        let folder = Folder::create(&self.folder)?;
        let names = Names::ensured(&folder, key)?;
        // First, for it may free the space that is needed.
        sweep::sweep(&folder, wall);
        folder.replace(&names.entry(entry), sealed)
    }

    fn remove(&self, key: &StoreKey, entry: Entry) -> Result<(), StoreError> {
        let Some(folder) = Folder::open(&self.folder)? else {
            return Ok(());
        };
        match Names::existing(&folder, key)? {
            Some(names) => folder.remove(&names.entry(entry)).map(drop),
            None => Ok(()),
        }
    }

    fn try_lease(
        &self,
        key: &StoreKey,
        wall: Duration,
    ) -> Result<Option<Box<dyn Lease>>, StoreError> {
        let folder = Folder::create(&self.folder)?;
        let names = Names::ensured(&folder, key)?;
        let first = folder.open_lock(&names.lock())?;
        let second = folder.open_lock(&names.takeover())?;
        let lease = lock::try_lease(first, second, wall)?;
        Ok(lease.map(|lease| Box::new(lease) as Box<dyn Lease>))
    }
}

#[cfg(test)]
mod tests;
