use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::*;
use crate::clock::{Clock as _, SystemClock};

mod folder;
mod key;
mod odd;
mod sweep;

/// The time that the file system knows: by it half-written files are judged.
fn now() -> Duration {
    SystemClock.now().wall
}

/// A store in a folder that does not exist yet.
struct Fixture {
    store: FileStore,
    /// The folder around it, gone at the end.
    around: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let around = tempfile::tempdir().unwrap();
        let store = FileStore::new(around.path().join("a/cache"));
        Self { store, around }
    }

    /// With the token `content` of slot 1.
    fn holding(content: &[u8]) -> Self {
        let fixture = Self::new();
        fixture.save(1, content);
        fixture
    }

    fn save(&self, slot: u8, content: &[u8]) {
        self.store
            .save(&slot_key(slot), Entry::Token, content, now())
            .unwrap();
    }

    fn load(&self, slot: u8) -> Result<Option<Vec<u8>>, StoreErrorKind> {
        let loaded = self.store.load(&slot_key(slot), Entry::Token);
        loaded.map_err(|error| error.kind())
    }

    /// Where the entry of a slot is kept.
    fn path(&self, slot: u8) -> PathBuf {
        let folder = Folder::open(self.store.folder()).unwrap().unwrap();
        let names = Names::existing(&folder, &slot_key(slot)).unwrap().unwrap();
        self.store.folder().join(names.entry(Entry::Token))
    }

    /// The names in the folder, sorted.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.store.folder()).unwrap();
        let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
        let mut names: Vec<_> = entries.map(|entry| name(entry.unwrap())).collect();
        names.sort();
        names
    }

    fn names_ending(&self, end: &str) -> usize {
        self.names()
            .iter()
            .filter(|name| name.ends_with(end))
            .count()
    }
}

fn slot_key(slot: u8) -> StoreKey {
    StoreKey::from_digest([slot; 32])
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Gives a file to somebody else. Only root can, and only to a user that its
/// container knows: `false` if not.
fn give_away(path: &Path) -> bool {
    let user = rustix::process::geteuid();
    match std::os::unix::fs::chown(path, Some(user.as_raw() + 1), None) {
        Ok(()) => true,
        Err(error) => {
            let unknown = error.kind() == std::io::ErrorKind::InvalidInput;
            assert!(!user.is_root() || unknown, "{error}");
            false
        }
    }
}

#[test]
fn an_entry_goes_round() {
    let fixture = Fixture::new();
    let (store, one) = (&fixture.store, slot_key(1));
    store.save(&one, Entry::Token, b"token", now()).unwrap();
    store.save(&one, Entry::Failure, b"failure", now()).unwrap();
    assert_eq!(fixture.load(1), Ok(Some(b"token".to_vec())));
    assert_eq!(
        store.load(&one, Entry::Failure).unwrap().unwrap(),
        b"failure"
    );
    assert_eq!(fixture.load(2), Ok(None));

    fixture.save(1, b"newer");
    assert_eq!(fixture.load(1), Ok(Some(b"newer".to_vec())));
    store.remove(&one, Entry::Token).unwrap();
    store.remove(&one, Entry::Token).unwrap();
    assert_eq!(fixture.load(1), Ok(None));
    assert!(store.load(&one, Entry::Failure).unwrap().is_some());
}

#[test]
fn nothing_is_touched_before_something_is_kept() {
    let fixture = Fixture::new();
    assert_eq!(fixture.load(1), Ok(None));
    fixture.store.remove(&slot_key(1), Entry::Token).unwrap();
    assert_eq!(fixture.store.clear().unwrap(), 0);
    assert_eq!(fs::read_dir(fixture.around.path()).unwrap().count(), 0);
}

#[test]
fn only_the_user_has_access() {
    let fixture = Fixture::holding(b"token");
    let _lease = fixture
        .store
        .try_lease(&slot_key(1), now())
        .unwrap()
        .unwrap();
    assert_eq!(mode(fixture.store.folder()), 0o700);
    let names = fixture.names();
    assert_eq!(names.len(), 4, "{names:?}");
    for name in names {
        assert_eq!(mode(&fixture.store.folder().join(&name)), 0o600, "{name}");
    }
}

#[test]
fn an_entry_of_64_kib_is_kept_and_a_larger_one_is_not() {
    let fixture = Fixture::holding(&[7; LARGEST_ENTRY]);
    assert_eq!(fixture.load(1).unwrap().unwrap().len(), LARGEST_ENTRY);
    let larger = [7; LARGEST_ENTRY + 1];
    let error = fixture
        .store
        .save(&slot_key(1), Entry::Token, &larger, now());
    assert_eq!(error.unwrap_err().kind(), StoreErrorKind::TooLarge);
    assert_eq!(fixture.load(1).unwrap().unwrap().len(), LARGEST_ENTRY);
}

#[test]
fn clearing_forgets_entries_and_nothing_else() {
    let fixture = Fixture::holding(b"token");
    let store = &fixture.store;
    fixture.save(2, b"token");
    store
        .save(&slot_key(1), Entry::Failure, b"failure", now())
        .unwrap();
    let _lease = store.try_lease(&slot_key(1), now()).unwrap().unwrap();
    let half_written = format!("{}.tmp", "0".repeat(32));
    fs::write(store.folder().join(half_written), "half").unwrap();
    fs::write(store.folder().join("notes.txt"), "the user's own").unwrap();
    let before = fixture.names();

    assert_eq!(store.clear().unwrap(), 2);
    let mut left = before;
    left.retain(|name| {
        name.contains("key")
            || name.contains("notes")
            || name.ends_with("lock")
            || name.ends_with("takeover")
    });
    assert_eq!(fixture.names(), left);
    assert_eq!(left.len(), 4);
    assert_eq!(store.clear().unwrap(), 0);
    assert!(store.try_lease(&slot_key(1), now()).unwrap().is_none());
}

#[test]
fn locks_are_never_unlinked() {
    use std::os::unix::fs::MetadataExt as _;
    let fixture = Fixture::new();
    let store = &fixture.store;
    let locks = || {
        let names = fixture.names().into_iter();
        let locks = names.filter(|name| name.ends_with(".lock") || name.ends_with(".takeover"));
        let inode = |name| fs::metadata(store.folder().join(name)).unwrap().ino();
        locks.map(inode).collect::<Vec<_>>()
    };
    drop(store.try_lease(&slot_key(1), now()).unwrap().unwrap());
    let before = locks();
    assert_eq!(before.len(), 2);
    let much_later = now() + Duration::from_secs(1_000_000);
    store
        .save(&slot_key(1), Entry::Token, b"token", much_later)
        .unwrap();
    store.remove(&slot_key(1), Entry::Token).unwrap();
    store.clear().unwrap();
    drop(store.try_lease(&slot_key(1), much_later).unwrap().unwrap());
    assert_eq!(locks(), before);
}

#[test]
fn keys_do_not_wait_for_each_other() {
    let fixture = Fixture::new();
    let _one = fixture
        .store
        .try_lease(&slot_key(1), now())
        .unwrap()
        .unwrap();
    assert!(
        fixture
            .store
            .try_lease(&slot_key(2), now())
            .unwrap()
            .is_some()
    );
    // Nor does another handle get what this one has.
    let again = FileStore::new(fixture.store.folder());
    assert!(again.try_lease(&slot_key(1), now()).unwrap().is_none());
}
