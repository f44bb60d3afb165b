//! Words quoted for shells.

/// For POSIX shells: `'it'\''s'`.
pub(crate) fn posix(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// For fish, which knows `\\` and `\'` inside single quotes.
pub(crate) fn fish(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

/// For PowerShell, where a doubled quote stands for one.
pub(crate) fn powershell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// For `.env` files, whose readers disagree on everything but this: plain
/// characters bare, the others in double quotes with `\`, `"`, `$` and `` ` ``
/// escaped.
pub(crate) fn dotenv(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in text.chars() {
        if matches!(character, '\\' | '"' | '$' | '`') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes() {
        let odd = r#"a'b\c$d"e"#;
        assert_eq!(posix(odd), r#"'a'\''b\c$d"e'"#);
        assert_eq!(fish(odd), r#"'a\'b\\c$d"e'"#);
        assert_eq!(powershell(odd), r#"'a''b\c$d"e'"#);
        assert_eq!(dotenv(odd), r#""a'b\\c\$d\"e""#);
        assert_eq!(dotenv("abc.d-e_f"), "abc.d-e_f");
    }

    /// Whatever a token may hold (visible ASCII), the shell reads it back.
    #[cfg(unix)]
    #[test]
    fn a_real_shell_reads_it_back() {
        let all: String = (0x21..0x7f_u8).map(char::from).collect();
        let script = format!("printf %s {}", posix(&all));
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), all);
    }
}
