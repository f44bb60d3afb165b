//! No secret at all.

use prove_token::{ClientSecret, Error, SecretSource};

use super::refuse;

/// The source of what needs no secret: reading it fails.
#[derive(Debug)]
pub(crate) struct NoSecret;

impl SecretSource for NoSecret {
    fn identity(&self) -> String {
        "none".to_owned()
    }

    fn read(&self) -> Result<ClientSecret, Error> {
        Err(refuse("the client secret", "was left out"))
    }
}
