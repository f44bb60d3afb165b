//! Foreign text made fit to print: one line, bounded, printable, without the
//! secrets we know.
//!
//! An authorization server's `error_description` is input from outside. It may
//! hold terminal escapes, newlines, a megabyte, or our own client secret echoed
//! back. Nothing of it reaches an error before it went through here.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// What stands where a secret stood.
const REDACTED: &str = "[redacted]";

/// Secrets shorter than this are not searched for: cutting every "a" out of a
/// message protects nothing and makes it unreadable.
const SHORTEST_SEARCHED: usize = 4;

/// Finds known secrets in foreign text, in the encodings they travel in.
#[derive(Default)]
pub(crate) struct Redactor {
    needles: Vec<zeroize::Zeroizing<String>>,
}

impl Redactor {
    /// Looks for `secret` raw, form-encoded and in both base64 alphabets, and
    /// for the base64 of `id:secret`, as HTTP Basic sends it.
    pub(crate) fn new(client_id: &str, secret: &str) -> Self {
        let form =
            |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
        let basic_raw = format!("{client_id}:{secret}");
        let basic_form = format!("{}:{}", form(client_id), form(secret));
        let needles = [
            secret.to_owned(),
            form(secret),
            form(secret).replace('+', "%20"),
            STANDARD.encode(secret),
            URL_SAFE_NO_PAD.encode(secret),
            STANDARD.encode(basic_raw),
            STANDARD.encode(basic_form),
        ];
        let mut needles: Vec<_> = needles
            .into_iter()
            .filter(|needle| needle.len() >= SHORTEST_SEARCHED)
            .map(zeroize::Zeroizing::new)
            .collect();
        // The longest first, so that a needle inside another leaves no rest.
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        Self { needles }
    }

    /// `text` with every known secret replaced, on one printable line of at
    /// most `limit` characters.
    pub(crate) fn line(&self, text: &str, limit: usize) -> String {
        let mut text = Cow::Borrowed(text);
        for needle in &self.needles {
            if text.contains(needle.as_str()) {
                text = Cow::Owned(text.replace(needle.as_str(), REDACTED));
            }
        }
        line(&text, limit)
    }
}

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
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
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

    #[test]
    fn secrets_are_cut_out_in_every_encoding() {
        let secret = "s3cret + & = % ü";
        let redactor = Redactor::new("id", secret);
        let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for echoed in [
            secret.to_owned(),
            form.clone(),
            form.replace('+', "%20"),
            STANDARD.encode(secret),
            URL_SAFE_NO_PAD.encode(secret),
            STANDARD.encode(format!("id:{secret}")),
            STANDARD.encode(format!("id:{form}")),
        ] {
            let shown = redactor.line(&format!("bad <{echoed}>"), 500);
            assert_eq!(shown, "bad <[redacted]>", "echo of {echoed}");
        }
    }

    #[test]
    fn a_secret_is_cut_out_before_the_line_is_cut_off() {
        let redactor = Redactor::new("id", "canary-secret-value");
        assert_eq!(redactor.line("no: canary-secret-value", 10), "no: [redac…");
    }
}
