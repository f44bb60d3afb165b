//! What a program that runs for long asks of its profiles: whether one is still the same,
//! which files it depends on, and whether what they hold has changed.

use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};

use prove_token::{Credentials, ErrorKind, Secret};
use zeroize::Zeroizing;

use crate::disk::{self, Fault};
use crate::env::Env;
use crate::error::{Error, Problem};
use crate::place::{printable, shell_word};
use crate::profile::{CA_LIMIT, Profile};
use crate::secret::FileSecret;
use crate::setting::{ClientIdSetting, SecretSetting};

impl Profile {
    /// Whether a client made of this profile would do what one made of `other` does, so
    /// that it may be kept with its tokens. Where a setting stands in a file does not
    /// matter; what is in the files that it names is for [`FileFingerprints`] to tell.
    pub fn is_same_as(&self, other: &Self) -> bool {
        let rows = |profile: &Self| -> Vec<_> {
            let rows = profile.explain().into_iter();
            rows.map(|row| (row.key, row.value)).collect()
        };
        let client_id = |profile: &Self| {
            let credentials = profile.credentials.as_ref();
            credentials.map(Credentials::client_id).cloned()
        };
        self.target == other.target
            && rows(self) == rows(other)
            && client_id(self) == client_id(other)
            && self.ca_file == other.ca_file
            && self.cache_folder == other.cache_folder
            && self.parameters() == other.parameters()
            && self.has_secret_of(other)
    }

    /// The file that the client secret is in, if it is in one: a credential of systemd is
    /// in the folder that `env` names.
    pub fn watched_secret_file(&self, env: &Env) -> Option<PathBuf> {
        self.file_secret(env).map(|file| file.path().to_owned())
    }

    /// Every file whose content this profile was made of, or will read: of the client id,
    /// the client secret and the certificate authorities.
    pub fn files(&self, env: &Env) -> Vec<PathBuf> {
        let id = match self.sources.settings.client_id.as_ref().map(|id| &id.value) {
            Some(ClientIdSetting::File(path)) => Some(path.clone()),
            _ => None,
        };
        let files = [id, self.watched_secret_file(env), self.ca_file.clone()];
        files.into_iter().flatten().collect()
    }

    /// That nobody else can read or write the file of the client secret. One that is not
    /// there (yet) passes, and one that holds no secret: that shows when it is read.
    ///
    /// # Errors
    ///
    /// `Configuration`, with what repairs it.
    pub fn check_secret_file(&self, env: &Env) -> Result<(), Error> {
        let Some(file) = self.file_secret(env) else {
            return Ok(());
        };
        match file.content() {
            Err(fault @ Fault::Exposed(..)) => {
                let refused = file.refused(&fault);
                let mut problem = Problem::new(refused.to_string());
                problem.hint = refused.hint().map(str::to_owned);
                debug_assert_eq!(refused.kind(), ErrorKind::SecretSource);
                Err(problem.into())
            }
            _ => Ok(()),
        }
    }

    /// Whether the secret is where no file tells that it has changed: in the keyring, or
    /// printed by a command.
    pub fn has_unwatched_secret(&self) -> bool {
        let secret = self.sources.settings.client_secret.as_ref();
        secret.is_some_and(|setting| {
            matches!(
                setting.value,
                SecretSetting::Command { .. } | SecretSetting::Keyring { .. }
            )
        })
    }

    fn file_secret(&self, env: &Env) -> Option<FileSecret> {
        let secret = self.sources.settings.client_secret.as_ref()?;
        FileSecret::of(&secret.value, env)
    }

    fn parameters(&self) -> Vec<(&str, &str)> {
        let given = self.sources.settings.parameters.iter();
        let each = given.flat_map(|setting| &setting.value);
        each.map(|(name, value)| (name.as_str(), value.expose_secret()))
            .collect()
    }

    /// What the words of [`explain`](Self::explain) leave out.
    fn has_secret_of(&self, other: &Self) -> bool {
        use SecretSetting::{Command, File, Given, Keyring};
        let secret = |profile: &'_ Self| {
            let secret = profile.sources.settings.client_secret.as_ref();
            secret.map(|setting| setting.value.clone())
        };
        match (secret(self), secret(other)) {
            (Some(Given(one)), Some(Given(two))) => one.expose_secret() == two.expose_secret(),
            (Some(File { path: one, .. }), Some(File { path: two, .. })) => one == two,
            (Some(Command { arguments: one, .. }), Some(Command { arguments: two, .. })) => {
                let words = |words: &[Secret]| -> Vec<String> {
                    words
                        .iter()
                        .map(|word| word.expose_secret().to_owned())
                        .collect()
                };
                words(&one) == words(&two)
            }
            (
                Some(Keyring {
                    time_limit: one, ..
                }),
                Some(Keyring {
                    time_limit: two, ..
                }),
            ) => one == two,
            // The words say it all.
            _ => true,
        }
    }
}

/// Reads a file that nobody else may read or write, by the rules of [`FileSecret`]: a
/// private key, say. At most 64 KiB of text.
///
/// # Errors
///
/// `Configuration`, with what repairs it.
pub fn read_private_file(path: &Path, env: &Env) -> Result<Zeroizing<String>, Error> {
    let file = FileSecret::new(path, env);
    file.content().map_err(|fault| {
        let hint = match &fault {
            Fault::Exposed(_, repair) => {
                format!("run: {repair} {}", shell_word(&printable(path)))
            }
            _ => "name a file in PEM form that this user can read".to_owned(),
        };
        Problem::new(format!("the file {} {fault}", printable(path)))
            .with_hint(hint)
            .into()
    })
}

/// Reads a file that is no secret: certificates, say. At most 4 MiB.
///
/// # Errors
///
/// `Configuration`.
pub fn read_public_file(path: &Path) -> Result<Vec<u8>, Error> {
    let content = disk::read(path, CA_LIMIT, disk::any).map_err(|fault| {
        Problem::new(format!("the file {} {fault}", printable(path)))
            .with_hint("name a file in PEM form that this user can read")
    })?;
    Ok(content.to_vec())
}

/// Tells whether files have changed by what is in them, whatever their times say. A
/// fingerprint means nothing outside the process, and gives nothing away.
///
/// ```
/// use prove_token_config::FileFingerprints;
/// let (fingerprints, none) = (FileFingerprints::default(), std::path::Path::new("/none"));
/// assert_eq!(fingerprints.of(none), None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct FileFingerprints(RandomState);

impl FileFingerprints {
    /// The fingerprint of the file at `path`, links followed; `None` if it cannot be
    /// read, or is none of at most 4 MiB. It never waits for the other end of a pipe.
    pub fn of(&self, path: &Path) -> Option<u64> {
        let content = disk::read(path, CA_LIMIT, disk::any).ok()?;
        Some(self.0.hash_one(content.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Config;
    use crate::overrides::Overrides;

    const PROFILE: &str = "token_endpoint = \"https://a.example/token\"\nclient_id = \"id\"\n\
        client_secret = { file = \"/none/secret\" }\nca_file = \"/none/ca.pem\"\n\
        parameters = { pin = \"canary-1\" }\n";

    fn profile(text: &str) -> Profile {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let text = format!("version = 1\n[profiles.p]\n{text}");
        crate::replace_file(&path, text.as_bytes(), 0o600).unwrap();
        let config = Config::load(&path).unwrap();
        let overrides = Overrides {
            profile: Some("p".to_owned()),
            ..Overrides::default()
        };
        Profile::from_config(&overrides, &Env::default(), Some(&config)).unwrap()
    }

    #[test]
    fn a_profile_is_the_same_until_something_counts() {
        let one = profile(PROFILE);
        // Another place, another order, a comment.
        let lines: Vec<_> = PROFILE.lines().rev().collect();
        let moved = profile(&format!("# moved\n\n{}\n", lines.join("\n")));
        assert!(one.is_same_as(&moved));
        let command = |words: &str| format!("client_secret = {{ command = [{words}] }}");
        for (old, new) in [
            ("a.example", "b.example"),
            ("\"id\"", "\"other\""),
            ("/none/secret", "/none/other"),
            ("/none/ca", "/none/cb"),
            ("canary-1", "canary-2"),
            ("{ file = \"/none/secret\" }", "{ env = \"X\" }"),
            ("ca_file", "scope = [\"read\"]\nca_file"),
            ("ca_file", "renewal = { attempts = 2 }\nca_file"),
            ("ca_file", "rate_limit = 3\nca_file"),
            ("ca_file", "connect_timeout = \"1s\"\nca_file"),
            ("ca_file", "api_base = \"https://a.example/v1\"\nca_file"),
        ] {
            assert!(
                !one.is_same_as(&profile(&PROFILE.replace(old, new))),
                "{new}"
            );
        }
        let with = |words: &str| {
            let file = "client_secret = { file = \"/none/secret\" }";
            profile(&PROFILE.replace(file, &command(words)))
        };
        assert!(with("\"/bin/cat\", \"a\"").is_same_as(&with("\"/bin/cat\", \"a\"")));
        assert!(!with("\"/bin/cat\", \"a\"").is_same_as(&with("\"/bin/cat\", \"b\"")));
    }

    #[test]
    fn the_files_are_named() {
        let text = PROFILE.replace("\"id\"", "{ env = \"ID\" }");
        assert!(text.contains("ID"));
        let files = profile(PROFILE).files(&Env::default());
        assert_eq!(files, ["/none/secret", "/none/ca.pem"].map(PathBuf::from));
        let text = PROFILE.replace("{ file = \"/none/secret\" }", "{ credential = \"prove\" }");
        let env: Env = [("CREDENTIALS_DIRECTORY", "/run/c")].into_iter().collect();
        let file = profile(&text).watched_secret_file(&env);
        assert_eq!(file, Some("/run/c/prove".into()));
        assert_eq!(profile(&text).watched_secret_file(&Env::default()), None);
    }

    #[cfg(unix)]
    #[test]
    fn an_exposed_secret_is_told_before_it_is_needed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let with = |allow: &str| {
            let file = format!("{{ file = \"{}\"{allow} }}", path.display());
            profile(&PROFILE.replace("{ file = \"/none/secret\" }", &file))
        };
        let env = Env::default();
        with("").check_secret_file(&env).unwrap();
        crate::replace_file(&path, b"canary-9", 0o604).unwrap();
        let error = with("").check_secret_file(&env).unwrap_err();
        let words = format!("{error} {error:?}");
        assert!(
            words.contains("can be read by every user (mode 0604)"),
            "{words}"
        );
        assert!(error.hint().unwrap().starts_with("run: chmod 600 "));
        assert!(!words.contains("canary"), "{words}");
        with(", allow_insecure_mode = true")
            .check_secret_file(&env)
            .unwrap();
        crate::replace_file(&path, b"", 0o600).unwrap();
        with("").check_secret_file(&env).unwrap();
    }

    #[test]
    fn a_fingerprint_follows_the_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let fingerprints = FileFingerprints::default();
        let mut seen = vec![fingerprints.of(&path)];
        for content in ["one", "two", ""] {
            std::fs::write(&path, content).unwrap();
            let now = fingerprints.of(&path);
            assert_eq!(now, fingerprints.of(&path));
            assert!(now.is_some() && !seen.contains(&now), "{content}");
            seen.push(now);
        }
        std::fs::write(&path, "one").unwrap();
        assert_eq!(fingerprints.of(&path), seen[1]);
        assert_eq!(fingerprints.of(folder.path()), None);
    }
}
