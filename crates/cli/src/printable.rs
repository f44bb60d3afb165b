//! Foreign text on its way to a terminal.

/// `text` with every character escaped, as in JSON, that a terminal may act on or
/// that changes how others read: controls, directions, what cannot be seen.
/// Newlines and tabs stay.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let is_visible = character.is_ascii_graphic() || character.is_alphanumeric();
        if is_visible || matches!(character, ' ' | '\n' | '\t') {
            shown.push(character);
            continue;
        }
        let mut units = [0; 2];
        for unit in character.encode_utf16(&mut units) {
            shown.push_str(&format!("\\u{unit:04x}"));
        }
    }
    shown
}

/// As [`printable`], with newlines and tabs escaped, too.
pub(crate) fn one_line(text: &str) -> String {
    printable(text).replace('\n', "\\n").replace('\t', "\\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_orders() {
        let text = "a\u{1b}[2J\u{9b}31m\u{202e}\u{7f}\r\u{200b}\u{e0041}é\t\n";
        assert_eq!(
            printable(text),
            "a\\u001b[2J\\u009b31m\\u202e\\u007f\\u000d\\u200b\\udb40\\udc41é\t\n"
        );
    }
}
