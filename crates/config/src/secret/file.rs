//! A secret in a file.

#[cfg(unix)]
use std::fs::Metadata;
use std::path::{Path, PathBuf};

use prove_token::{ClientSecret, Error, SecretSource};

use super::{CredentialSecret, LIMIT, accept, refuse};
use crate::disk::{self, Fault};
use crate::env::Env;
use crate::place::{printable, shell_word};
use crate::setting::SecretSetting;

/// A client secret in a file of its own.
///
/// Links are followed, because orchestrators swap secrets by link. The file is
/// refused if others can read it, or if its group or others can write it. Its
/// group may read it only if the file is somebody else's (an orchestrator's,
/// say) or below `CREDENTIALS_DIRECTORY`. Modes are not checked on Windows.
/// At most 64 KiB of UTF-8; one trailing newline is dropped.
#[derive(Clone, Debug)]
pub struct FileSecret {
    path: PathBuf,
    allow_insecure_mode: Option<bool>,
    #[cfg_attr(not(unix), expect(dead_code, reason = "there are no modes to check"))]
    credentials_directory: Option<PathBuf>,
}

impl FileSecret {
    /// The file at `path`; a relative path starts at the current folder as it is
    /// now. `env` tells `CREDENTIALS_DIRECTORY`.
    pub fn new(path: impl Into<PathBuf>, env: &Env) -> Self {
        let path = path.into();
        Self {
            // Fails only without a current folder; reading then fails as well.
            path: std::path::absolute(&path).unwrap_or(path),
            allow_insecure_mode: None,
            credentials_directory: env.conventional_path("CREDENTIALS_DIRECTORY"),
        }
    }

    /// Whether to accept the file whatever its mode: the named exception, for
    /// mounts whose modes nobody can change. Default: `false`. Call it with either
    /// value where a user can say so: the hint on an exposed file names the
    /// setting then.
    #[must_use]
    pub fn allow_insecure_mode(mut self, allow: bool) -> Self {
        self.allow_insecure_mode = Some(allow);
        self
    }

    /// Judges the opened file by its mode and owner.
    #[cfg(unix)]
    fn judge(&self, metadata: &Metadata) -> Result<(), Fault> {
        use std::os::unix::fs::MetadataExt as _;
        if self.allow_insecure_mode == Some(true) {
            return Ok(());
        }
        let mode = metadata.mode();
        let is_own = metadata.uid() == rustix::process::geteuid().as_raw();
        let problem = if mode & 0o004 != 0 {
            "can be read by every user"
        } else if mode & 0o022 != 0 {
            "can be written by other users"
        } else if mode & 0o040 != 0 && is_own && !self.is_system_credential() {
            "can be read by its group"
        } else {
            return Ok(());
        };
        let text = format!("{problem} (mode {:04o})", mode & 0o7777);
        Err(Fault::Exposed(text, "chmod 600"))
    }

    /// Whether the file is in the folder in which systemd hands credentials
    /// over; there the group bits only mirror an access control list.
    #[cfg(unix)]
    fn is_system_credential(&self) -> bool {
        let folder = self.credentials_directory.as_ref();
        let Some(folder) = folder.and_then(|folder| folder.canonicalize().ok()) else {
            return false;
        };
        let path = self.path.canonicalize();
        path.is_ok_and(|path| path.starts_with(folder))
    }

    fn hint(&self, fault: &Fault, path: &str) -> String {
        match fault {
            Fault::Missing => {
                format!("write the client secret to {path}, or name another file")
            }
            Fault::Exposed(_, repair) => {
                let run = format!("run: {repair} {}", shell_word(path));
                match self.allow_insecure_mode {
                    None => run,
                    Some(_) => format!(
                        "{run} (or set allow_insecure_mode = true for this source, if its mode \
                         cannot be changed)"
                    ),
                }
            }
            Fault::Io(_) => format!("make {path} readable for the user that runs this"),
            Fault::NotRegular => "name a regular file, or use a command as the source".to_owned(),
            Fault::TooLarge(_) | Fault::NotText => {
                "store the secret alone in the file, on one line, as UTF-8".to_owned()
            }
        }
    }

    /// The secret in `content`, or why there is none.
    pub(super) fn accept(
        &self,
        content: Result<zeroize::Zeroizing<String>, Fault>,
    ) -> Result<ClientSecret, Error> {
        let subject = format!("the secret file {}", printable(&self.path));
        let text = content.map_err(|fault| self.refused(&fault))?;
        accept(&subject, &text)
    }

    /// `fault` in words.
    pub(crate) fn refused(&self, fault: &Fault) -> Error {
        let path = printable(&self.path);
        let hint = self.hint(fault, &path);
        refuse(&format!("the secret file {path}"), fault).with_hint(hint)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What `setting` says, if that is in a file.
    pub(crate) fn of(setting: &SecretSetting, env: &Env) -> Option<Self> {
        match setting {
            SecretSetting::File {
                path,
                allow_insecure_mode,
            } => {
                let mut source = Self::new(path, env);
                source.allow_insecure_mode = *allow_insecure_mode;
                Some(source)
            }
            SecretSetting::Credential(name) => CredentialSecret::new(name, env).into_file(),
            _ => None,
        }
    }

    pub(crate) fn content(&self) -> Result<zeroize::Zeroizing<String>, Fault> {
        #[cfg(unix)]
        return disk::read_text(&self.path, LIMIT, |metadata| self.judge(metadata));
        #[cfg(not(unix))]
        return disk::read_text(&self.path, LIMIT, disk::any);
    }
}

impl SecretSource for FileSecret {
    fn identity(&self) -> String {
        // Paths need not be UTF-8: escaped, so that two of them never look alike.
        format!("file:{:?}", self.path)
    }

    fn read(&self) -> Result<ClientSecret, Error> {
        self.accept(self.content())
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use prove_token::ErrorKind;

    use super::*;

    const CANARY: &str = "canary-file-51";

    struct Fixture {
        folder: tempfile::TempDir,
    }

    impl Fixture {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            Self { folder }
        }

        fn file(&self, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
            let path = self.folder.path().join(format!("secret-{mode:o}"));
            std::fs::write(&path, content).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            path
        }
    }

    fn source(path: impl Into<PathBuf>) -> FileSecret {
        FileSecret::new(path, &Env::default())
    }

    /// The error of reading, after a look for the canary in every text of it.
    fn refusal(source: &FileSecret) -> (String, String) {
        let error = source.read().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SecretSource);
        let hint = error.hint().expect("a hint").to_owned();
        let all = format!("{error} {error:?} {hint} {source:?} {}", source.identity());
        assert!(!all.contains("canary"), "{all}");
        (error.to_string(), hint)
    }

    #[test]
    fn a_private_file_is_read() {
        let fixture = Fixture::new();
        for mode in [0o600, 0o400, 0o700] {
            let source = source(fixture.file(format!("{CANARY}\n"), mode));
            assert_eq!(source.read().unwrap().expose_secret(), CANARY);
        }
    }

    #[test]
    fn modes_that_expose_the_secret_are_refused_with_the_remedy() {
        let fixture = Fixture::new();
        for (mode, problem) in [
            (0o604, "can be read by every user (mode 0604)"),
            (0o620, "can be written by other users (mode 0620)"),
            (0o602, "can be written by other users (mode 0602)"),
            (0o640, "can be read by its group (mode 0640)"),
            (0o666, "can be read by every user (mode 0666)"),
        ] {
            let path = fixture.file(CANARY, mode);
            let insecure = source(&path);
            let (message, hint) = refusal(&insecure);
            assert_eq!(
                message,
                format!("the secret file {} {problem}", path.display())
            );
            assert!(
                hint.contains(&format!("chmod 600 {}", path.display())),
                "{hint}"
            );
            assert!(!hint.contains("allow_insecure_mode"), "{hint}");
            let (_, hint) = refusal(&source(&path).allow_insecure_mode(false));
            assert!(hint.contains("allow_insecure_mode = true"), "{hint}");
            let excepted = insecure.allow_insecure_mode(true);
            assert_eq!(excepted.read().unwrap().expose_secret(), CANARY);
        }
    }

    #[test]
    fn the_remedy_is_quoted_for_a_shell() {
        let fixture = Fixture::new();
        let spaced = fixture.folder.path().join("my secret");
        std::fs::rename(fixture.file(CANARY, 0o644), &spaced).unwrap();
        let expected = format!("run: chmod 600 '{}'", spaced.display());
        assert_eq!(refusal(&source(&spaced)).1, expected);
    }

    #[test]
    fn the_group_may_read_below_the_credentials_directory_alone() {
        let fixture = Fixture::new();
        let path = fixture.file(CANARY, 0o440);
        let env: Env = [("CREDENTIALS_DIRECTORY", fixture.folder.path())]
            .into_iter()
            .collect();
        assert!(FileSecret::new(&path, &env).read().is_ok());
        // A way out of the folder is not below it.
        let elsewhere = Fixture::new();
        let outside = elsewhere.file(CANARY, 0o440);
        let link = fixture.folder.path().join("link");
        symlink(&outside, &link).unwrap();
        refusal(&FileSecret::new(&link, &env));
        refusal(&source(&path));
        // And there, too, nobody else may read or write it.
        let path = fixture.file(CANARY, 0o444);
        refusal(&FileSecret::new(&path, &env));
    }

    #[test]
    fn links_are_followed_to_the_current_secret() {
        let fixture = Fixture::new();
        let first = fixture.file("one", 0o600);
        let second = fixture.file("two", 0o400);
        let link = fixture.folder.path().join("..data");
        symlink(&first, &link).unwrap();
        let source = source(&link);
        assert_eq!(source.read().unwrap().expose_secret(), "one");
        std::fs::remove_file(&link).unwrap();
        symlink(&second, &link).unwrap();
        assert_eq!(source.read().unwrap().expose_secret(), "two");
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let fixture = Fixture::new();
        let path = fixture.file("", 0o600);
        assert!(
            refusal(&source(&path))
                .0
                .ends_with("the client secret is empty")
        );
        std::fs::write(&path, b"canary\xff").unwrap();
        assert!(refusal(&source(&path)).0.ends_with("is not valid UTF-8"));
        std::fs::write(&path, "canary".repeat(20_000)).unwrap();
        assert!(refusal(&source(&path)).0.ends_with("is larger than 64 KiB"));
        let folder = source(fixture.folder.path());
        assert!(refusal(&folder).0.ends_with("is not a regular file"));
        let none = source(fixture.folder.path().join("none"));
        assert!(refusal(&none).0.ends_with("does not exist"));
    }
}
