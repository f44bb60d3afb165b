//! Putting a file into the place of another, so that at any moment, and after any
//! crash, there is the old one or the new one and nothing in between.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// What half-written files are called; whoever finds one that nobody is writing may
/// remove it.
const PREFIX: &str = ".prove-token-";
const SUFFIX: &str = ".new";

/// Puts a file with this content and these permission bits (`0o600`, say) into the
/// place of `path`, whatever the umask is. Its folder must exist. Meant for files that
/// hold a secret, a token or settings.
///
/// Whoever reads `path` sees the old file or the new one, whole, and so does everybody
/// after a loss of power: the content is on the disk before the new file has the name,
/// and the name before this returns. Until then the content is in a file beside it,
/// which its owner alone can read. One that a killed process left there is removed by
/// the next replacement in the folder.
///
/// A symbolic link at `path` is replaced and not followed; resolve it first to keep it.
/// What is put there belongs to the effective user. On Windows the mode means nothing.
///
/// # Errors
///
/// What the operating system says. The old file is then still there, unless all that
/// failed was to bring the new name to the disk.
pub fn replace_file(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    replace(path, content, Ownership { mode, owner: None })
}

/// As [`replace_file`], for a file that a group may read, by its number: it is the group's
/// before it has the name, and its content is nobody else's at any moment.
///
/// # Errors
///
/// As [`replace_file`]; and that the process may not give a file to this group, unless it
/// is one of its own.
#[cfg(unix)]
pub fn replace_group_file(path: &Path, content: &[u8], mode: u32, group: u32) -> io::Result<()> {
    let user = rustix::process::geteuid().as_raw();
    let owner = Some((user, group));
    replace(path, content, Ownership { mode, owner })
}

/// Whether to put a file into the place of `one` would harm `other`: both lead to one file,
/// by a link, by another of its names, or by another spelling of a path where none is yet.
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    place(one) == place(other) || is_one_file(one, other)
}

/// The path of which there is no other, as far as what it leads to is there.
fn place(path: &Path) -> PathBuf {
    let beside = || {
        let folder = path.parent()?.canonicalize().ok()?;
        Some(folder.join(path.file_name()?))
    };
    let place = path.canonicalize().ok().or_else(beside);
    place.unwrap_or_else(|| path.to_owned())
}

#[cfg(unix)]
fn is_one_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |path: &Path| std::fs::metadata(path).map(|file| (file.dev(), file.ino()));
    matches!((id(one), id(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(not(unix))]
fn is_one_file(_: &Path, _: &Path) -> bool {
    false
}

/// What a new file allows, and to whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ownership {
    /// The permission bits.
    pub(crate) mode: u32,
    /// User and group, if they are not to be the effective ones.
    pub(crate) owner: Option<(u32, u32)>,
}

/// As [`replace_file`], for somebody else if need be.
pub(crate) fn replace(path: &Path, content: &[u8], ownership: Ownership) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => return Err(io::ErrorKind::IsADirectory.into()),
    };
    remove_abandoned(folder);
    let mut temporary = begin(folder)?;
    let file = temporary.as_file_mut();
    file.write_all(content)?;
    // Only now may others read it.
    hand_over(file, ownership)?;
    file.sync_all()?;
    let file = temporary.persist(path).map_err(|error| error.error)?;
    drop(file);
    sync_folder(folder)
}

/// Removes a file for good, and says whether there was one.
pub(crate) fn remove_file(path: &Path) -> io::Result<bool> {
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    }
    sync_folder(path.parent().unwrap_or(path))?;
    Ok(true)
}

/// Makes a folder that nobody else can look into, and those above it that are missing.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A new file that is locked as long as somebody writes it.
fn begin(folder: &Path) -> io::Result<NamedTempFile> {
    loop {
        let mut builder = Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX).rand_bytes(12);
        // Made with mode 0600, less what the umask takes.
        let temporary = builder.tempfile_in(folder)?;
        // Without locks, as on some network file systems, nobody removes it either.
        let _ = temporary.as_file().lock();
        // Between the two calls it looked abandoned, and somebody may have removed it.
        if has_name(temporary.as_file())? {
            return Ok(temporary);
        }
    }
}

#[cfg(unix)]
fn has_name(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(file.metadata()?.nlink() > 0)
}

#[cfg(unix)]
fn hand_over(file: &File, ownership: Ownership) -> io::Result<()> {
    use std::os::unix::fs::{PermissionsExt as _, fchown};
    if let Some((user, group)) = ownership.owner {
        fchown(file, Some(user), Some(group))?;
    }
    file.set_permissions(std::fs::Permissions::from_mode(ownership.mode & 0o7777))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Removes what killed processes left in `folder`. That it cannot be removed harms
/// nobody but the disk.
#[cfg(unix)]
fn remove_abandoned(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let is_named_so = name.starts_with(PREFIX.as_bytes()) && name.ends_with(SUFFIX.as_bytes());
        if is_named_so && let Ok(Some(_lock)) = lock_abandoned(&entry.path()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Takes the lock of a file of ours that nobody writes. Whoever has just begun to write
/// it waits for that, and finds it removed. Links are not followed, and there is no
/// waiting for the other end of a pipe.
#[cfg(unix)]
fn lock_abandoned(path: &Path) -> io::Result<Option<File>> {
    use rustix::fs::{Mode, OFlags};
    use std::os::unix::fs::MetadataExt as _;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    let is_ours = metadata.is_file() && metadata.uid() == rustix::process::geteuid().as_raw();
    Ok((is_ours && file.try_lock().is_ok()).then_some(file))
}

#[cfg(not(unix))]
fn has_name(_: &File) -> io::Result<bool> {
    Ok(true)
}

/// Files are private by the folder they are in.
#[cfg(not(unix))]
fn hand_over(_: &File, _: Ownership) -> io::Result<()> {
    Ok(())
}

/// A folder cannot be opened to be synchronized.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// A locked file could not be renamed there, and so none is locked.
#[cfg(not(unix))]
fn remove_abandoned(_: &Path) {}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
    use std::path::PathBuf;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Left by a process that was killed.
    fn abandoned(folder: &Path) -> PathBuf {
        let path = folder.join(".prove-token-abandoned.new");
        fs::write(&path, "half a secr").unwrap();
        path
    }

    #[test]
    fn a_file_is_made_and_replaced_with_the_mode_that_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        replace_file(&path, b"one", 0o600).unwrap();
        assert_eq!(
            (fs::read(&path).unwrap(), mode(&path)),
            (b"one".to_vec(), 0o600)
        );
        replace_file(&path, b"two", 0o640).unwrap();
        assert_eq!(
            (fs::read(&path).unwrap(), mode(&path)),
            (b"two".to_vec(), 0o640)
        );
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn whoever_opened_the_old_file_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        replace_file(&path, b"old", 0o600).unwrap();
        let old = File::open(&path).unwrap();
        replace_file(&path, b"new", 0o600).unwrap();
        assert_eq!(io::read_to_string(old).unwrap(), "old");
    }

    #[test]
    fn what_fails_leaves_the_old_file_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), "x").unwrap();
        replace_file(&path, b"canary", 0o600).unwrap_err();
        assert_eq!(names(folder.path()), ["file"]);
        let nowhere = folder.path().join("none/file");
        let error = replace_file(&nowhere, b"canary", 0o600).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(!error.to_string().contains("canary"));
        assert!(replace_file(Path::new("/"), b"x", 0o600).is_err());
    }

    #[test]
    fn a_link_is_replaced_and_what_it_leads_to_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "old").unwrap();
        symlink(&target, &link).unwrap();
        replace_file(&link, b"new", 0o600).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
        assert!(fs::symlink_metadata(&link).unwrap().is_file());
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_is_being_written_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let left = abandoned(folder.path());
        let locked = File::open(&left).unwrap();
        locked.lock().unwrap();
        replace_file(&path, b"x", 0o600).unwrap();
        assert!(left.exists(), "somebody writes it");
        drop(locked);
        replace_file(&path, b"x", 0o600).unwrap();
        assert_eq!(names(folder.path()), ["file"]);
        // A stranger of such a name is nobody's leftover.
        fs::create_dir(&left).unwrap();
        symlink("file", folder.path().join(".prove-token-link.new")).unwrap();
        replace_file(&path, b"x", 0o600).unwrap();
        assert_eq!(names(folder.path()).len(), 3);
    }

    #[test]
    fn writers_at_once_leave_one_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::thread::scope(|scope| {
            for letter in [b'a', b'b', b'c', b'd'] {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..50 {
                        replace_file(path, &[letter; 5000], 0o600).unwrap();
                    }
                });
            }
            for _ in 0..200 {
                if let Ok(content) = fs::read(&path) {
                    assert_eq!(content, vec![content[0]; 5000], "a mixed or torn file");
                }
            }
        });
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn a_file_is_given_to_a_group_of_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let group = rustix::process::getegid().as_raw();
        replace_group_file(&path, b"x", 0o640, group).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!((metadata.gid(), mode(&path)), (group, 0o640));
    }

    #[test]
    fn the_mode_of_the_file_does_not_depend_on_that_of_what_it_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        replace_file(&path, b"new", 0o600).unwrap();
        assert_eq!(mode(&path), 0o600);
    }
}
