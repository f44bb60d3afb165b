//! Scope: what a token may be used for (RFC 6749 §3.3).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind};
use crate::text;

/// A set of scope tokens. Order and repetition mean nothing, so two scopes are
/// equal when they hold the same tokens.
///
/// ```
/// let scope: prove_token::Scope = "write read".parse()?;
/// assert_eq!(scope.to_string(), "read write");
/// # Ok::<(), prove_token::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope(BTreeSet<String>);

impl Scope {
    /// A scope of these tokens.
    ///
    /// # Errors
    ///
    /// `Configuration` if one is empty or holds a character that RFC 6749 §3.3
    /// does not allow (anything but printable ASCII without space, `"` and `\`).
    pub fn new<T: Into<String>>(tokens: impl IntoIterator<Item = T>) -> Result<Self, Error> {
        let mut set = BTreeSet::new();
        for token in tokens {
            let token = token.into();
            if token.is_empty() || !token.bytes().all(is_scope_byte) {
                return Err(Error::new(
                    ErrorKind::Configuration,
                    format!("scope \"{}\" is not a scope token", text::line(&token, 60)),
                )
                .with_hint(
                    "a scope token is printable ASCII without space, \" and \\; list several apart",
                ));
            }
            set.insert(token);
        }
        Ok(Self(set))
    }

    /// Whether no scope is asked for; the server's default then applies.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tokens, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether every token of `other` is in this scope.
    pub fn contains(&self, other: &Self) -> bool {
        other.0.is_subset(&self.0)
    }
}

/// Splits at spaces, as on the wire.
impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text.split(' ').filter(|token| !token.is_empty()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, token) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token)?;
        }
        Ok(())
    }
}

/// `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`
fn is_scope_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_a_set() {
        let scope = Scope::new(["b", "a", "b"]).unwrap();
        assert_eq!(scope, "a b".parse().unwrap());
        assert_eq!(scope.to_string(), "a b");
        assert!(scope.contains(&"a".parse().unwrap()));
        assert!(!scope.contains(&"a c".parse().unwrap()));
        assert!(" ".parse::<Scope>().unwrap().is_empty());
    }

    #[test]
    fn foreign_characters_are_refused() {
        for bad in ["", "a b", "a\"b", "a\\b", "é", "a\n"] {
            let error = Scope::new([bad]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{bad:?}");
        }
    }
}
