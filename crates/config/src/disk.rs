//! Reading a file whose content or place is somebody else's choice: never
//! blocking, never unbounded, and judged by the opened file, so that nothing
//! can be swapped between the look and the read.

use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

/// Why a file was not read. `Display` follows the file's name in a sentence.
#[derive(Debug)]
pub(crate) enum Fault {
    /// There is no such file.
    Missing,
    /// The operating system refuses, for this reason.
    Io(io::ErrorKind),
    /// A folder, pipe, socket or device.
    NotRegular,
    /// More than this many bytes.
    TooLarge(u64),
    /// The content is not text.
    NotText,
    /// What the file's mode or owner allows is too much, in words, and the
    /// arguments of the command that repairs it.
    #[cfg_attr(not(unix), expect(dead_code, reason = "there are no modes to check"))]
    Exposed(String, &'static str),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("does not exist"),
            Self::Io(io::ErrorKind::PermissionDenied) => {
                f.write_str("cannot be read: permission denied")
            }
            Self::Io(kind) => write!(f, "cannot be read: {kind}"),
            Self::NotRegular => f.write_str("is not a regular file"),
            Self::TooLarge(limit) => write!(f, "is larger than {} KiB", limit / 1024),
            Self::NotText => f.write_str("is not valid UTF-8"),
            Self::Exposed(reason, _) => f.write_str(reason),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // A folder of the path is a file: there is no such file either.
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            kind => Self::Io(kind),
        }
    }
}

/// Reads a regular file of at most `limit` bytes, links followed, after `judge`
/// has seen the metadata of the very file that is read.
pub(crate) fn read(
    path: &Path,
    limit: u64,
    judge: impl FnOnce(&Metadata) -> Result<(), Fault>,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let file = open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Fault::NotRegular);
    }
    judge(&metadata)?;
    if metadata.len() > limit {
        return Err(Fault::TooLarge(limit));
    }
    // Reserved at once: a growing buffer would leave copies behind. One byte
    // more, to notice a file that grew.
    let capacity = usize::try_from(metadata.len()).map_err(|_| Fault::TooLarge(limit))?;
    let mut content = Zeroizing::new(Vec::with_capacity(capacity.saturating_add(1)));
    file.take(limit + 1).read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        return Err(Fault::TooLarge(limit));
    }
    Ok(content)
}

/// As [`read`], for text.
pub(crate) fn read_text(
    path: &Path,
    limit: u64,
    judge: impl FnOnce(&Metadata) -> Result<(), Fault>,
) -> Result<Zeroizing<String>, Fault> {
    let content = read(path, limit, judge)?;
    let text = std::str::from_utf8(&content).map_err(|_| Fault::NotText)?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Nothing to judge, for files that hold no secret and no settings.
pub(crate) fn any(_: &Metadata) -> Result<(), Fault> {
    Ok(())
}

/// Opens without waiting: a pipe without a writer would block otherwise.
fn open(path: &Path) -> Result<File, Fault> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        // The flags are small positive numbers on every platform.
        options.custom_flags(flags.bits().cast_signed());
    }
    Ok(options.open(path)?)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_file_is_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        for path in [pipe.as_path(), folder.path(), Path::new("/dev/null")] {
            let fault = read(path, 10, any).unwrap_err();
            assert_eq!(fault.to_string(), "is not a regular file", "{path:?}");
        }
    }

    #[test]
    fn the_limit_is_inclusive() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "0123456789").unwrap();
        assert_eq!(read(&path, 10, any).unwrap().as_slice(), b"0123456789");
        assert!(matches!(read(&path, 9, any), Err(Fault::TooLarge(9))));
    }

    #[test]
    fn missing_files_and_folders_read_alike() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        for path in [folder.path().join("none"), file.join("below")] {
            assert!(matches!(read(&path, 9, any), Err(Fault::Missing)));
        }
    }
}
