//! The files that a token is kept in.

use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use prove_token::{AccessToken, ErrorKind};
use prove_token_config::{is_same_file, replace_file};
use tokio::sync::oneshot;

use crate::command::token::Format;
use crate::failure::Failure;
use crate::printable::printable;

/// All files that one watch keeps.
#[derive(Clone, Debug)]
pub(super) struct Sinks {
    paths: Arc<[PathBuf]>,
    format: Format,
    mode: u32,
}

/// What came of one file.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Its name, fit to print.
    pub(super) name: String,
    /// Whether it was written: it is left alone if it holds the token already.
    pub(super) written: io::Result<bool>,
}

impl Sinks {
    /// The files of these paths, if each is one of ours or can become one. What is a link,
    /// a folder, a pipe or somebody else's is refused: putting a file into its place is
    /// not what was meant.
    pub(super) fn check(paths: &[PathBuf], format: Format, mode: u32) -> Result<Self, Failure> {
        let mut places = Vec::new();
        for path in paths {
            let place = place(path)?;
            if places.contains(&place) {
                return Err(Failure::usage(format!("{} is given twice", shown(path))));
            }
            places.push(place);
        }
        Ok(Self {
            paths: places.into(),
            format,
            mode,
        })
    }

    /// That none is one of `inputs`, which would be lost, and read as what it is not.
    pub(super) fn spare(&self, inputs: &[PathBuf]) -> Result<(), Failure> {
        let is_read = |path: &&PathBuf| inputs.iter().any(|input| is_same_file(path, input));
        match self.paths.iter().find(is_read) {
            None => Ok(()),
            Some(path) => Err(refused(path, "is a file that prove-token reads")
                .hint("give the token a file of its own: what is there would be replaced")),
        }
    }

    /// Sees to it that all files hold `token`, on a thread of its own: a disk may take
    /// its time, and signals are heard meanwhile. Without a thread no file is written.
    pub(super) async fn put(&self, token: &AccessToken, profile: &str) -> Vec<Outcome> {
        let content = self.format.render_to_keep(token, profile) + "\n";
        let (paths, mode) = (Arc::clone(&self.paths), self.mode);
        let (done, outcomes) = oneshot::channel();
        let write = move || {
            let put = |path: &PathBuf| Outcome {
                name: shown(path),
                written: put(path, content.as_bytes(), mode),
            };
            // Nobody waits any more if the command ends.
            let _ = done.send(paths.iter().map(put).collect());
        };
        let thread = std::thread::Builder::new().name("prove-token-sinks".to_owned());
        let started = thread.spawn(write).map(drop);
        // What it sends, or nothing after a panic and without a thread.
        outcomes.await.unwrap_or_else(|_| {
            let kind = started.map_or_else(|error| error.kind(), |()| io::ErrorKind::Other);
            let failed = |path: &PathBuf| Outcome {
                name: shown(path),
                written: Err(kind.into()),
            };
            self.paths.iter().map(failed).collect()
        })
    }
}

/// Permissions in octal. A token is for its owner, and for a group at most.
pub(super) fn mode(text: &str) -> Result<u32, &'static str> {
    let octal = text.bytes().all(|byte| (b'0'..b'8').contains(&byte));
    let mode = u32::from_str_radix(text, 8).ok().filter(|_| octal);
    let mode = mode.ok_or("write permissions as 0600 or 0640")?;
    match mode {
        _ if mode & 0o400 == 0 => Err("the owner must be able to read the file"),
        _ if mode & !0o660 != 0 => {
            Err("others must not have access, nobody runs it, and 0640 lets a group read it")
        }
        _ => Ok(mode),
    }
}

/// Writes the file, unless it is as it should be.
fn put(path: &Path, content: &[u8], mode: u32) -> io::Result<bool> {
    if holds(path, content, mode).unwrap_or(false) {
        return Ok(false);
    }
    replace_file(path, content, mode)?;
    Ok(true)
}

/// Whether the file is ours, with this content and mode.
fn holds(path: &Path, content: &[u8], mode: u32) -> io::Result<bool> {
    let mut options = OpenOptions::new();
    options.read(true);
    follow_nothing(&mut options);
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file()
        || is_foreign(&metadata)
        || !has_mode(&metadata, mode)
        || metadata.len() != content.len() as u64
    {
        return Ok(false);
    }
    let mut held = Vec::with_capacity(content.len() + 1);
    file.take(content.len() as u64 + 1).read_to_end(&mut held)?;
    Ok(held == content)
}

/// The path by which the file is known from now on, whatever the working folder is and
/// however the path was spelled.
fn place(path: &Path) -> Result<PathBuf, Failure> {
    let name = path.file_name().filter(|_| !ends_in_slash(path));
    let Some(name) = name.filter(|name| *name != "-") else {
        let failure = Failure::usage(format!("{} does not name a file", shown(path)));
        return Err(failure.hint("--sink takes a file; prove-token token prints the token"));
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = folder
        .canonicalize()
        .and_then(|folder| match folder.is_dir() {
            true => Ok(folder),
            false => Err(io::ErrorKind::NotADirectory.into()),
        });
    let folder = folder.map_err(|error| {
        let problem = match error.kind() {
            io::ErrorKind::NotFound => "is in a folder that does not exist".to_owned(),
            kind => format!("is in a folder that cannot be used: {kind}"),
        };
        refused(path, &problem).hint("make the folder first, for those who are to read the token")
    })?;
    let place = folder.join(name);
    match fs::symlink_metadata(&place) {
        Ok(metadata) => judge(path, &metadata).map(|()| place),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(place),
        Err(error) => Err(refused(
            path,
            &format!("cannot be looked at: {}", error.kind()),
        )),
    }
}

fn judge(path: &Path, metadata: &Metadata) -> Result<(), Failure> {
    if metadata.is_symlink() {
        return Err(refused(path, "is a symbolic link")
            .hint("name the file itself: a link would be replaced, and not followed"));
    }
    if !metadata.is_file() {
        return Err(refused(path, "is no regular file").hint("name a file, or a new one"));
    }
    match is_foreign(metadata) {
        true => Err(refused(path, "belongs to another user")
            .hint("run this as its owner, or remove it first")),
        false => Ok(()),
    }
}

fn refused(path: &Path, problem: &str) -> Failure {
    let text = format!("the sink {} {problem}", shown(path));
    Failure::new(ErrorKind::Configuration, text)
}

fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

fn ends_in_slash(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes
        .last()
        .is_some_and(|last| std::path::is_separator(char::from(*last)))
}

#[cfg(unix)]
fn is_foreign(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.uid() != rustix::process::geteuid().as_raw()
}

#[cfg(unix)]
fn has_mode(metadata: &Metadata, mode: u32) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.mode() & 0o7777 == mode
}

/// And no waiting for the other end of a pipe.
#[cfg(unix)]
fn follow_nothing(options: &mut OpenOptions) {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    options.custom_flags(flags.bits().cast_signed());
}

#[cfg(not(unix))]
fn is_foreign(_: &Metadata) -> bool {
    false
}

#[cfg(not(unix))]
fn has_mode(_: &Metadata, _: u32) -> bool {
    true
}

#[cfg(not(unix))]
fn follow_nothing(_: &mut OpenOptions) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes() {
        for (good, mode_of_it) in [("600", 0o600), ("0640", 0o640), ("0400", 0o400)] {
            assert_eq!(mode(good), Ok(mode_of_it));
        }
        for bad in ["", "+600", "rw", "0644", "0700", "0060", "01600", "68"] {
            assert!(mode(bad).is_err(), "{bad}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_written_only_if_it_is_not_as_it_should_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        for (content, mode, written) in [
            ("one", 0o600, true),
            ("one", 0o600, false),
            ("two", 0o600, true),
            ("two!", 0o600, true),
            ("two!", 0o640, true),
            ("two!", 0o640, false),
        ] {
            let put = put(&path, content.as_bytes(), mode).unwrap();
            assert_eq!(put, written, "{content} {mode:o}");
        }
    }
}
