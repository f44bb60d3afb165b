//! What a process is given or refused by whoever starts it.

use super::*;

#[test]
fn no_umask_widens_or_narrows_a_mode() {
    // With 0277 an entry would be born without its owner's right to write.
    for umask in ["000", "022", "077", "0277"] {
        let (fixture, now) = (Fixture::new(), now());
        fixture.save(1, now).unwrap();
        let save = ["save", "0", "2"];
        let helper = fixture.start_after(&format!("umask {umask}"), &save, now);
        assert_eq!(helper.finish(), "done", "{umask}");
        assert_eq!(fixture.number(0), Some(2));
        assert_eq!(fixture.half_written(), 0);
    }
}

#[test]
fn a_folder_and_its_locks_are_private_from_birth() {
    let (fixture, now) = (Fixture::new(), now());
    let helper = fixture.start_after("umask 000", &["lease", "0"], now);
    assert_eq!(helper.finish(), "granted\ndone");
    assert_eq!(fixture.half_written(), 0);
    let entries = fs::read_dir(fixture.store.folder()).unwrap();
    assert_eq!(entries.count(), 3);
}

/// The limit cuts the entry short after its first kilobyte at most, as a full disk
/// does.
#[test]
fn an_entry_that_does_not_fit_leaves_the_old_one() {
    let (fixture, now) = (Fixture::new(), now());
    fixture.save(1, now).unwrap();
    let limit = "trap '' XFSZ; ulimit -f 1";
    let helper = fixture.start_after(limit, &["save", "0", "2"], now);
    assert_eq!(helper.finish(), "unavailable");
    assert_eq!(fixture.number(0), Some(1));
    assert_eq!(fixture.half_written(), 0);
    fixture.save(3, now).unwrap();
    assert_eq!(fixture.number(0), Some(3));
}

/// A file of any size is too large: not even the key of the names can be written.
#[test]
fn a_store_that_cannot_begin_leaves_no_trace() {
    let (fixture, now) = (Fixture::new(), now());
    let limit = "trap '' XFSZ; ulimit -f 0";
    for words in [["save", "0", "2"].as_slice(), &["lease", "0"]] {
        let helper = fixture.start_after(limit, words, now);
        assert_eq!(helper.finish(), "unavailable");
        assert_eq!(fixture.number(0), None);
        let entries = fs::read_dir(fixture.store.folder()).unwrap();
        assert_eq!(entries.count(), 0);
    }
}
