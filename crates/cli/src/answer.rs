//! An API's answer as it is printed: without the tokens, and on a terminal
//! indented and harmless.

use http::Response;
use prove_token::transport::Body;
use serde::de::IgnoredAny;

use crate::printable::printable;

/// What stands where a token stood.
const REDACTED: &str = "[redacted]";

/// Deeper JSON is not indented: the white space would outgrow the rest.
const DEEPEST: usize = 128;

/// How an answer is printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    /// With the status and the headers.
    pub(crate) include: bool,
    /// For a terminal: JSON indented, control characters escaped, a newline at the
    /// end. A pipe gets the bytes that came.
    pub(crate) terminal: bool,
}

impl Shown {
    /// The bytes to print. An API that echoes one of `tokens` does not make us
    /// print it.
    pub(crate) fn render(self, answer: &Response<Body>, tokens: &[&str]) -> Vec<u8> {
        let mut out = match self.include {
            true => without(head(answer), tokens),
            false => Vec::new(),
        };
        out.extend(self.body(answer.body().expose_secret(), tokens));
        if !self.terminal {
            return out;
        }
        let text = String::from_utf8_lossy(&out).replace("\r\n", "\n");
        let mut text = printable(&text);
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.into_bytes()
    }

    fn body(self, body: &[u8], tokens: &[&str]) -> Vec<u8> {
        let json = std::str::from_utf8(body)
            .ok()
            .filter(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
        let Some(json) = json else {
            return without(body.to_vec(), tokens);
        };
        let json = without_in_json(json, tokens);
        match self.terminal.then(|| indented(&json)).flatten() {
            Some(text) => text.into_bytes(),
            None => json.into_bytes(),
        }
    }
}

fn head(answer: &Response<Body>) -> Vec<u8> {
    let mut out = format!("{:?} {}\n", answer.version(), answer.status()).into_bytes();
    for (name, value) in answer.headers() {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.push(b'\n');
    }
    out.push(b'\n');
    out
}

fn without(mut text: Vec<u8>, tokens: &[&str]) -> Vec<u8> {
    for token in tokens.iter().map(|token| token.as_bytes()) {
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text.as_slice();
        while let Some(at) = rest.windows(token.len()).position(|window| window == token) {
            out.extend_from_slice(&rest[..at]);
            out.extend_from_slice(REDACTED.as_bytes());
            rest = &rest[at + token.len()..];
        }
        out.extend_from_slice(rest);
        text = out;
    }
    text
}

/// The parts of valid JSON: strings with their quotes, and what is between them.
fn parts(json: &str) -> impl Iterator<Item = &str> {
    let mut rest = json;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = match rest.strip_prefix('"') {
            Some(inside) => string_length(inside) + 1,
            None => rest.find('"').unwrap_or(rest.len()),
        };
        let (part, after) = rest.split_at(end);
        rest = after;
        Some(part)
    })
}

/// The length of a string's text up to and with its closing quote.
fn string_length(inside: &str) -> usize {
    let mut escaped = false;
    for (index, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    inside.len()
}

/// JSON can spell a token in many ways (`\u0065yJ…`), so each string is compared
/// by what it means. Everything else stays as it came.
fn without_in_json(json: &str, tokens: &[&str]) -> String {
    let mut out = String::with_capacity(json.len());
    for part in parts(json) {
        let meaning = match part.strip_prefix('"') {
            Some(inside) => unescaped(inside.strip_suffix('"').unwrap_or(inside)),
            None => String::new(),
        };
        match tokens.iter().any(|token| meaning.contains(token)) {
            false => out.push_str(part),
            true => {
                let cut = tokens
                    .iter()
                    .fold(meaning, |text, token| text.replace(token, REDACTED));
                out.push_str(&serde_json::Value::String(cut).to_string());
            }
        }
    }
    out
}

/// What a string means. A half of a surrogate pair, which serde_json would refuse,
/// is no part of a token and becomes U+FFFD.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let Some(kind) = escape.chars().next() else {
            return out;
        };
        rest = &escape[kind.len_utf8()..];
        match kind {
            'u' => {
                let digits = rest.get(..4).unwrap_or_default();
                let unit = u32::from_str_radix(digits, 16)
                    .ok()
                    .and_then(char::from_u32);
                out.push(unit.unwrap_or(char::REPLACEMENT_CHARACTER));
                rest = &rest[digits.len()..];
            }
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            other => out.push(other),
        }
    }
    out + rest
}

/// Valid JSON with white space for people. Its text is kept: a parser would round
/// long numbers and drop members that come twice.
fn indented(json: &str) -> Option<String> {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    for part in parts(json) {
        if part.starts_with('"') {
            out.push_str(part);
            continue;
        }
        for character in part.chars().filter(|c| !c.is_ascii_whitespace()) {
            match character {
                '{' | '[' => {
                    depth += 1;
                    if depth > DEEPEST {
                        return None;
                    }
                    out.push(character);
                    new_line(&mut out, depth);
                }
                '}' | ']' => {
                    depth = depth.saturating_sub(1);
                    // Nothing inside: the closing one follows on the same line.
                    out.truncate(out.trim_end().len());
                    if !out.ends_with(['{', '[']) {
                        new_line(&mut out, depth);
                    }
                    out.push(character);
                }
                ',' => {
                    out.push(',');
                    new_line(&mut out, depth);
                }
                ':' => out.push_str(": "),
                other => out.push(other),
            }
        }
    }
    Some(out)
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIPE: Shown = Shown {
        include: false,
        terminal: false,
    };
    const TERMINAL: Shown = Shown {
        include: true,
        terminal: true,
    };

    fn render(shown: Shown, body: &[u8], tokens: &[&str]) -> String {
        let answer = Response::builder()
            .header("x-odd", http::HeaderValue::from_bytes(b"\x9b31m").unwrap())
            .body(Body::new(body.to_vec()))
            .unwrap();
        String::from_utf8(shown.render(&answer, tokens)).unwrap()
    }

    #[test]
    fn a_terminal_gets_no_orders_and_a_pipe_gets_every_byte() {
        let body = "a\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\r\nb";
        let shown = render(TERMINAL, body.as_bytes(), &["t-canary"]);
        assert!(
            shown.chars().all(|c| c == '\n' || !c.is_control()),
            "{shown:?}"
        );
        assert!(!shown.contains('\u{202e}'), "{shown:?}");
        assert!(shown.contains("x-odd: \\ufffd31m\n"), "{shown}");
        assert!(
            shown.ends_with("a\\u001b]0;x\\u0007\\u009b31m\\u202e\nb\n"),
            "{shown}"
        );
        assert_eq!(render(PIPE, body.as_bytes(), &["t-canary"]), body);
        let json = "{\"a\":\"\u{9b}\u{202e}\"}";
        assert!(
            render(TERMINAL, json.as_bytes(), &[]).ends_with("{\n  \"a\": \"\\u009b\\u202e\"\n}\n")
        );
    }

    #[test]
    fn indenting_changes_nothing_but_white_space() {
        let json = r#"{"n":12345678901234567890123,"n":1.50,"e":1E999,"o":{},"l":[ ],"s":"a, {b: \"c\" [","x":[1,[2]]}"#;
        let text = indented(json).unwrap();
        assert_eq!(
            text,
            "{\n  \"n\": 12345678901234567890123,\n  \"n\": 1.50,\n  \"e\": 1E999,\n  \"o\": {},\n  \
             \"l\": [],\n  \"s\": \"a, {b: \\\"c\\\" [\",\n  \"x\": [\n    1,\n    [\n      2\n    ]\n  ]\n}"
        );
        assert_eq!(indented("\"{\"").unwrap(), "\"{\"");
        let deep = "[".repeat(200) + &"]".repeat(200);
        assert!(render(TERMINAL, deep.as_bytes(), &[]).contains(&deep));
    }

    #[test]
    fn tokens_are_cut_out_however_they_are_spelled() {
        let tokens = ["old/canary", "new+canary"];
        for body in [
            r#"{"a":"x old/canary","new+canary":1,"n":1e999}"#,
            r#"{"a":"old\/canary","b":"new+\u0063anary"}"#,
            r#"{"a":"\ud800 old/can\u0061ry \"new+canary"}"#,
            "plain old/canary, new+canary",
        ] {
            for shown in [PIPE, TERMINAL] {
                let text = render(shown, body.as_bytes(), &tokens);
                assert!(!unescaped(&text).contains("canary"), "{text}");
                assert_eq!(text.matches(REDACTED).count(), 2, "{text}");
            }
        }
        let other = r#"{"a":"\u0061 \/","b":1.0}"#;
        assert_eq!(render(PIPE, other.as_bytes(), &tokens), other);
    }
}
