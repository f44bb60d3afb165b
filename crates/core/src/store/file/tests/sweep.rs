//! What is over goes with the saves that follow.

use std::time::UNIX_EPOCH;

use super::*;
use crate::credentials::ClientSecret;
use crate::store::seal;

const HOUR: Duration = Duration::from_secs(3600);

fn sealed(slot: u8, ends: Duration) -> Vec<u8> {
    let secret = ClientSecret::new("s").unwrap();
    seal::seal(&slot_key(slot), Entry::Token, &secret, ends, b"token").unwrap()
}

fn set_time(path: &Path, time: Duration) {
    let file = fs::File::open(path).unwrap();
    file.set_modified(UNIX_EPOCH + time).unwrap();
}

fn put(fixture: &Fixture, name: &str, content: &[u8], time: Duration) -> PathBuf {
    let path = fixture.store.folder().join(name);
    fs::write(&path, content).unwrap();
    set_mode(&path, 0o600);
    set_time(&path, time);
    path
}

#[test]
fn expired_entries_go_and_live_ones_stay() {
    let (fixture, now) = (Fixture::new(), now());
    for slot in 0..200 {
        let ends = if slot < 100 { now } else { now + HOUR };
        let before = now - Duration::from_secs(1);
        let entry = sealed(slot, ends);
        fixture
            .store
            .save(&slot_key(slot), Entry::Token, &entry, before)
            .unwrap();
    }
    let failure = sealed(1, now);
    fixture
        .store
        .save(&slot_key(1), Entry::Failure, &failure, now - HOUR)
        .unwrap();
    assert_eq!(fixture.names().len(), 202);
    // Each save looks at some of them, from anywhere: all have their turn.
    let saves = (0..2000).take_while(|_| {
        let live = sealed(255, now + HOUR);
        fixture
            .store
            .save(&slot_key(255), Entry::Token, &live, now)
            .unwrap();
        fixture.names_ending(".token") > 101 || fixture.names_ending(".failure") > 0
    });
    assert!(saves.count() < 2000);
    for slot in 100..200 {
        assert!(fixture.load(slot).unwrap().is_some(), "{slot}");
    }
}

#[test]
fn one_save_tidies_up_a_small_folder() {
    let (fixture, now) = (Fixture::new(), now());
    for slot in 0..10 {
        fixture.save(slot, &sealed(slot, now + HOUR));
    }
    let live = sealed(20, now + 2 * HOUR);
    fixture
        .store
        .save(&slot_key(20), Entry::Token, &live, now + HOUR)
        .unwrap();
    assert_eq!(fixture.names_ending(".token"), 1);
}

#[test]
fn what_nobody_will_finish_or_read_goes() {
    let now = now();
    let fixture = Fixture::holding(&sealed(1, now + HOUR));
    let digits = |digit: &str, count: usize| digit.repeat(count);
    let long_ago = now - 2 * HOUR;
    let names = [
        (digits("a", 32) + ".tmp", long_ago, false),
        (digits("b", 32) + ".tmp", now + 2 * HOUR, false),
        (digits("c", 32) + ".tmp", now - HOUR / 2, true),
        (digits("d", 64) + ".token", long_ago, false),
        (digits("e", 64) + ".failure", now, true),
        (digits("f", 31) + ".tmp", long_ago, true),
        (digits("0", 64) + ".bak", long_ago, true),
    ];
    // Even if it looks like an entry that has not ended.
    let live = sealed(2, now + HOUR);
    let put = |(name, time, stays): &(String, Duration, bool)| {
        let whole = name.ends_with(".tmp");
        let content = if whole {
            live.as_slice()
        } else {
            b"from the future"
        };
        (put(&fixture, name, content, *time), *stays)
    };
    let paths: Vec<_> = names.iter().map(put).collect();
    fixture.save(3, &live);
    for (path, stays) in paths {
        assert_eq!(path.exists(), stays, "{}", path.display());
    }
    assert!(fixture.load(1).unwrap().is_some());
}

#[test]
fn what_is_not_the_users_own_file_stays() {
    let (fixture, now) = (Fixture::new(), now());
    fixture.save(1, &sealed(1, now + HOUR));
    let folder = fixture.store.folder();
    let target = put(&fixture, "target", b"", now - 2 * HOUR);
    symlink(&target, folder.join("a".repeat(32) + ".tmp")).unwrap();
    fs::create_dir(folder.join("b".repeat(32) + ".tmp")).unwrap();
    let open = put(&fixture, &("c".repeat(64) + ".token"), &sealed(2, now), now);
    set_mode(&open, 0o644);
    fixture.save(1, &sealed(1, now + HOUR));
    assert_eq!(fixture.names().len(), 6, "{:?}", fixture.names());
}
