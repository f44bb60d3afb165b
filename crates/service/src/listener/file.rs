//! The file of a Unix socket.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

/// Removed when this is dropped, if it is still the same. That has to be before the
/// listener: as long as that is open, no other file has its number.
#[derive(Debug)]
pub(crate) struct SocketFile(SocketPlace);

/// Where a socket was put, and which one.
#[derive(Clone, Debug)]
pub(crate) struct SocketPlace {
    pub(crate) path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

impl SocketFile {
    /// Makes room at `path`, and has `bind` put a socket there. One that nobody listens
    /// on any more is removed; anything else that is there stays, and is an error. Of
    /// several processes that do so at once, one succeeds.
    pub(super) fn make<L>(
        path: &Path,
        bind: impl FnOnce() -> io::Result<L>,
    ) -> io::Result<(L, Self)> {
        let lock = lock(path)?;
        make_room(path)?;
        let listener = bind()?;
        let place = SocketPlace {
            identity: identity(path)?,
            path: path.to_owned(),
        };
        drop(lock);
        Ok((listener, Self(place)))
    }

    pub(super) fn place(&self) -> &SocketPlace {
        &self.0
    }
}

impl SocketPlace {
    /// Lets everybody connect to the socket, or its owner alone; an error if another file is
    /// in its place, or a link to one.
    #[cfg(target_os = "linux")]
    pub(crate) fn open_to(&self, everybody: bool) -> io::Result<()> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::open(&self.path, flags, Mode::empty())?);
        self.check(&file.metadata()?)?;
        // By a way that leads to this file and no other.
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        super::open_to(path.as_ref(), everybody)
    }

    /// As on Linux, but for a file that is replaced between the look and the change.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn open_to(&self, everybody: bool) -> io::Result<()> {
        self.check(&fs::symlink_metadata(&self.path)?)?;
        super::open_to(&self.path, everybody)
    }

    fn check(&self, metadata: &fs::Metadata) -> io::Result<()> {
        match (metadata.dev(), metadata.ino()) == self.identity {
            true => Ok(()),
            false => Err(io::Error::other("another file is there")),
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody may have put another one in its place.
        let SocketPlace {
            path,
            identity: own,
        } = &self.0;
        if identity(path).ok() == Some(*own) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Between the look at a dead socket and its removal, another process could have put a
/// live one there. The file stays: others may wait for it.
fn lock(socket: &Path) -> io::Result<File> {
    let mut name = OsString::from(".");
    name.push(socket.file_name().unwrap_or_default());
    name.push(".lock");
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    let file = File::from(rustix::fs::open(socket.with_file_name(name), flags, mode)?);
    // Who holds it is binding, and soon listens there.
    file.try_lock().map_err(|_| io::ErrorKind::AddrInUse)?;
    Ok(file)
}

fn make_room(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    if !metadata.file_type().is_socket() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    match connect_now(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        _ => Err(io::ErrorKind::AddrInUse.into()),
    }
}

/// Connects, unless that would have to wait: a process that listens and has stopped
/// accepts nothing, and its queue may be full.
pub(crate) fn connect_now(path: &Path) -> io::Result<UnixStream> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_live_socket_stays_even_if_its_queue_is_full() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let bind = || UnixListener::bind(&path);
        let (listener, file) = SocketFile::make(&path, bind).unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let waiting = UnixStream::connect(&path).unwrap();
        let error = SocketFile::make(&path, bind).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        // Somebody puts another one in its place.
        fs::remove_file(&path).unwrap();
        let (newer, newer_file) = SocketFile::make(&path, bind).unwrap();
        drop((file, listener, waiting));
        assert!(path.exists(), "it is the newer one's");
        drop((newer_file, newer));
        assert!(!path.exists());
    }

    #[test]
    fn of_many_who_find_a_dead_socket_one_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        for _ in 0..20 {
            drop(UnixListener::bind(&path).unwrap());
            let made = || SocketFile::make(&path, || UnixListener::bind(&path));
            let all: Vec<_> = std::thread::scope(|scope| {
                let starters: Vec<_> = (0..4).map(|_| scope.spawn(made)).collect();
                starters
                    .into_iter()
                    .map(|made| made.join().unwrap())
                    .collect()
            });
            assert_eq!(all.iter().filter(|made| made.is_ok()).count(), 1);
            UnixStream::connect(&path).unwrap();
        }
    }
}
