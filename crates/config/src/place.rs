//! Where in a file a setting stands.

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

impl Place {
    /// The position of the byte at `offset` of `text`, which is the content of
    /// `file`. An offset past the end is the end.
    pub(crate) fn at(file: &Arc<Path>, text: &str, offset: usize) -> Self {
        let before = &text.as_bytes()[..offset.min(text.len())];
        let line_start = before
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |newline| newline + 1);
        Self {
            file: Arc::clone(file),
            line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
            // Continuation bytes of UTF-8 do not start a character.
            column: before[line_start..]
                .iter()
                .filter(|byte| (**byte & 0xc0) != 0x80)
                .count()
                + 1,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one() {
        let file: Arc<Path> = Path::new("/c.toml").into();
        let text = "a = 1\nü = 2\n";
        let at = |offset| Place::at(&file, text, offset).to_string();
        assert_eq!(at(0), "/c.toml:1:1");
        assert_eq!(at(4), "/c.toml:1:5");
        assert_eq!(at(6), "/c.toml:2:1");
        assert_eq!(at(8), "/c.toml:2:2", "ü is one column");
        assert_eq!(at(999), "/c.toml:3:1");
    }

    #[test]
    fn a_path_cannot_forge_a_line() {
        assert_eq!(
            printable(Path::new("/a\n\u{1b}[31mb")),
            "/a\u{fffd}\u{fffd}[31mb"
        );
    }
}
