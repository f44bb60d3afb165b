//! Text that must not be seen: redacted in `Debug`, wiped on drop, one accessor.

use std::fmt;

use zeroize::Zeroizing;

/// A piece of text that never shows itself.
///
/// There is no `Display`, no serialization and no comparison; `Debug` prints
/// `[redacted]` and not even the length. The memory is overwritten on drop,
/// which shortens the time a copy lives but cannot promise that none is left:
/// the network stack makes copies of its own.
///
/// ```
/// let secret = prove_token::Secret::new("hunter2");
/// assert_eq!(format!("{secret:?}"), "[redacted]");
/// assert_eq!(secret.expose_secret(), "hunter2");
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes ownership of the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. The name is long so that every use can be found.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let secret = Secret::new("canary-7f3a");
        assert_eq!(format!("{secret:?} {secret:#?}"), "[redacted] [redacted]");
    }
}
