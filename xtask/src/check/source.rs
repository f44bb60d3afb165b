//! Rust source with everything blanked that is not code.

/// The text with comments, strings and character literals turned into spaces.
///
/// Lines and byte positions stay where they are, so what is found in the result can
/// be told in terms of the original. Lifetimes, labels and raw identifiers stay.
pub(super) fn mask(source: &str) -> String {
    let mut masker = Masker {
        source: source.as_bytes(),
        at: 0,
        out: Vec::with_capacity(source.len()),
    };
    while masker.at < masker.source.len() {
        masker.step();
    }
    // Whole characters are blanked byte by byte, so what is left is still UTF-8.
    String::from_utf8_lossy(&masker.out).into_owned()
}

struct Masker<'a> {
    source: &'a [u8],
    at: usize,
    out: Vec<u8>,
}

impl Masker<'_> {
    /// Consumes one piece of code, or one whole comment or literal.
    fn step(&mut self) {
        let rest = &self.source[self.at..];
        let length = match rest[0] {
            b'/' if rest.starts_with(b"//") => position(rest, b'\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with(b"/*") => block_comment(rest),
            b'"' => string(rest),
            b'\'' => character(rest),
            b'r' | b'b' | b'c' if !self.inside_a_word() => prefixed(rest),
            _ => 0,
        };
        if length == 0 {
            self.out.push(rest[0]);
            self.at += 1;
        } else {
            self.blank(length);
        }
    }

    fn blank(&mut self, length: usize) {
        let blanked = &self.source[self.at..self.at + length];
        self.out.extend(
            blanked
                .iter()
                .map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }),
        );
        self.at += length;
    }

    fn inside_a_word(&self) -> bool {
        self.at > 0 && is_word(self.source[self.at - 1])
    }
}

/// Whether a byte can stand in an identifier.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// The length of a block comment, which may hold others.
fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of a string literal with escapes.
fn string(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of a character literal, or 0 for a lifetime or a label.
fn character(rest: &[u8]) -> usize {
    match rest.get(1) {
        Some(b'\\') => {
            // The byte after the backslash may itself be a quote.
            let close = rest.get(3..).and_then(|tail| position(tail, b'\''));
            close.map_or(rest.len(), |close| close + 4)
        }
        Some(first) => {
            let close = 1 + utf8_length(*first);
            if rest.get(close) == Some(&b'\'') {
                close + 1
            } else {
                0
            }
        }
        None => 0,
    }
}

/// The length of a literal with a prefix (`b'x'`, `b"…"`, `c"…"`, `r#"…"#`, `br"…"`),
/// or 0 if this is the start of a word.
fn prefixed(rest: &[u8]) -> usize {
    let prefix = rest
        .iter()
        .take_while(|byte| byte.is_ascii_lowercase())
        .count();
    let tail = &rest[prefix..];
    let length = match (&rest[..prefix], tail.first()) {
        (b"b", Some(b'\'')) => character(tail),
        (b"b" | b"c", Some(b'"')) => string(tail),
        (b"r" | b"br" | b"cr", Some(b'"' | b'#')) => raw_string(tail),
        _ => 0,
    };
    if length == 0 { 0 } else { prefix + length }
}

/// The length of `#"…"#` with any number of hashes, or 0 for a raw identifier.
fn raw_string(rest: &[u8]) -> usize {
    let hashes = rest.iter().take_while(|byte| **byte == b'#').count();
    if rest.get(hashes) != Some(&b'"') {
        return 0;
    }
    let close = [b"\"".as_slice(), &rest[..hashes]].concat();
    let body = &rest[hashes + 1..];
    body.windows(close.len())
        .position(|window| window == close)
        .map_or(rest.len(), |at| hashes + 1 + at + close.len())
}

fn position(bytes: &[u8], byte: u8) -> Option<usize> {
    bytes.iter().position(|candidate| *candidate == byte)
}

fn utf8_length(first: u8) -> usize {
    match first {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of a line of code once the blanks are gone.
    fn left(source: &str) -> String {
        let masked = mask(source);
        assert_eq!(masked.len(), source.len(), "{source}");
        assert_eq!(masked.lines().count(), source.lines().count(), "{source}");
        masked.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_go() {
        assert_eq!(left("a // { b\nc"), "a c");
        assert_eq!(left("a /* { /* { */ } */ b"), "a b");
        assert_eq!(left("a /* never closed {"), "a");
        assert_eq!(left("a / b * c"), "a / b * c");
    }

    #[test]
    fn strings_go() {
        assert_eq!(left(r#"a("{ // \" }", b)"#), "a( , b)");
        assert_eq!(
            left(r##"a(r#"{ " }"#, r"\", br"{", b"\"{", c"{")"##),
            "a( , , , , )"
        );
        assert_eq!(left("a(\"two\n{ lines\")"), "a( )");
        assert_eq!(left(r##"br#"never closed " {"##), "");
    }

    #[test]
    fn characters_go_and_lifetimes_stay() {
        assert_eq!(
            left(r"['{', '\'', '\\', '\u{7b}', 'ü', '😀', b'{', b'\'']"),
            "[ , , , , , , , ]"
        );
        assert_eq!(
            left("fn f<'a>(x: &'a str) -> X<'_> { 'l: loop {} }"),
            "fn f<'a>(x: &'a str) -> X<'_> { 'l: loop {} }"
        );
        assert_eq!(
            left("match c { '\"' => 1, '/' => 2 }"),
            "match c { => 1, => 2 }"
        );
    }

    #[test]
    fn words_stay() {
        assert_eq!(left("r#fn br bar r b c crab"), "r#fn br bar r b c crab");
        assert_eq!(left("für(x)"), "für(x)");
    }

    #[test]
    fn broken_source_ends() {
        for source in [
            "\"", "'", "'\\", "b'", "r#", "\"\\", "/*", "//", "'ü", "'\\'",
        ] {
            assert_eq!(mask(source).len(), source.len(), "{source}");
        }
    }
}
