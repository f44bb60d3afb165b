//! Where functions and test code are in masked source.

use std::ops::RangeInclusive;

use super::source::is_word;

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    /// The line of its `fn`, counted from 1.
    pub(super) line: usize,
    /// The lines between its braces, blank lines and comments included.
    pub(super) length: usize,
}

/// Every function that has a body, in order; nested ones count for themselves too.
pub(super) fn functions(code: &str) -> Vec<Function> {
    let bytes = code.as_bytes();
    words(bytes)
        .filter(|at| word_at(bytes, *at) == "fn")
        .filter_map(|at| function(code, at))
        .collect()
}

/// The lines of the items that are compiled for tests only, counted from 1.
pub(super) fn test_lines(code: &str) -> Vec<RangeInclusive<usize>> {
    ["#[cfg(test)]", "#[cfg(all(test"]
        .iter()
        .flat_map(|attribute| code.match_indices(attribute))
        .map(|(at, _)| {
            let end = item_end(code.as_bytes(), after_attributes(code.as_bytes(), at));
            line_of(code, at)..=line_of(code, end)
        })
        .collect()
}

fn function(code: &str, at: usize) -> Option<Function> {
    let bytes = code.as_bytes();
    let name_at = at + 2 + blanks(&bytes[at + 2..]);
    let name = word_at(bytes, name_at);
    if name.is_empty() {
        // A function pointer type: `fn(u8) -> u8`.
        return None;
    }
    let open = body_start(bytes, name_at)?;
    let lines = line_of(code, matching(bytes, open)) - line_of(code, open);
    Some(Function {
        name: name.to_owned(),
        line: line_of(code, at),
        // A body that shares its braces' line is one line long.
        length: lines.saturating_sub(1).max(1),
    })
}

/// The positions at which a word begins.
fn words(bytes: &[u8]) -> impl Iterator<Item = usize> {
    (0..bytes.len()).filter(|at| is_word(bytes[*at]) && (*at == 0 || !is_word(bytes[*at - 1])))
}

fn word_at(bytes: &[u8], at: usize) -> &str {
    let length = bytes[at..]
        .iter()
        .take_while(|byte| is_word(**byte))
        .count();
    std::str::from_utf8(&bytes[at..at + length]).unwrap_or_default()
}

fn blanks(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count()
}

/// The brace that opens the body of the item at a position, if a `;` does not end it first.
fn body_start(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut before = b' ';
    while at < bytes.len() {
        match bytes[at] {
            b'(' | b'[' => at = matching(bytes, at),
            // A block as a generic argument: `Array<{ N + 1 }>`.
            b'{' if before == b'<' => at = matching(bytes, at),
            b'{' => return Some(at),
            b';' => return None,
            _ => {}
        }
        if at < bytes.len() && !bytes[at].is_ascii_whitespace() {
            before = bytes[at];
        }
        at += 1;
    }
    None
}

/// The bracket that closes the one at a position, or the last byte.
fn matching(bytes: &[u8], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in bytes.iter().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    bytes.len() - 1
}

/// The first byte of an item after the attributes that begin at a position.
fn after_attributes(bytes: &[u8], mut at: usize) -> usize {
    while bytes[at..].starts_with(b"#[") {
        at = matching(bytes, at + 1) + 1;
        at += blanks(&bytes[at..]);
    }
    at
}

fn item_end(bytes: &[u8], at: usize) -> usize {
    match body_start(bytes, at) {
        Some(open) => matching(bytes, open),
        None => bytes[at..]
            .iter()
            .position(|byte| *byte == b';')
            .map_or(bytes.len() - 1, |end| at + end),
    }
}

fn line_of(code: &str, at: usize) -> usize {
    1 + code.as_bytes()[..at]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::source::mask;

    fn measured(source: &str) -> Vec<(String, usize, usize)> {
        functions(&mask(source))
            .into_iter()
            .map(|f| (f.name, f.line, f.length))
            .collect()
    }

    fn one(name: &str, line: usize, length: usize) -> (String, usize, usize) {
        (name.to_owned(), line, length)
    }

    #[test]
    fn the_lines_between_the_braces_count() {
        let source = "\
/// fn documented() {
pub(crate) async fn long<T>(
    a: T,
) -> Result<(), T>
where
    T: Clone,
{
    let text = \"}\";

    // }
    drop(a)
}

fn short() {}
fn one_line() { call() }
fn closed() {
    'x'
}
";
        assert_eq!(
            measured(source),
            [
                one("long", 2, 4),
                one("short", 14, 1),
                one("one_line", 15, 1),
                one("closed", 16, 1)
            ]
        );
    }

    #[test]
    fn nested_functions_count_for_themselves() {
        let source = "fn outer() {\n    fn inner() {\n        1;\n        2;\n    }\n}\n";
        assert_eq!(measured(source), [one("outer", 1, 4), one("inner", 2, 2)]);
    }

    #[test]
    fn what_has_no_body_is_no_function() {
        let source = "trait T { fn a(&self, x: [u8; 2]); }\ntype F = fn(u8) -> u8;\nlet fns = 1;\n";
        assert_eq!(measured(source), []);
    }

    #[test]
    fn a_block_in_the_signature_is_not_the_body() {
        let source = "fn a(x: [u8; { 1 + 1 }]) -> Array<{ 2 }> {\n    1;\n    2;\n    3\n}\n";
        assert_eq!(measured(source), [one("a", 1, 3)]);
    }

    #[test]
    fn test_items_are_found_with_their_attributes() {
        let source = "\
fn a() {}
#[cfg(test)]
#[path = \"x.rs\"]
mod tests {
    fn b() { \"}\"; }
}
fn c() {}
#[cfg(test)]
mod sibling;
#[cfg(all(test, unix))]
fn d() {
}
#[cfg(not(test))]
fn e() {}
";
        let lines = test_lines(&mask(source));
        assert_eq!(lines, [2..=6, 8..=9, 10..=12]);
    }
}
