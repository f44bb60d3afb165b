//! The file itself: made, locked, replaced.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::time::Duration;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn add(name: &str) -> Edit {
    Edit::new().add_profile(name, profile("x"))
}

#[test]
fn a_missing_file_is_made_with_its_folder_for_the_user_alone() {
    let fixture = Fixture::empty();
    let path = fixture.folder.path().join("new/below/config.toml");
    assert_eq!(add("a").preview(&path).unwrap().names().count(), 1);
    assert!(
        !fixture.folder.path().join("new").exists(),
        "a preview touches nothing"
    );
    add("a").apply(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text, format!("version = 1\n{}", table("a", "x")));
    assert_eq!(mode(&path), 0o600);
    for folder in ["new", "new/below"] {
        assert_eq!(mode(&fixture.folder.path().join(folder)), 0o700);
    }
    assert_eq!(
        mode(&fixture.folder.path().join("new/below/.config.toml.lock")),
        0o600
    );
}

#[test]
fn mode_and_owner_stay() {
    let fixture = Fixture::new(FILE);
    for kept in [0o644, 0o600, 0o400] {
        fs::set_permissions(fixture.path(), Permissions::from_mode(kept)).unwrap();
        add(&format!("p{kept}")).apply(&fixture.path()).unwrap();
        assert_eq!(mode(&fixture.path()), kept);
    }
    let before = fixture.path().metadata().unwrap();
    add("c").apply(&fixture.path()).unwrap();
    let after = fixture.path().metadata().unwrap();
    assert_ne!(
        before.ino(),
        after.ino(),
        "it is replaced, not written over"
    );
    assert_eq!((before.uid(), before.gid()), (after.uid(), after.gid()));
}

#[test]
fn without_a_change_nothing_is_written() {
    let fixture = Fixture::new(FILE);
    let inode = fixture.path().metadata().unwrap().ino();
    Edit::new().use_profile("a").apply(&fixture.path()).unwrap();
    assert_eq!(fixture.path().metadata().unwrap().ino(), inode);
}

#[test]
fn a_link_stays_and_what_it_leads_to_is_edited() {
    let fixture = Fixture::new(FILE);
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link.toml");
    symlink(fixture.path(), &link).unwrap();
    add("c").apply(&link).unwrap();
    assert!(link.is_symlink());
    assert!(fixture.text().contains("[profiles.c]"));
    assert_eq!(
        fs::read_dir(elsewhere.path()).unwrap().count(),
        1,
        "the lock is there, too"
    );
    let dangling = elsewhere.path().join("dangling.toml");
    symlink("nowhere/x.toml", &dangling).unwrap();
    let error = add("c").apply(&dangling).unwrap_err();
    assert!(
        error.to_string().ends_with("is a link that leads nowhere"),
        "{error}"
    );
}

#[test]
fn a_file_that_others_may_write_is_not_edited() {
    let fixture = Fixture::new(FILE);
    fs::set_permissions(fixture.path(), Permissions::from_mode(0o666)).unwrap();
    let error = add("c").apply(&fixture.path()).unwrap_err();
    assert!(
        error.to_string().contains("can be written by other users"),
        "{error}"
    );
    assert_eq!(fixture.text(), FILE);
}

#[test]
fn what_cannot_be_written_says_so() {
    let fixture = Fixture::empty();
    let file = fixture.folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = add("c").apply(&file.join("config.toml")).unwrap_err();
    assert!(error.to_string().contains("cannot be written"), "{error}");
    // Not even root makes a folder there.
    let error = add("c")
        .apply(Path::new("/proc/none/config.toml"))
        .unwrap_err();
    assert!(error.to_string().contains("cannot be written"), "{error}");
    assert!(error.hint().is_some());
}

#[test]
fn edits_at_once_lose_nothing() {
    let fixture = Fixture::empty();
    let path = fixture.path();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let path = &path;
            scope.spawn(move || {
                for number in 0..8 {
                    add(&format!("p{thread}-{number}")).apply(path).unwrap();
                }
            });
        }
    });
    assert_eq!(Config::load(&path).unwrap().names().count(), 32);
    let mut left: Vec<_> = fs::read_dir(fixture.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, [".config.toml.lock", "config.toml"]);
}

#[test]
fn a_lock_that_is_held_too_long_is_named() {
    let fixture = Fixture::new(FILE);
    let target = Target::find(&fixture.path()).unwrap();
    let held = Lock::take(&target).unwrap();
    let problem = Lock::take_within(&target, Duration::ZERO).err().unwrap();
    assert!(
        problem
            .message
            .ends_with("is being edited by another process"),
        "{problem}"
    );
    assert!(problem.hint.unwrap().contains(".config.toml.lock"));
    drop(held);
    // Whoever gave up waiting gives the lock back.
    add("c").apply(&fixture.path()).unwrap();
}

#[test]
fn a_lock_that_is_a_link_is_not_followed() {
    let fixture = Fixture::new(FILE);
    let victim = fixture.folder.path().join("victim");
    symlink(&victim, fixture.folder.path().join(".config.toml.lock")).unwrap();
    let error = add("c").apply(&fixture.path()).unwrap_err();
    assert!(error.to_string().contains("cannot be locked"), "{error}");
    assert!(!victim.exists());
}
