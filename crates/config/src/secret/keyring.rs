//! A secret in a keyring of the operating system.

#[cfg(target_os = "linux")]
mod kernel;
#[cfg(any(target_os = "macos", windows, all(unix, feature = "secret-service")))]
mod system;
mod trouble;
mod worker;

#[cfg(not(target_os = "linux"))]
use self::absent as kernel;
#[cfg(not(any(target_os = "macos", windows, all(unix, feature = "secret-service"))))]
use self::absent as system;

use std::time::Duration;

use prove_token::{ClientSecret, Error, SecretSource};
use zeroize::Zeroizing;

use self::trouble::Trouble;
use super::{LIMIT, accept, refuse};
use crate::duration::{DEFAULT_KEYRING, SOURCE_RANGE};

/// What the entries of this program are filed under.
const SERVICE: &str = "prove-token";

/// A client secret in a keyring: the one that the desktop unlocks at login, or the
/// kernel's, which forgets.
///
/// | keyring | where an entry is |
/// |---|---|
/// | Secret Service (Linux and other Unix) | attributes `service` = `prove-token` and `username` = the name, in the default collection |
/// | Keychain (macOS) | the login keychain, service `prove-token`, account = the name |
/// | Credential Manager (Windows) | a generic credential of the user `NAME.prove-token` |
/// | the kernel's (Linux, "until reboot") | a key of the type `user`, `prove-token:NAME`, in the persistent keyring of the user |
///
/// The kernel keeps an entry until the machine restarts, and no longer than
/// `kernel.keys.persistent_keyring_expiry` (as a rule 3 days) after its last use. No
/// other keyring is tried in place of the one that is asked for.
///
/// A keyring may ask somebody to unlock it, and may never answer, so it is spoken to on
/// a thread of its own, with a time limit. The Secret Service is found by
/// `DBUS_SESSION_BUS_ADDRESS` of the process: that library reads no other environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyringSecret {
    name: String,
    until_reboot: bool,
    time_limit: Duration,
}

impl KeyringSecret {
    /// The entry `name`: of the kernel's keyring if it is to last `until_reboot` only,
    /// else of the keyring of this system.
    pub fn new(name: impl Into<String>, until_reboot: bool) -> Self {
        Self {
            name: name.into(),
            until_reboot,
            time_limit: DEFAULT_KEYRING,
        }
    }

    /// How long the keyring may take for an answer, with the time that somebody needs
    /// to unlock it, from 1 s to 5 min; what is outside is taken for the nearer end.
    /// Default: 20 s. The read is a part of a token request, whose `flight_timeout` ends
    /// it as well.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit.clamp(*SOURCE_RANGE.start(), *SOURCE_RANGE.end());
        self
    }

    /// Whether the keyring can be had on this machine, now. It reads and writes no
    /// entry, and asks nobody to unlock anything.
    ///
    /// # Errors
    ///
    /// `SecretSource`, with the reason, and what to do.
    pub fn check(&self) -> Result<(), Error> {
        let subject = match self.until_reboot {
            true => "the keyring of the kernel",
            false => "the keyring of this system",
        };
        let work = match self.until_reboot {
            true => kernel::check,
            false => system::check,
        };
        self.named(subject, self.ask(work))
    }

    /// Keeps `secret` in the keyring, in place of what is there under this name.
    ///
    /// # Errors
    ///
    /// `SecretSource` if the keyring cannot be had, is full or is not unlocked.
    pub fn save(&self, secret: &ClientSecret) -> Result<(), Error> {
        let secret = secret.clone();
        let (name, until_reboot) = (self.name.clone(), self.until_reboot);
        let saved = self.ask(move || {
            let secret = secret.expose_secret().as_bytes();
            match until_reboot {
                true => kernel::save(&name, secret),
                false => system::save(&name, secret),
            }
        });
        self.named(&self.subject(), saved)
    }

    /// Takes the entry out of the keyring; `false` if there was none.
    ///
    /// # Errors
    ///
    /// `SecretSource` if the keyring cannot be had, or is not unlocked.
    pub fn remove(&self) -> Result<bool, Error> {
        let (name, until_reboot) = (self.name.clone(), self.until_reboot);
        let removed = self.ask(move || match until_reboot {
            true => kernel::remove(&name),
            false => system::remove(&name),
        });
        match removed {
            Err(Trouble::Absent) => Ok(false),
            other => self.named(&self.subject(), other).map(|()| true),
        }
    }

    fn content(&self) -> Result<Zeroizing<Vec<u8>>, Trouble> {
        let (name, until_reboot) = (self.name.clone(), self.until_reboot);
        let content = self.ask(move || match until_reboot {
            true => kernel::read(&name),
            false => system::read(&name),
        })?;
        match content.len() as u64 > LIMIT {
            true => Err(Trouble::TooLong),
            false => Ok(content),
        }
    }

    /// Does `work` with a keyring. The kernel asks nobody, and answers at once.
    fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        match self.until_reboot {
            true => work(),
            false => worker::within(self.time_limit, work),
        }
    }

    fn subject(&self) -> String {
        let keyring = match self.until_reboot {
            true => "kernel keyring",
            false => "keyring",
        };
        format!("the {keyring} entry {:?}", self.name)
    }

    fn named<T>(&self, subject: &str, done: Result<T, Trouble>) -> Result<T, Error> {
        done.map_err(|trouble| refuse(subject, &trouble).with_hint(trouble.hint(self.until_reboot)))
    }
}

impl SecretSource for KeyringSecret {
    fn identity(&self) -> String {
        match self.until_reboot {
            true => format!("kernel-keyring:{}", self.name),
            false => format!("keyring:{}", self.name),
        }
    }

    fn read(&self) -> Result<ClientSecret, Error> {
        let subject = self.subject();
        let content = self.named(&subject, self.content())?;
        match std::str::from_utf8(&content) {
            Ok(text) => accept(&subject, text),
            Err(_) => {
                Err(refuse(&subject, "does not hold text")
                    .with_hint("store the secret there as UTF-8"))
            }
        }
    }
}

/// What stands for a keyring that this platform, or this build, does not have.
#[cfg(not(all(
    target_os = "linux",
    any(target_os = "macos", windows, all(unix, feature = "secret-service"))
)))]
mod absent {
    use zeroize::Zeroizing;

    use super::Trouble;

    pub(super) fn check() -> Result<(), Trouble> {
        Err(Trouble::NotBuilt)
    }

    pub(super) fn read(_: &str) -> Result<Zeroizing<Vec<u8>>, Trouble> {
        Err(Trouble::NotBuilt)
    }

    pub(super) fn save(_: &str, _: &[u8]) -> Result<(), Trouble> {
        Err(Trouble::NotBuilt)
    }

    pub(super) fn remove(_: &str) -> Result<(), Trouble> {
        Err(Trouble::NotBuilt)
    }
}

#[cfg(test)]
mod tests;
