//! Where a client secret is kept: the sources a profile can name.

mod absent;
mod command;
mod credential;
mod env;
mod file;
mod keyring;
mod place;
mod running;

pub(crate) use absent::NoSecret;
pub use command::CommandSecret;
pub use credential::CredentialSecret;
pub(crate) use credential::{NAME_HINT, is_credential_name};
pub use env::EnvSecret;
pub use file::FileSecret;
pub use keyring::KeyringSecret;
pub use place::{KeptSecret, SecretPlace};
pub use running::end_commands;

use prove_token::{Error, ErrorKind};

/// A secret longer than this is a mistake: the wrong file, or a command that
/// prints more than the secret. 64 KiB.
const LIMIT: u64 = 64 * 1024;

/// An error of a source; `subject` names it and never its content.
fn refuse(subject: &str, problem: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::SecretSource, format!("{subject} {problem}"))
}

/// `ClientSecret::new` does not know where the text came from: puts the source
/// in front of its error.
fn accept(subject: &str, text: &str) -> Result<prove_token::ClientSecret, Error> {
    prove_token::ClientSecret::new(text).map_err(|error| {
        let named = refuse(subject, format!("cannot be used: {error}"));
        match error.hint() {
            Some(hint) => named.with_hint(hint),
            None => named,
        }
    })
}
