//! What can be wrong with a keyring.

use std::fmt;
use std::time::Duration;

/// Why a keyring did not do what it was asked. `Display` follows what was asked for in
/// a sentence; it never holds a secret.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// There is no such entry.
    Absent,
    /// The keyring itself cannot be had, for this reason.
    Unreachable(String),
    /// It is not unlocked, or this program is not let in.
    Locked,
    /// Several entries have this name.
    #[cfg_attr(
        not(any(target_os = "macos", windows, feature = "secret-service")),
        expect(dead_code, reason = "the kernel's names are unique")
    )]
    Ambiguous,
    /// The keyring has no room for it.
    Full,
    /// More than a secret can be.
    TooLong,
    /// No answer came within this time.
    TooSlow(Duration),
    /// This platform has none, or this build does not speak to it.
    #[cfg_attr(
        all(target_os = "linux", feature = "secret-service"),
        expect(dead_code, reason = "here are both")
    )]
    NotBuilt,
}

impl Trouble {
    /// One sentence on what to do.
    pub(super) fn hint(&self, until_reboot: bool) -> &'static str {
        match self {
            Self::Absent => {
                "put the secret there with prove-token secret set, or name another entry"
            }
            Self::Unreachable(_) if until_reboot => {
                "containers often forbid it: keep the secret in a file, or let systemd hand it \
                 over, as { credential = \"…\" }"
            }
            Self::Unreachable(_) => {
                "without a desktop session there is none, as a rule: keep the secret in a file, \
                 or let systemd hand it over, as { credential = \"…\" }"
            }
            Self::Locked => "unlock the keyring, and let prove-token read this entry",
            Self::Ambiguous => "remove all of them but one, in the program that shows the keyring",
            Self::Full => "remove entries that nobody needs, or keep the secret in a file",
            Self::TooLong => "store the secret alone",
            Self::TooSlow(_) => {
                "somebody may have to unlock it: do so, or give it more time, such as timeout = \
                 \"60s\" beside the keyring"
            }
            Self::NotBuilt if until_reboot => {
                "only Linux has one: leave out until_reboot, or keep the secret in a file"
            }
            Self::NotBuilt => {
                "use a released prove-token, or build it with --features secret-service; or keep \
                 the secret in a file, or with until_reboot = true in the kernel's keyring"
            }
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("does not exist"),
            Self::Unreachable(reason) => write!(f, "cannot be had: {reason}"),
            Self::Locked => f.write_str("is locked, or access to it was refused"),
            Self::Ambiguous => f.write_str("exists more than once"),
            Self::Full => f.write_str("does not fit into the keyring"),
            Self::TooLong => f.write_str("is longer than 64 KiB"),
            Self::TooSlow(limit) => {
                let limit = humantime::format_duration(*limit);
                write!(f, "gave no answer within {limit}")
            }
            Self::NotBuilt => f.write_str("cannot be had: this build has no support for it"),
        }
    }
}
