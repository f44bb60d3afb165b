//! What is no entry of ours is a miss, and the next save takes its place.

use std::fs::File;
use std::os::unix::net::UnixListener;
use std::process::Command;

use super::*;
use crate::credentials::ClientSecret;
use crate::store::seal::{self, Defect};

/// Something in the place of an entry: its name, and what puts it there, given the
/// entry's path and that of a good file elsewhere.
type Oddity = (&'static str, fn(&Path, &Path));

const ODDITIES: [Oddity; 9] = [
    ("0644", |entry, _| set_mode(entry, 0o644)),
    ("0620", |entry, _| set_mode(entry, 0o620)),
    ("0601", |entry, _| set_mode(entry, 0o601)),
    ("symbolic link", |entry, other| {
        symlink(other, gone(entry)).unwrap()
    }),
    ("hard link", |entry, other| {
        fs::hard_link(other, gone(entry)).unwrap()
    }),
    ("pipe", |entry, _| make_pipe(gone(entry))),
    ("socket", |entry, _| {
        drop(UnixListener::bind(gone(entry)).unwrap())
    }),
    ("folder", |entry, _| fs::create_dir(gone(entry)).unwrap()),
    ("100 MiB", |entry, _| {
        let file = File::options().write(true).open(entry).unwrap();
        file.set_len(100 << 20).unwrap();
    }),
];

fn gone(path: &Path) -> &Path {
    fs::remove_file(path).unwrap();
    path
}

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// A good entry elsewhere, for links.
fn elsewhere(fixture: &Fixture) -> PathBuf {
    let path = fixture.around.path().join("elsewhere");
    fs::write(&path, "elsewhere").unwrap();
    set_mode(&path, 0o600);
    path
}

#[test]
fn it_is_a_miss_and_is_replaced() {
    for (name, put) in ODDITIES {
        let fixture = Fixture::holding(b"token");
        let (entry, other) = (fixture.path(1), elsewhere(&fixture));
        put(&entry, &other);
        let expected = match name {
            "100 MiB" => StoreErrorKind::TooLarge,
            _ => StoreErrorKind::Unsafe,
        };
        assert_eq!(fixture.load(1), Err(expected), "{name}");

        let saved = fixture
            .store
            .save(&slot_key(1), Entry::Token, b"new", now());
        if name == "folder" {
            assert_eq!(saved.unwrap_err().kind(), StoreErrorKind::Unavailable);
            assert_eq!(fixture.names_ending(".tmp"), 0);
        } else {
            saved.unwrap();
            assert_eq!(fixture.load(1), Ok(Some(b"new".to_vec())), "{name}");
            assert_eq!(mode(&entry), 0o600, "{name}");
        }
        assert_eq!(fs::read(&other).unwrap(), b"elsewhere", "{name}");
    }
}

#[test]
fn it_can_be_removed() {
    for (name, put) in ODDITIES {
        let fixture = Fixture::holding(b"token");
        let (entry, other) = (fixture.path(1), elsewhere(&fixture));
        put(&entry, &other);
        let removed = fixture.store.remove(&slot_key(1), Entry::Token);
        assert_eq!(removed.is_ok(), name != "folder", "{name}");
        assert_eq!(fixture.store.clear().is_ok(), name != "folder", "{name}");
        assert!(other.exists());
    }
}

#[test]
fn an_entry_of_another_user_is_a_miss() {
    let fixture = Fixture::holding(b"token");
    let entry = fixture.path(1);
    if give_away(&entry) {
        assert_eq!(fixture.load(1), Err(StoreErrorKind::Unsafe));
        fixture.save(1, b"new");
    }
    // Without root nobody can have put one there; `folder` judges owners by number.
    assert!(fixture.load(1).unwrap().is_some());
}

#[test]
fn a_lock_that_is_none_gives_no_lease() {
    for (name, put) in ODDITIES {
        if name == "hard link" || name == "100 MiB" {
            // Nothing is read from a lock.
            continue;
        }
        let fixture = Fixture::new();
        let (store, key) = (&fixture.store, slot_key(1));
        drop(store.try_lease(&key, now()).unwrap().unwrap());
        let names = fixture.names();
        let lock = names.iter().find(|name| name.ends_with(".lock")).unwrap();
        put(&store.folder().join(lock), &elsewhere(&fixture));
        let error = store.try_lease(&key, now()).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unsafe, "{name}");
    }
}

#[test]
fn a_missing_entry_is_not_made_by_looking_for_it() {
    let fixture = Fixture::holding(b"token");
    fs::remove_file(fixture.path(1)).unwrap();
    assert_eq!(fixture.load(1), Ok(None));
    assert_eq!(fixture.names(), ["key"]);
}

/// Truncated at each length, and each byte flipped, on the disk.
#[test]
fn a_damaged_entry_does_not_open() {
    let secret = ClientSecret::new("s").unwrap();
    let key = slot_key(1);
    let ends = now() + Duration::from_secs(60);
    let sealed = seal::seal(&key, Entry::Token, &secret, ends, b"token").unwrap();
    let fixture = Fixture::holding(&sealed);
    let path = fixture.path(1);
    let opened = || {
        let loaded = fixture.load(1).unwrap().unwrap();
        seal::open(&key, Entry::Token, &secret, &loaded).map(|plain| plain.to_vec())
    };
    assert_eq!(opened(), Ok(b"token".to_vec()));
    for length in 0..sealed.len() {
        fs::write(&path, &sealed[..length]).unwrap();
        assert!(opened().is_err(), "{length}");
    }
    for at in 0..sealed.len() {
        let mut flipped = sealed.clone();
        flipped[at] = !flipped[at];
        fs::write(&path, &flipped).unwrap();
        assert!(opened().is_err(), "{at}");
    }
}

#[test]
fn swapped_entries_do_not_open() {
    let secret = ClientSecret::new("s").unwrap();
    let ends = now() + Duration::from_secs(60);
    let fixture = Fixture::new();
    for slot in [1, 2] {
        let sealed = seal::seal(&slot_key(slot), Entry::Token, &secret, ends, b"token");
        fixture.save(slot, &sealed.unwrap());
    }
    let (one, two) = (fixture.path(1), fixture.path(2));
    let third = fixture.around.path().join("third");
    fs::rename(&one, &third).unwrap();
    fs::rename(&two, &one).unwrap();
    fs::rename(&third, &two).unwrap();
    for slot in [1, 2] {
        let loaded = fixture.load(slot).unwrap().unwrap();
        let outcome = seal::open(&slot_key(slot), Entry::Token, &secret, &loaded);
        assert_eq!(outcome.unwrap_err(), Defect::Seal);
    }
}
