//! The key under which files are named.

use std::sync::Barrier;

use super::*;

#[test]
fn all_who_make_the_first_one_at_once_agree() {
    for _ in 0..20 {
        let fixture = Fixture::new();
        let barrier = Barrier::new(8);
        std::thread::scope(|scope| {
            for slot in 0..8 {
                let (fixture, barrier) = (&fixture, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    fixture.save(slot, &[slot]);
                });
            }
        });
        for slot in 0..8 {
            assert_eq!(fixture.load(slot), Ok(Some(vec![slot])));
        }
        assert_eq!(fixture.names().len(), 9, "{:?}", fixture.names());
    }
}

#[test]
fn one_that_cannot_be_used_is_replaced() {
    type Damage = (&'static str, fn(&Path));
    let damages: [Damage; 7] = [
        ("empty", |key| fs::write(key, "").unwrap()),
        ("short", |key| fs::write(key, [7; 31]).unwrap()),
        ("long", |key| fs::write(key, [7; 33]).unwrap()),
        ("0640", |key| set_mode(key, 0o640)),
        ("link", |key| {
            let other = key.with_file_name("other");
            fs::rename(key, &other).unwrap();
            symlink(other, key).unwrap();
        }),
        ("huge", |key| {
            fs::write(key, vec![7; LARGEST_ENTRY + 1]).unwrap()
        }),
        ("foreign", |key| {
            if !give_away(key) {
                set_mode(key, 0o666);
            }
        }),
    ];
    for (name, damage) in damages {
        let fixture = Fixture::holding(b"token");
        let key = fixture.store.folder().join("key");
        let before = fs::read(&key).unwrap();
        damage(&key);
        assert!(fixture.load(1).is_err(), "{name}");
        assert!(fixture.store.remove(&slot_key(1), Entry::Token).is_err());
        fixture.save(1, b"new");
        assert_eq!(fixture.load(1), Ok(Some(b"new".to_vec())), "{name}");
        assert_ne!(fs::read(&key).unwrap(), before, "{name}");
        assert_eq!((mode(&key), fixture.names_ending(".tmp")), (0o600, 0));
    }
}

#[test]
fn a_folder_in_its_place_is_in_the_way() {
    let fixture = Fixture::holding(b"token");
    let key = fixture.store.folder().join("key");
    fs::remove_file(&key).unwrap();
    fs::create_dir(&key).unwrap();
    let saved = fixture
        .store
        .save(&slot_key(1), Entry::Token, b"new", now());
    assert_eq!(saved.unwrap_err().kind(), StoreErrorKind::Unavailable);
    assert!(fixture.store.try_lease(&slot_key(1), now()).is_err());
    assert_eq!(fixture.names_ending(".tmp"), 0);
}

/// A second process that saw the damaged key must not replace the new one.
#[test]
fn it_is_replaced_by_one_at_a_time() {
    let fixture = Fixture::holding(b"token");
    let key = fixture.store.folder().join("key");
    fs::write(&key, "damaged").unwrap();
    let lock = fs::File::create(key.with_extension("lock")).unwrap();
    set_mode(&key.with_extension("lock"), 0o600);
    lock.lock().unwrap();
    let saved = fixture
        .store
        .save(&slot_key(1), Entry::Token, b"new", now());
    assert_eq!(saved.unwrap_err().kind(), StoreErrorKind::Unavailable);
    lock.unlock().unwrap();
    fixture.save(1, b"new");
}

#[test]
fn entries_of_a_lost_one_are_found_no_more() {
    let fixture = Fixture::holding(b"token");
    fs::remove_file(fixture.store.folder().join("key")).unwrap();
    assert_eq!(fixture.load(1), Ok(None));
    fixture.save(2, b"token");
    assert_eq!(fixture.load(1), Ok(None));
    assert_eq!(fixture.store.clear().unwrap(), 2);
}
