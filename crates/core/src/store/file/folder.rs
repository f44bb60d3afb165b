//! The folder, open: everything below goes through its descriptor, so that nobody can
//! put another folder in its place meanwhile.

use std::fs::{DirBuilder, File, Metadata, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

use super::name;
use crate::store::{LARGEST_ENTRY, StoreError, StoreErrorKind};
use crate::text;

/// A folder that belongs to the effective user, and that no one else has access to.
pub(super) struct Folder<'a> {
    descriptor: File,
    path: &'a Path,
}

impl<'a> Folder<'a> {
    /// The folder, or `None` if there is none.
    pub(super) fn open(path: &'a Path) -> Result<Option<Self>, StoreError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = retry_on_intr(|| rustix::fs::openat(CWD, path, flags, Mode::empty()));
        let descriptor = match opened {
            Ok(descriptor) => File::from(descriptor),
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(broken("open the cache folder", path, error.into())),
        };
        let metadata = descriptor
            .metadata()
            .map_err(|error| broken("examine the cache folder", path, error))?;
        match fault_of(&metadata) {
            None => Ok(Some(Self { descriptor, path })),
            Some(fault) => Err(StoreError::new(
                StoreErrorKind::Unsafe,
                format!("the cache folder {} {fault}", shown(path)),
            )),
        }
    }

    /// The folder, made if there is none.
    pub(super) fn create(path: &'a Path) -> Result<Self, StoreError> {
        if let Some(folder) = Self::open(path)? {
            return Ok(folder);
        }
        let made = path
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| DirBuilder::new().mode(0o700).create(path));
        match made {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made.map_err(|error| broken("make the cache folder", path, error))?,
        }
        let gone = || broken("open the cache folder", path, Errno::NOENT.into());
        Self::open(path)?.ok_or_else(gone)
    }

    /// The names of all files, but for those that are not UTF-8 and so not ours.
    pub(super) fn names(&self) -> Result<Vec<String>, StoreError> {
        let failed = |error: Errno| broken("list the cache folder", self.path, error.into());
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.descriptor).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            names.extend(entry.file_name().to_str().map(str::to_owned));
        }
        Ok(names)
    }

    /// The content of a file that is ours alone and has no other name, or `None` if
    /// there is no such file.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read_whole(name, true)
    }

    /// The same, for a file that may have another name, which it has while it is made.
    pub(super) fn read_linked(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read_whole(name, false)
    }

    fn read_whole(&self, name: &str, alone: bool) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((file, metadata)) = self.open_existing(name, OFlags::RDONLY)? else {
            return Ok(None);
        };
        // None is left of a file that was replaced since it was opened.
        if alone && metadata.nlink() > 1 {
            let fault = "has a second name (a hard link)";
            return Err(self.fault(StoreErrorKind::Unsafe, name, fault));
        }
        let too_large = || self.fault(StoreErrorKind::TooLarge, name, "is larger than 64 KiB");
        let most = LARGEST_ENTRY as u64;
        if metadata.size() > most {
            return Err(too_large());
        }
        let mut content = Vec::with_capacity(metadata.size() as usize + 1);
        // It may grow while it is read.
        file.take(most + 1)
            .read_to_end(&mut content)
            .map_err(|error| self.failed("read", name, error))?;
        if content.len() > LARGEST_ENTRY {
            return Err(too_large());
        }
        Ok(Some(content))
    }

    /// A file that is ours alone, opened to be examined.
    pub(super) fn open_own(&self, name: &str) -> Result<Option<File>, StoreError> {
        Ok(self
            .open_existing(name, OFlags::RDONLY)?
            .map(|(file, _)| file))
    }

    /// Puts a new file into the place of `name`, whatever is there but a folder.
    pub(super) fn replace(&self, name: &str, content: &[u8]) -> Result<(), StoreError> {
        let temporary = self.write_temporary(content)?;
        let directory = &self.descriptor;
        rustix::fs::renameat(directory, &temporary, directory, name).map_err(|error| {
            self.drop_temporary(&temporary);
            self.failed("replace", name, error.into())
        })
    }

    /// Writes a new file, and returns its name.
    pub(super) fn write_temporary(&self, content: &[u8]) -> Result<String, StoreError> {
        let name = name::temporary()?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let mut file = self
            .open_at(&name, flags)
            .map_err(|error| self.failed("make", &name, error.into()))?;
        // The umask may have taken more away than others' access.
        file.set_permissions(Permissions::from_mode(0o600))
            .and_then(|()| file.write_all(content))
            .map_err(|error| {
                self.drop_temporary(&name);
                self.failed("write", &name, error)
            })?;
        Ok(name)
    }

    /// Gives a file a second name if nothing has that name. `false` if this file
    /// system has no links.
    pub(super) fn link(&self, from: &str, to: &str) -> bool {
        let directory = &self.descriptor;
        let linked = rustix::fs::linkat(directory, from, directory, to, AtFlags::empty());
        matches!(linked, Ok(()) | Err(Errno::EXIST))
    }

    /// Removes a file; says whether there was one.
    pub(super) fn remove(&self, name: &str) -> Result<bool, StoreError> {
        match rustix::fs::unlinkat(&self.descriptor, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(self.failed("remove", name, error.into())),
        }
    }

    /// A file to be locked, which is ours alone; made if there is none.
    pub(super) fn open_lock(&self, name: &str) -> Result<File, StoreError> {
        let opened = self.open_existing(name, OFlags::RDWR | OFlags::CREATE)?;
        let gone = || self.failed("make", name, Errno::NOENT.into());
        opened.map(|(file, _)| file).ok_or_else(gone)
    }

    /// An error about one file of the folder.
    pub(super) fn fault(&self, kind: StoreErrorKind, name: &str, fault: &str) -> StoreError {
        let folder = shown(self.path);
        StoreError::new(kind, format!("{} in {folder} {fault}", what(name)))
    }

    /// A file that is ours alone, or `None` if there is none and none is to be made.
    fn open_existing(
        &self,
        name: &str,
        flags: OFlags,
    ) -> Result<Option<(File, Metadata)>, StoreError> {
        let odd = |fault| self.fault(StoreErrorKind::Unsafe, name, fault);
        let file = match self.open_at(name, flags) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::MLINK) => return Err(odd("is a symbolic link")),
            // A socket, or a folder that was to be written.
            Err(Errno::NXIO | Errno::OPNOTSUPP | Errno::ISDIR) => return Err(odd(NOT_REGULAR)),
            Err(error) => return Err(self.failed("open", name, error.into())),
        };
        let metadata = file
            .metadata()
            .map_err(|error| self.failed("examine", name, error))?;
        if !metadata.is_file() {
            return Err(odd(NOT_REGULAR));
        }
        match fault_of(&metadata) {
            None => Ok(Some((file, metadata))),
            Some(fault) => Err(odd(&fault)),
        }
    }

    /// Follows no link, and waits for no other end of a pipe.
    fn open_at(&self, name: &str, flags: OFlags) -> Result<File, Errno> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        retry_on_intr(|| rustix::fs::openat(&self.descriptor, name, flags, mode)).map(File::from)
    }

    /// What cannot be removed now is swept up later.
    fn drop_temporary(&self, name: &str) {
        let _ = rustix::fs::unlinkat(&self.descriptor, name, AtFlags::empty());
    }

    fn failed(&self, verb: &str, name: &str, error: io::Error) -> StoreError {
        broken(&format!("{verb} {} in", what(name)), self.path, error)
    }
}

const NOT_REGULAR: &str = "is no regular file";

/// Why others may have had their hands on something.
fn fault_of(metadata: &Metadata) -> Option<String> {
    fault(
        metadata.uid(),
        metadata.mode(),
        rustix::process::geteuid().as_raw(),
    )
}

fn fault(owner: u32, mode: u32, user: u32) -> Option<String> {
    if owner != user {
        Some(format!("belongs to another user (id {owner})"))
    } else if mode & 0o077 != 0 {
        Some(format!(
            "is accessible to others (mode {:04o})",
            mode & 0o7777
        ))
    } else {
        None
    }
}

/// What a file is, for people: its name means nothing to them.
fn what(name: &str) -> &'static str {
    match name
        .rsplit_once('.')
        .map_or(name, |(_, extension)| extension)
    {
        "token" => "a token",
        "failure" => "a failure",
        "tmp" => "a new entry",
        "key" => "the key file",
        _ => "a lock",
    }
}

fn shown(path: &Path) -> String {
    text::line(&path.to_string_lossy(), 200)
}

/// The text is of our own words: that of the operating system depends on its language.
pub(super) fn broken(doing: &str, path: &Path, error: io::Error) -> StoreError {
    let code = error
        .raw_os_error()
        .map_or_else(String::new, |code| format!(" (error {code})"));
    StoreError::new(
        StoreErrorKind::Unavailable,
        format!("cannot {doing} {}: {}{code}", shown(path), error.kind()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_user_may_have_access() {
        assert_eq!(fault(7, 0o100_600, 7), None);
        assert_eq!(fault(7, 0o40_700, 7), None);
        assert!(fault(8, 0o100_600, 7).unwrap().contains("id 8"));
        // Root's files are foreign to everybody else, and nobody's own to root.
        assert!(fault(0, 0o100_600, 7).is_some() && fault(7, 0o100_600, 0).is_some());
        for mode in [0o640, 0o620, 0o610, 0o604, 0o602, 0o601] {
            let fault = fault(7, 0o100_000 | mode, 7).unwrap();
            assert!(fault.contains(&format!("{mode:04o}")), "{fault}");
        }
    }
}
