//! Foreign text made fit to print: one line, bounded, printable.
//!
//! An authorization server's `error_description` is input from outside. It may
//! hold terminal escapes, newlines or a megabyte.

/// `text` on one line of at most `limit` characters, without control or
/// invisible formatting characters and without terminal escape sequences.
pub(crate) fn line(text: &str, limit: usize) -> String {
    let mut out = String::new();
    let mut count = 0;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            skip_escape(&mut characters);
            continue;
        }
        let character = if is_unprintable(character) {
            ' '
        } else {
            character
        };
        if character == ' ' && (out.is_empty() || out.ends_with(' ')) {
            continue;
        }
        if count == limit {
            out.truncate(out.trim_end().len());
            out.push('…');
            return out;
        }
        out.push(character);
        count += 1;
    }
    out.truncate(out.trim_end().len());
    out
}

/// Control characters, and those that reorder or hide their neighbours.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || character.is_whitespace()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Skips the rest of an ANSI sequence after its escape character: `[ … letter`.
fn skip_escape(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    if characters.next_if_eq(&'[').is_none() {
        return;
    }
    for character in characters.by_ref() {
        if ('\u{40}'..='\u{7e}').contains(&character) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bounded_printable_line() {
        assert_eq!(line("a\r\nb\tc", 20), "a b c");
        assert_eq!(line("\u{1b}[31mred\u{1b}[0m alert\u{7}", 20), "red alert");
        assert_eq!(line("\u{202e}abc", 20), "abc");
        assert_eq!(
            line(&"x".repeat(1 << 20), 10),
            format!("{}…", "x".repeat(10))
        );
        assert_eq!(line("   ", 10), "");
        assert_eq!(line("ü€", 2), "ü€");
    }

    #[test]
    fn an_unfinished_escape_swallows_only_the_text_it_hides() {
        assert_eq!(line("ok \u{1b}[12;", 20), "ok");
        assert_eq!(line("ok \u{1b}", 20), "ok");
    }

    proptest::proptest! {
        #[test]
        fn any_text_becomes_one_bounded_printable_line(text in "\\PC*|[\\s\\S]*", limit in 0_usize..50) {
            let line = line(&text, limit);
            assert!(line.chars().count() <= limit + 1);
            assert!(!line.chars().any(is_unprintable_but_space), "{line:?}");
            assert_eq!(line.trim(), line);
        }
    }

    fn is_unprintable_but_space(character: char) -> bool {
        character != ' ' && is_unprintable(character)
    }
}
