//! The command line, as far as it is typed.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use prove_token_config::Env;

/// The words up to the cursor; the last is being typed, and may be empty.
#[derive(Debug)]
pub(super) struct Line {
    /// At least one.
    pub(super) words: Vec<OsString>,
    /// What the shell keeps of the last word, and wants no answer to begin with.
    pub(super) kept: String,
}

impl Line {
    /// The words `before` the one that is being `typed`. Bash hands them over `raw`: with
    /// their quotes, and each equals sign as a word of its own.
    pub(super) fn new(before: &[OsString], typed: &OsStr, raw: bool) -> Self {
        let all = before.iter().map(OsString::as_os_str).chain([typed]);
        if !raw {
            return Self {
                words: all.map(OsStr::to_owned).collect(),
                kept: String::new(),
            };
        }
        let mut line = Self {
            words: Vec::new(),
            kept: String::new(),
        };
        for word in all {
            line.add(&unquoted(&word.to_string_lossy()));
        }
        line
    }

    fn add(&mut self, word: &str) {
        self.kept.clear();
        let before = self.words.last_mut().filter(|before| {
            let text = before.to_string_lossy();
            let is_option = text.starts_with("--");
            is_option && (word == "=" && !text.contains('=') || text.ends_with('='))
        });
        match before {
            Some(option) => {
                if word != "=" {
                    self.kept = option.to_string_lossy().into_owned();
                }
                option.push(word);
            }
            None => self.words.push(word.into()),
        }
    }

    /// Whether the last word can be nothing but an option.
    pub(super) fn begins_option(&self) -> bool {
        let last = self.words.last().map(|word| word.to_string_lossy());
        last.is_some_and(|word| word.starts_with('-'))
    }

    /// Whether the word before the last is an option, or what ends the options.
    pub(super) fn follows_option(&self) -> bool {
        let before = self.words.iter().rev().nth(1);
        before.is_some_and(|word| word.to_string_lossy().starts_with('-'))
    }

    /// The file that `--config` names, if it does.
    pub(super) fn config(&self, env: &Env) -> Option<PathBuf> {
        const FLAG: &str = "--config";
        let (_, complete) = self.words.split_last()?;
        let mut named = None;
        let mut words = complete.iter();
        while let Some(word) = words.next() {
            let word = word.to_string_lossy();
            match word.strip_prefix(FLAG) {
                _ if word == "--" => break,
                Some("") => named = words.next().map(|word| word.to_string_lossy().into_owned()),
                Some(rest) if rest.starts_with('=') => named = Some(rest[1..].to_owned()),
                _ => {}
            }
        }
        let named = named?;
        // Where a shell would expand it, and has not yet.
        let home = named.strip_prefix("~/").zip(env.var_os("HOME"));
        Some(match home {
            Some((rest, home)) => PathBuf::from(home).join(rest),
            None => named.into(),
        })
    }
}

/// A word of a POSIX shell as its command sees it, but for what the shell expands.
fn unquoted(word: &str) -> String {
    let mut text = String::new();
    let mut quote = None;
    let mut characters = word.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\'', None) | ('"', None) => quote = Some(character),
            (end, Some(begin)) if end == begin => quote = None,
            ('\\', None) => text.extend(characters.next()),
            ('\\', Some('"'))
                if characters
                    .peek()
                    .is_some_and(|next| "\\\"$`".contains(*next)) =>
            {
                text.extend(characters.next());
            }
            (other, _) => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str], raw: bool) -> Line {
        let (typed, before) = words.split_last().unwrap();
        let before: Vec<_> = before.iter().map(OsString::from).collect();
        Line::new(&before, OsStr::new(typed), raw)
    }

    #[test]
    fn an_equals_sign_joins_what_bash_parts() {
        for (words, last, kept) in [
            (
                &["x", "--environment", "=", "ua"][..],
                "--environment=ua",
                "--environment=",
            ),
            (
                &["x", "--environment", "=", ""],
                "--environment=",
                "--environment=",
            ),
            (&["x", "--environment", "ua"], "ua", ""),
            (&["x", "=", "ua"], "ua", ""),
            (&["x", "--environment", "=", "ua", ""], "", ""),
            (&["x", "--a", "=", "--b"], "--a=--b", "--a="),
        ] {
            let line = line(words, true);
            assert_eq!(line.words.last().unwrap(), last, "{words:?}");
            assert_eq!(line.kept, kept, "{words:?}");
        }
        let apart = line(&["x", "--environment", "=", "ua"], false);
        assert_eq!(apart.words.len(), 4, "no other shell parts them");
    }

    #[test]
    fn quotes_are_for_the_shell() {
        for (word, text) in [
            (r"my\ file", "my file"),
            ("'my file'", "my file"),
            (r#""my \"file\" \x""#, r#"my "file" \x"#),
            ("'open", "open"),
            (r"a'b'\''c'", "ab'c"),
            ("\\", ""),
        ] {
            assert_eq!(unquoted(word), text, "{word}");
        }
    }

    #[test]
    fn the_file_that_is_named_last_counts() {
        let env: Env = [("HOME", "/home/me")].into_iter().collect();
        for (words, file) in [
            (&["x", "--config", "a", "token", ""][..], Some("a")),
            (&["x", "--config=a b", "--config", "b", ""], Some("b")),
            (&["x", "--config", "~/c", ""], Some("/home/me/c")),
            (&["x", "--config", "a"], None),
            (&["x", "exec", "--", "y", "--config", "a", ""], None),
            (&["x", "--configure", "a", ""], None),
        ] {
            let named = line(words, false).config(&env);
            assert_eq!(named, file.map(PathBuf::from), "{words:?}");
        }
    }
}
