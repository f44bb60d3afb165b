//! The state key: what local bearers are sealed with, kept across restarts where there
//! is a place for it.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use prove_token::ErrorKind;
use prove_token_config::{Caller, Env, HandsOut, cache_folder};
use rustix::fs::OFlags;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::plan::Plan;

/// Its length, in bytes.
const LENGTH: usize = 32;

/// The name of its file in systemd's folder, and beside the folder of the cache.
const IN_STATE: &str = "local-bearer.key";
const BESIDE_CACHE: &str = "prove-token.local-bearer.key";

/// 32 random bytes.
pub(crate) struct StateKey(Zeroizing<[u8; LENGTH]>);

/// The key of a service that runs: its own, until there is a caller that gets local
/// bearers, for which one is kept.
#[derive(Debug)]
pub(crate) struct State {
    key: StateKey,
    is_settled: bool,
}

impl State {
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self {
            key: StateKey::random()?,
            is_settled: false,
        })
    }

    /// Settles for the callers of `plan`, once; says what an operator should know.
    ///
    /// # Errors
    ///
    /// As [`StateKey::settle`].
    pub(crate) fn settle(&mut self, plan: &Plan) -> Result<Option<String>, Failure> {
        let gets_bearers = |caller: &Caller| caller.hands_out == HandsOut::Proxy;
        let is_needed = plan.keeps_state && plan.settings.callers.iter().any(gets_bearers);
        if self.is_settled || !is_needed {
            return Ok(None);
        }
        let (key, notice) = StateKey::settle(plan.state_place.as_deref())?;
        *self = Self {
            key,
            is_settled: true,
        };
        Ok(notice)
    }

    pub(crate) fn key(&self) -> &StateKey {
        &self.key
    }
}

impl StateKey {
    /// The one that was kept at `place`, or else a new one, kept there if that can be.
    /// With it comes what an operator should know, if it could not be kept.
    ///
    /// # Errors
    ///
    /// `Configuration` if others may have read or written what was kept; `Internal` if
    /// the system has no randomness.
    pub(crate) fn settle(place: Option<&Path>) -> Result<(Self, Option<String>), Failure> {
        let kept = match place {
            Some(path) => keep(path).map_err(|error| (path, error)),
            None => return Ok((Self::random()?, Some(notice("there is no folder for it")))),
        };
        match kept {
            Ok(key) => Ok((key, None)),
            Err((path, Fault::Exposed)) => Err(exposed(path)),
            Err((_, Fault::NoRandomness(failure))) => Err(failure),
            Err((path, Fault::Io(error))) => {
                let why = format!("{}: {}", path.display(), error.kind());
                Ok((Self::random()?, Some(notice(&why))))
            }
        }
    }

    /// One that is not kept.
    pub(crate) fn random() -> Result<Self, Failure> {
        let mut key = Zeroizing::new([0; LENGTH]);
        let filled = aws_lc_rs::rand::fill(&mut *key);
        filled.map_err(|_| Failure::new(ErrorKind::Internal, "the system has no randomness"))?;
        Ok(Self(key))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &*self.0
    }
}

#[cfg(test)]
impl From<[u8; LENGTH]> for StateKey {
    fn from(bytes: [u8; LENGTH]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

/// Not the key.
impl fmt::Debug for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StateKey([redacted])")
    }
}

/// Why no key was kept.
enum Fault {
    /// The file is not this user's alone.
    Exposed,
    Io(io::Error),
    NoRandomness(Failure),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            // A link, of which nobody knows who made it.
            Some(code) if code == rustix::io::Errno::LOOP.raw_os_error() => Self::Exposed,
            _ => Self::Io(error),
        }
    }
}

/// Where it is kept: in systemd's folder, or else beside the folder of the cache.
pub(crate) fn place(env: &Env) -> Option<PathBuf> {
    // systemd names several with colons between.
    let first = |value: &std::ffi::OsStr| value.to_str()?.split(':').next().map(PathBuf::from);
    let state = env.var_os("STATE_DIRECTORY").and_then(first);
    match state.filter(|folder| folder.is_absolute()) {
        Some(folder) => Some(folder.join(IN_STATE)),
        None => Some(cache_folder(env).ok()?.with_file_name(BESIDE_CACHE)),
    }
}

/// The key in the file at `path`, which is made if it is not there.
fn keep(path: &Path) -> Result<StateKey, Fault> {
    if let Some(key) = read(path)? {
        return Ok(key);
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let key = StateKey::random().map_err(Fault::NoRandomness)?;
    // Readable by its owner alone from the first moment on.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(key.bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(key),
        // Another service was first, and its key is as good.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            read(path)?.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound).into())
        }
        Err(error) => Err(error.error.into()),
    }
}

/// The key in the file; `None` if there is no such file. One of another length is no
/// key of ours: it is removed.
fn read(path: &Path) -> Result<Option<StateKey>, Fault> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file = match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    if !is_private(&file)? {
        return Err(Fault::Exposed);
    }
    let mut content = Zeroizing::new(Vec::with_capacity(LENGTH + 1));
    file.take(LENGTH as u64 + 1).read_to_end(&mut content)?;
    match <[u8; LENGTH]>::try_from(content.as_slice()) {
        Ok(key) => Ok(Some(StateKey(Zeroizing::new(key)))),
        Err(_) => {
            fs::remove_file(path)?;
            Ok(None)
        }
    }
}

/// Whether it is a file of this user, under one name, that nobody else may touch.
fn is_private(file: &File) -> io::Result<bool> {
    let metadata = file.metadata()?;
    let own = rustix::process::geteuid().as_raw();
    Ok(metadata.is_file()
        && metadata.uid() == own
        && metadata.nlink() == 1
        && metadata.mode() & 0o077 == 0)
}

fn exposed(path: &Path) -> Failure {
    let message = format!(
        "the key of the local bearers is not this user's alone: {}",
        path.display()
    );
    Failure::new(ErrorKind::Configuration, message)
        .hint("remove the file; the service makes a new one, and programs ask for new bearers")
}

fn notice(why: &str) -> String {
    format!(
        "local bearers end with this process, for their key cannot be kept ({why}); set \
         STATE_DIRECTORY to a folder that the service may write to"
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn settle(variables: &[(&str, &str)]) -> Result<(StateKey, Option<String>), Failure> {
        let env: Env = variables.iter().copied().collect();
        StateKey::settle(place(&env).as_deref())
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_key_is_made_once_and_kept_private() {
        let home = tempfile::tempdir().unwrap();
        let at = home.path().to_str().unwrap();
        for (variables, name) in [
            (
                [("STATE_DIRECTORY", &*format!("{at}/s:/other"))],
                "s/local-bearer.key",
            ),
            ([("HOME", at)], ".cache/prove-token.local-bearer.key"),
        ] {
            let (first, notice) = settle(&variables).unwrap();
            assert_eq!(notice, None);
            let (second, _) = settle(&variables).unwrap();
            assert_eq!(first.bytes(), second.bytes());
            let path = home.path().join(name);
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
            let folder = path.parent().unwrap();
            assert_eq!(
                fs::read_dir(folder).unwrap().count(),
                1,
                "nothing is left over"
            );
            fs::write(&path, "torn").unwrap();
            let (third, _) = settle(&variables).unwrap();
            assert_ne!(first.bytes(), third.bytes());
        }
    }

    #[test]
    fn a_key_that_others_can_reach_is_not_used() {
        let home = tempfile::tempdir().unwrap();
        let variables = [("STATE_DIRECTORY", home.path().to_str().unwrap())];
        let path = home.path().join(IN_STATE);
        settle(&variables).unwrap();
        set_mode(&path, 0o640);
        let failure = settle(&variables).unwrap_err();
        assert_eq!(failure.exit_code(), 3);
        assert!(failure.message().contains(IN_STATE) && failure.hint_text().is_some());
        set_mode(&path, 0o600);
        let elsewhere = home.path().join("elsewhere");
        fs::rename(&path, &elsewhere).unwrap();
        symlink(&elsewhere, &path).unwrap();
        assert_eq!(settle(&variables).unwrap_err().exit_code(), 3);
        fs::remove_file(&path).unwrap();
        fs::hard_link(&elsewhere, &path).unwrap();
        assert_eq!(settle(&variables).unwrap_err().exit_code(), 3);
    }

    #[test]
    fn without_a_place_it_lives_as_long_as_the_process() {
        let (first, notice) = settle(&[]).unwrap();
        assert!(notice.unwrap().contains("there is no folder for it"));
        assert_ne!(first.bytes(), settle(&[]).unwrap().0.bytes());
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        fs::write(&file, "").unwrap();
        let (_, notice) = settle(&[("STATE_DIRECTORY", file.to_str().unwrap())]).unwrap();
        assert!(notice.unwrap().contains("not a directory"));
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(
            format!("{:?}", StateKey::from([7; 32])),
            "StateKey([redacted])"
        );
    }
}
