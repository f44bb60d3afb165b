//! Where in a file a setting stands.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A position in a configuration file. `Display` is `path:line:column`, which
/// editors and terminals turn into a link.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Place {
    /// The file.
    pub file: Arc<Path>,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column } = self;
        write!(f, "{}:{line}:{column}", printable(file))
    }
}

/// A path on one printable line: file names may hold newlines and terminal
/// escapes.
pub(crate) fn printable(path: &Path) -> String {
    path.to_string_lossy().replace(char::is_control, "\u{fffd}")
}

/// `text` as one word of a POSIX shell, for commands that hints show.
pub(crate) fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:@%,=".contains(&byte);
    match !text.is_empty() && text.bytes().all(is_plain) {
        true => text.into(),
        false => format!("'{}'", text.replace('\'', r"'\''")).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_if_a_shell_would_split_or_expand_it() {
        for (text, word) in [
            ("/run/secrets/..data/a-b_c", "/run/secrets/..data/a-b_c"),
            ("/my secret", "'/my secret'"),
            ("/a$b", "'/a$b'"),
            ("/it's", r"'/it'\''s'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(text), word);
        }
    }

    #[test]
    fn a_path_cannot_forge_a_line() {
        assert_eq!(
            printable(Path::new("/a\n\u{1b}[31mb")),
            "/a\u{fffd}\u{fffd}[31mb"
        );
    }
}
