//! The key of a caller.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prove_token::ErrorKind;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// By which a key is known where it should not be.
const PREFIX: &str = "ptk_";

/// A new key. Its caller is told; nowhere is it kept but as a hash.
pub(crate) struct Key(Zeroizing<String>);

impl Key {
    /// 256 bits that nobody can guess.
    pub(crate) fn random() -> Result<Self, Failure> {
        let mut bytes = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(bytes.as_mut())
            .map_err(|_| Failure::new(ErrorKind::Internal, "the system has no random numbers"))?;
        let mut key = Zeroizing::new(String::with_capacity(PREFIX.len() + 44));
        key.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(bytes.as_ref(), &mut key);
        Ok(Self(key))
    }

    /// As it is sent.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// By which it is known.
    pub(crate) fn hash(&self) -> [u8; 32] {
        let hash = digest(&SHA256, self.0.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hash.as_ref());
        bytes
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_another_and_none_is_shown() {
        let (one, other) = (Key::random().unwrap(), Key::random().unwrap());
        assert!(one.text().starts_with(PREFIX) && one.text().len() == PREFIX.len() + 43);
        assert_ne!(one.text(), other.text());
        assert_ne!(one.hash(), other.hash());
        assert_eq!(format!("{one:?}"), "Key([redacted])");
    }
}
