//! A look at the folder for people who wonder why tokens are not kept.

use std::path::Path;
use std::time::Duration;

use rustix::fs::{Access, access};

use super::FileStore;
use super::folder::Folder;
use super::name::Kind;
use super::sweep;
use crate::store::{StoreError, StoreErrorKind, lock};

/// What a folder of entries holds; see [`FileStore::survey`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreSurvey {
    /// Kept tokens, of any client.
    pub tokens: usize,
    /// How many of these have ended, and are removed by and by.
    pub ended: usize,
    /// Remembered failures, of any client.
    pub failures: usize,
    /// Half-written files older than an hour, which processes left that were killed.
    pub left_over: usize,
    /// The time since the oldest token was kept; `None` without one.
    pub oldest: Option<Duration>,
}

impl FileStore {
    /// Counts what is kept; `None` if there is no folder yet. `wall` is the time now,
    /// since 1970. Nothing is opened beyond the end that an entry carries in front.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read, or is not to be trusted.
    pub fn survey(&self, wall: Duration) -> Result<Option<StoreSurvey>, StoreError> {
        let Some(folder) = Folder::open(&self.folder)? else {
            return Ok(None);
        };
        let mut survey = StoreSurvey::default();
        for name in folder.names()? {
            let Some(kind) = Kind::of(&name) else {
                continue;
            };
            let is_over = sweep::is_over(&folder, &name, wall);
            match kind {
                Kind::Failure => survey.failures += 1,
                Kind::Temporary => survey.left_over += usize::from(is_over),
                Kind::Token => {
                    survey.tokens += 1;
                    survey.ended += usize::from(is_over);
                    survey.oldest = survey.oldest.max(sweep::age_of(&folder, &name, wall));
                }
            }
        }
        Ok(Some(survey))
    }

    /// Tries what keeping a token needs: a file is made in the folder, locked, and
    /// removed. A folder that does not exist yet is not made; then the folder that it
    /// would be made in is looked at.
    ///
    /// # Errors
    ///
    /// When the folder is not to be trusted, when nothing can be written there, or
    /// when files there cannot be locked, as on some network file systems.
    pub fn try_out(&self) -> Result<(), StoreError> {
        let Some(folder) = Folder::open(&self.folder)? else {
            return can_be_made(&self.folder);
        };
        let name = folder.write_temporary(&[])?;
        let locked = folder.open_lock(&name).and_then(|file| lock::lock(&file));
        folder.remove(&name)?;
        match locked? {
            true => Ok(()),
            false => {
                let text = "that nobody else has cannot be locked";
                Err(folder.fault(StoreErrorKind::Unavailable, &name, text))
            }
        }
    }
}

fn can_be_made(path: &Path) -> Result<(), StoreError> {
    let exists = |path: &&Path| path.symlink_metadata().is_ok();
    let nearest = path.ancestors().skip(1).find(exists);
    let Some(nearest) = nearest else {
        return Ok(());
    };
    let needed = Access::WRITE_OK | Access::EXEC_OK;
    access(nearest, needed).map_err(|error| {
        super::folder::broken("make the cache folder below", nearest, error.into())
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::SystemTime;

    use super::*;
    use crate::store::{Entry, StoreKey, TokenStore as _};

    fn wall() -> Duration {
        use crate::clock::{Clock as _, SystemClock};
        SystemClock.now().wall
    }

    #[test]
    fn there_is_nothing_before_there_is_a_folder() {
        let home = tempfile::tempdir().unwrap();
        let store = FileStore::new(home.path().join("a/b"));
        assert_eq!(store.survey(wall()), Ok(None));
        assert_eq!(store.try_out(), Ok(()));
        assert!(!store.folder().exists(), "a look makes nothing");
    }

    #[test]
    fn entries_and_left_overs_are_counted() {
        let home = tempfile::tempdir().unwrap();
        let store = FileStore::new(home.path().join("cache"));
        for digest in [[1; 32], [2; 32]] {
            let key = StoreKey::from_digest(digest);
            for entry in [Entry::Token, Entry::Failure] {
                store.save(&key, entry, b"sealed", wall()).unwrap();
            }
        }
        store.try_out().unwrap();
        let name = format!("{}.tmp", "a".repeat(32));
        let left = std::fs::File::create(store.folder().join(name)).unwrap();
        left.set_permissions(std::fs::Permissions::from_mode(0o600))
            .unwrap();
        let counted = || store.survey(wall()).unwrap().unwrap();
        assert_eq!(counted().left_over, 0, "it may be in the making");
        left.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let survey = counted();
        assert_eq!((survey.tokens, survey.failures), (2, 2));
        assert_eq!((survey.ended, survey.left_over), (0, 1));
        assert!(survey.oldest.is_some());
    }

    #[test]
    fn a_folder_that_others_can_read_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(home.path(), open).unwrap();
        let store = FileStore::new(home.path());
        let error = store.try_out().unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unsafe);
        assert_eq!(store.survey(wall()), Err(error));
    }

    #[test]
    fn a_folder_below_a_file_cannot_be_made() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let store = FileStore::new(file.path().join("cache"));
        let error = store.try_out().unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    }
}
