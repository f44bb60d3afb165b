//! The folder itself must be the user's own.

use super::*;

/// What each method says, in the order load, save, remove, lease, clear.
fn outcomes(fixture: &Fixture) -> [Result<(), StoreErrorKind>; 5] {
    let (store, key) = (&fixture.store, slot_key(1));
    [
        store.load(&key, Entry::Token).map(drop),
        store.save(&key, Entry::Token, b"new", now()),
        store.remove(&key, Entry::Token),
        store.try_lease(&key, now()).map(drop),
        store.clear().map(drop),
    ]
    .map(|outcome| outcome.map_err(|error| error.kind()))
}

#[test]
fn one_that_others_have_access_to_is_not_used() {
    for bad in [0o755, 0o710, 0o701, 0o770, 0o1777] {
        let fixture = Fixture::holding(b"token");
        set_mode(fixture.store.folder(), bad);
        assert_eq!(
            outcomes(&fixture),
            [Err(StoreErrorKind::Unsafe); 5],
            "{bad:o}"
        );
        let error = fixture.store.load(&slot_key(1), Entry::Token).unwrap_err();
        let (text, mode) = (error.to_string(), format!("{bad:04o}"));
        assert!(text.contains(&mode) && text.contains("a/cache"), "{text}");
        // It is not repaired behind its owner's back.
        assert_eq!(super::mode(fixture.store.folder()), bad);
        set_mode(fixture.store.folder(), 0o700);
        assert_eq!(fixture.load(1), Ok(Some(b"token".to_vec())));
    }
}

#[test]
fn one_of_another_user_is_not_used() {
    let fixture = Fixture::holding(b"token");
    if give_away(fixture.store.folder()) {
        assert_eq!(outcomes(&fixture), [Err(StoreErrorKind::Unsafe); 5]);
    } else {
        // Root's.
        let store = FileStore::new("/");
        let error = store.load(&slot_key(1), Entry::Token).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unsafe);
    }
}

#[test]
fn a_file_in_its_place_is_left_alone() {
    let fixture = Fixture::new();
    fs::create_dir(fixture.around.path().join("a")).unwrap();
    fs::write(fixture.store.folder(), "a file").unwrap();
    assert_eq!(outcomes(&fixture), [Err(StoreErrorKind::Unavailable); 5]);
    assert_eq!(fs::read(fixture.store.folder()).unwrap(), b"a file");
}

#[test]
fn one_that_cannot_be_written_to_still_gives_what_it_holds() {
    let fixture = Fixture::holding(b"token");
    set_mode(fixture.store.folder(), 0o500);
    let saved = fixture
        .store
        .save(&slot_key(1), Entry::Token, b"new", now());
    let expected = if rustix::process::geteuid().is_root() {
        // Modes do not stop root.
        saved.unwrap();
        b"new".to_vec()
    } else {
        assert_eq!(saved.unwrap_err().kind(), StoreErrorKind::Unavailable);
        b"token".to_vec()
    };
    assert_eq!(fixture.load(1), Ok(Some(expected)));
    set_mode(fixture.store.folder(), 0o700);
}

#[test]
fn a_link_to_one_of_our_own_is_followed() {
    let fixture = Fixture::holding(b"token");
    let link = fixture.around.path().join("link");
    symlink(fixture.store.folder(), &link).unwrap();
    let store = FileStore::new(&link);
    assert!(store.load(&slot_key(1), Entry::Token).unwrap().is_some());
}

#[test]
fn a_name_that_breaks_the_line_does_not_break_the_text() {
    let around = tempfile::tempdir().unwrap();
    let folder = around.path().join("a\n\u{1b}[31mb");
    fs::create_dir(&folder).unwrap();
    set_mode(&folder, 0o755);
    let error = FileStore::new(&folder)
        .load(&slot_key(1), Entry::Token)
        .unwrap_err();
    assert!(!error.to_string().contains(char::is_control), "{error:?}");
}
