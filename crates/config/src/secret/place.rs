//! A place for a client secret, as something that can be written.

use std::fmt;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use prove_token::{ClientSecret, Error, Secret, SecretSource};

use super::{KeyringSecret, refuse};
use crate::credential;
use crate::env::Env;
use crate::file::Config;
use crate::overrides::Overrides;
use crate::place::{printable, shell_word};
use crate::replacement;
use crate::selection;
use crate::setting::{EnvironmentName, SecretSetting};
use crate::{Problem, error};

/// A place where a client secret is kept, as a profile names it. `Display` is for
/// people, and of a command names the program alone.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SecretPlace {
    /// `{ env = "…" }`: the environment variable of this name.
    Env(String),
    /// `{ file = "…" }`: a file of its own.
    File(PathBuf),
    /// `{ command = ["…"] }`: the standard output of this command, the program first.
    /// Its arguments are not shown: somebody will put a secret among them.
    Command(Vec<Secret>),
    /// `{ keyring = "…" }`: an entry of the keyring of this system, or of the kernel's,
    /// which forgets it.
    Keyring {
        /// The entry's name.
        name: String,
        /// Whether it is the kernel's: `until_reboot = true`.
        until_reboot: bool,
    },
    /// `{ credential = "…" }`: what systemd hands over under this name.
    Credential(String),
}

impl SecretPlace {
    /// Keeps `secret` here. A file is replaced whole and is then the effective user's
    /// alone (mode 0600); folders that are missing are made, with mode 0700. Links are
    /// followed.
    ///
    /// # Errors
    ///
    /// `SecretSource`, and what was kept before is still there: the place is not for us
    /// to write (a variable, the output of a command, somebody else's file, what systemd
    /// hands over), or the system refuses.
    pub fn save(&self, secret: &ClientSecret, env: &Env) -> Result<(), Error> {
        match self {
            Self::File(path) => OwnFile::at(path, env)?.save(secret),
            Self::Keyring { name, until_reboot } => {
                KeyringSecret::new(name, *until_reboot).save(secret)
            }
            _ => Err(self.not_ours()),
        }
    }

    /// Forgets the secret that is kept here, and says whether there was one.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save).
    pub fn remove(&self, env: &Env) -> Result<bool, Error> {
        match self {
            Self::File(path) => OwnFile::at(path, env)?.remove(),
            Self::Keyring { name, until_reboot } => {
                KeyringSecret::new(name, *until_reboot).remove()
            }
            _ => Err(self.not_ours()),
        }
    }

    /// That a secret can be kept here, as far as can be told without writing.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save).
    pub fn check_writable(&self, env: &Env) -> Result<(), Error> {
        match self {
            Self::File(path) => OwnFile::at(path, env).map(drop),
            Self::Keyring { name, until_reboot } => KeyringSecret::new(name, *until_reboot).check(),
            _ => Err(self.not_ours()),
        }
    }

    /// Why nothing can be written where only others write.
    fn not_ours(&self) -> Error {
        let (problem, hint) = match self {
            Self::Env(name) => (
                "cannot be changed from here: it belongs to whoever starts prove-token",
                format!("set {name} there, or keep the secret elsewhere"),
            ),
            Self::Credential(name) => (
                "is handed over by systemd",
                format!("change what the unit's LoadCredential={name}:… takes it from"),
            ),
            _ => (
                "cannot be told a secret: it only prints one",
                "change the secret in the program that the command asks".to_owned(),
            ),
        };
        refuse(&self.to_string(), problem).with_hint(hint)
    }
}

impl fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the file {}", printable(path)),
            Self::Command(words) => {
                let program = words.first().map_or("", Secret::expose_secret);
                write!(f, "the command {}", printable(Path::new(program)))
            }
            Self::Keyring { name, until_reboot } => match until_reboot {
                true => write!(
                    f,
                    "the kernel's keyring, until the next reboot (entry {name:?})"
                ),
                false => write!(f, "the keyring of this system (entry {name:?})"),
            },
            Self::Credential(name) => write!(f, "the systemd credential {name:?}"),
        }
    }
}

/// A file that we may write, or that is not there.
struct OwnFile {
    /// What links lead to.
    target: PathBuf,
    metadata: Option<Metadata>,
}

impl OwnFile {
    fn at(path: &Path, env: &Env) -> Result<Self, Error> {
        let subject = subject(path);
        let file = match path.canonicalize() {
            Ok(target) => Self {
                metadata: target.metadata().ok(),
                target,
            },
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(refuse(
                    &subject,
                    format!("cannot be written: {}", error.kind()),
                ));
            }
            Err(_) if path.is_symlink() => {
                return Err(refuse(&subject, "is a link that leads nowhere")
                    .with_hint("remove the link, or make what it leads to"));
            }
            Err(_) => Self {
                target: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
                metadata: None,
            },
        };
        match file.fault(env) {
            None => Ok(file),
            Some((problem, hint)) => Err(refuse(&subject, problem).with_hint(hint)),
        }
    }

    fn save(&self, secret: &ClientSecret) -> Result<(), Error> {
        if let (None, Some(folder)) = (&self.metadata, self.target.parent()) {
            replacement::make_folder(folder).map_err(|error| self.failed("written", &error))?;
        }
        let content = secret.expose_secret().as_bytes();
        let saved = replacement::replace_file(&self.target, content, 0o600);
        saved.map_err(|error| self.failed("written", &error))
    }

    fn remove(&self) -> Result<bool, Error> {
        match self.metadata {
            None => Ok(false),
            Some(_) => replacement::remove_file(&self.target)
                .map_err(|error| self.failed("removed", &error)),
        }
    }

    /// Why it is not for us to write.
    fn fault(&self, env: &Env) -> Option<(String, &'static str)> {
        let handed_over = env.conventional_path("CREDENTIALS_DIRECTORY");
        let handed_over = handed_over.and_then(|folder| folder.canonicalize().ok());
        if handed_over.is_some_and(|folder| self.target.starts_with(folder)) {
            let hint = "change the secret where the unit's LoadCredential= takes it from";
            return Some(("is handed over by systemd".to_owned(), hint));
        }
        let metadata = self.metadata.as_ref()?;
        if !metadata.is_file() {
            return Some(("is not a regular file".to_owned(), "name a regular file"));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            if metadata.uid() != rustix::process::geteuid().as_raw() {
                let problem = format!("belongs to another user (uid {})", metadata.uid());
                return Some((
                    problem,
                    "change the secret as that user, or where it comes from",
                ));
            }
        }
        None
    }

    fn failed(&self, done: &str, error: &io::Error) -> Error {
        let problem = format!("cannot be {done}: {}", error.kind());
        let folder = self.target.parent().map(printable).unwrap_or_default();
        refuse(&subject(&self.target), problem).with_hint(format!(
            "its folder must be writable: ls -ld {}",
            shell_word(&folder)
        ))
    }
}

fn subject(path: &Path) -> String {
    format!("the secret file {}", printable(path))
}

/// The client secret of one profile: where it is kept, and the way to read it there.
#[derive(Debug)]
pub struct KeptSecret {
    profile: String,
    place: SecretPlace,
    source: Box<dyn SecretSource>,
}

impl KeptSecret {
    /// That of the profile which `overrides` and `env` choose. Only the choice of the
    /// profile and of the file is looked at; whatever else the profile lacks does not
    /// matter. Nothing is read but the configuration file.
    ///
    /// # Errors
    ///
    /// `Configuration` if there is no such profile, if the file has problems, or if the
    /// profile does not say where its secret is.
    pub fn of(overrides: &Overrides, env: &Env) -> Result<Self, error::Error> {
        let config = match Config::find(overrides.config.as_deref(), env)? {
            Some(path) => Some(Config::load(&path)?),
            None => None,
        };
        let selection = selection::select(overrides, env, config.as_ref())?;
        let profile = selection.name;
        let environment = selection.settings.environment.as_ref();
        let is_emulator =
            environment.is_some_and(|setting| setting.value == EnvironmentName::Emulator);
        let setting = selection
            .settings
            .client_secret
            .map(|setting| setting.value);
        let (Some(setting), Some(place)) = (&setting, setting.as_ref().and_then(place_of)) else {
            return Err(no_place(&profile, is_emulator).into());
        };
        Ok(Self {
            source: credential::source(setting, env, config.as_ref()),
            profile,
            place,
        })
    }

    /// The profile's name.
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// Where it is kept.
    pub fn place(&self) -> &SecretPlace {
        &self.place
    }

    /// Reads it. A command may take its time.
    ///
    /// # Errors
    ///
    /// `SecretSource`, as when a token is requested.
    pub fn read(&self) -> Result<ClientSecret, Error> {
        self.source.read()
    }
}

fn no_place(profile: &str, is_emulator: bool) -> Problem {
    let problem = format!("the profile \"{profile}\" does not say where its secret is kept");
    let problem = Problem::new(problem).with_key("client_secret");
    problem.with_hint(match is_emulator {
        true => "it needs none: the emulator brings its own credentials",
        false => "add client_secret = { file = \"…\" } to the profile",
    })
}

fn place_of(setting: &SecretSetting) -> Option<SecretPlace> {
    match setting {
        SecretSetting::Given(_) | SecretSetting::None => None,
        SecretSetting::Credential(name) => Some(SecretPlace::Credential(name.clone())),
        SecretSetting::Keyring {
            name, until_reboot, ..
        } => Some(SecretPlace::Keyring {
            name: name.clone(),
            until_reboot: *until_reboot,
        }),
        SecretSetting::Env(name) => Some(SecretPlace::Env(name.clone())),
        SecretSetting::File { path, .. } => Some(SecretPlace::File(path.clone())),
        SecretSetting::Command {
            program, arguments, ..
        } => {
            let words = std::iter::once(Secret::new(program.as_str()));
            Some(SecretPlace::Command(
                words.chain(arguments.iter().cloned()).collect(),
            ))
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
