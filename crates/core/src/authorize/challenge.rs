//! What a `WWW-Authenticate` field says (RFC 9110 §11.6.1): challenges of several
//! schemes, each with parameters or one opaque token, in one field or in several.

/// The values of the `error` parameters of all `Bearer` challenges (RFC 6750 §3).
///
/// Reads on after what is malformed: servers forget commas and quotes.
pub(super) fn bearer_errors<'a>(fields: impl Iterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let mut errors = Vec::new();
    // Several fields mean the same as one with commas between them.
    let mut is_bearer = false;
    for field in fields {
        let mut rest = Rest(field);
        while let Some(item) = rest.next_item() {
            match item {
                Item::Scheme(name) => is_bearer = name.eq_ignore_ascii_case(b"bearer"),
                Item::Parameter(name, value) => {
                    if is_bearer && name.eq_ignore_ascii_case(b"error") {
                        errors.push(value);
                    }
                }
            }
        }
    }
    errors
}

#[derive(Debug, PartialEq, Eq)]
enum Item<'a> {
    Scheme(&'a [u8]),
    Parameter(&'a [u8], Vec<u8>),
}

/// What is left of a field.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// The next scheme or parameter.
    fn next_item(&mut self) -> Option<Item<'a>> {
        loop {
            self.skip(|byte| !is_word(byte) && byte != b'"');
            if self.0.first()? == &b'"' {
                // A value without a name.
                self.quoted();
                continue;
            }
            let word = self.take(is_word);
            match self.value() {
                Some(value) => return Some(Item::Parameter(word, value)),
                None if self.skip_padding() => {}
                None => {
                    self.skip_opaque_token();
                    return Some(Item::Scheme(word));
                }
            }
        }
    }

    /// What follows a parameter's name: `=` and a word or a quoted text, with white
    /// space anywhere between. Nothing is taken if there is none.
    fn value(&mut self) -> Option<Vec<u8>> {
        let mut ahead = Self(self.0);
        ahead.skip(is_space);
        ahead.0 = ahead.0.strip_prefix(b"=")?;
        ahead.skip(is_space);
        let value = match ahead.0.first()? {
            b'"' => ahead.quoted(),
            // Two of them end an opaque token.
            b'=' | b',' => return None,
            _ => ahead.take(|byte| !is_space(byte) && byte != b',').to_vec(),
        };
        self.0 = ahead.0;
        Some(value)
    }

    /// A text in quotes, without them and its backslashes; up to the end if the
    /// second quote is missing.
    fn quoted(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        self.0 = self.0.strip_prefix(b"\"").unwrap_or(self.0);
        while let Some((byte, rest)) = self.0.split_first() {
            self.0 = rest;
            match (byte, rest.split_first()) {
                (b'"', _) => break,
                (b'\\', Some((escaped, rest))) => {
                    text.push(*escaped);
                    self.0 = rest;
                }
                _ => text.push(*byte),
            }
        }
        text
    }

    /// The end of an opaque token, such as `==`. Says whether there is one.
    fn skip_padding(&mut self) -> bool {
        !self.take(|byte| byte == b'=').is_empty()
    }

    /// The token that some schemes have in place of parameters. It is told from the
    /// next scheme by the comma that is not before it, and from a parameter by the
    /// value that is not behind it.
    fn skip_opaque_token(&mut self) {
        let mut ahead = Self(self.0);
        ahead.skip(is_space);
        if ahead.take(is_word).is_empty() || ahead.value().is_some() {
            return;
        }
        ahead.skip_padding();
        self.0 = ahead.0;
    }

    fn take(&mut self, is_meant: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.0.iter().take_while(|byte| is_meant(**byte)).count();
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn skip(&mut self, is_meant: impl Fn(u8) -> bool) {
        self.take(is_meant);
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Of a token (RFC 9110 §5.6.2), or of an opaque one without its padding.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~/".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn errors(fields: &[&str]) -> Vec<String> {
        let errors = bearer_errors(fields.iter().map(|field| field.as_bytes()));
        let text = |error| String::from_utf8(error).unwrap();
        errors.into_iter().map(text).collect()
    }

    #[test]
    fn one_challenge() {
        for field in [
            r#"Bearer error="x""#,
            "Bearer error=x",
            "bEARER  Error = \"x\"",
            r#"Bearer realm="a, error=y", error="x", error_description="Basic \"error=z\"""#,
            r#"Bearer scope="a b" , error = x"#,
            r#"Bearer ,, error="\x""#,
            "Bearer\terror=\tx\t",
        ] {
            assert_eq!(errors(&[field]), ["x"], "{field}");
        }
    }

    #[test]
    fn several_challenges() {
        for fields in [
            &[r#"Basic realm="a", Bearer realm="b", error="x""#][..],
            &[r#"Bearer error="x", Basic error="y""#],
            &[r#"Bearer error="x", Basic, Digest qop="auth", error="y""#],
            &["Negotiate YIIa/b+c==, Bearer error=x"],
            &["Negotiate YIIabc=, Bearer error=x"],
            &["Negotiate YIIabc, Bearer error=x"],
            &["Negotiate, Bearer error=x"],
            &["Basic realm=a", "Bearer error=x"],
            &["Bearer realm=a", "error=x"],
            &["Bearer error=x", "Basic error=y"],
            &["Basic realm=\"never closed, ", "Bearer error=x"],
        ] {
            assert_eq!(errors(fields), ["x"], "{fields:?}");
        }
        assert_eq!(
            errors(&["Bearer error=x, Bearer error=y", "Bearer error=z"]),
            ["x", "y", "z"]
        );
    }

    #[test]
    fn what_names_no_error() {
        for field in [
            "",
            "Bearer",
            "Bearer realm=\"error=x\"",
            "Bearer error_uri=x",
            "Basic error=x",
            "error=x",
            "Bearer error",
            "Bearer error=",
            "Bearer error==",
            "Bearer =x",
            "BearerX error=x",
        ] {
            assert_eq!(errors(&[field]), [""; 0], "{field}");
        }
    }

    /// As met in practice.
    #[test]
    fn what_is_malformed_is_read_on() {
        for field in [
            r#"Bearer realm="a" error="x""#,
            "Bearer realm=\"a\"; error=\"x\"",
            "Bearer error=\"x",
            "Bearer error_uri=https://a.example/?b=c, error=x",
            "Bearer @ error=x",
            "Bearer \"stray\", error=x",
        ] {
            assert_eq!(errors(&[field]), ["x"], "{field}");
        }
    }

    fn quote(text: &str) -> String {
        format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(fields in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..3)) {
            bearer_errors(fields.iter().map(Vec::as_slice));
        }

        #[test]
        fn anything_like_a_challenge_can_be_read(field in r#"([Bb]earer|error|realm|[a=," \\\t;/]){0,20}"#) {
            let found = errors(&[&field]);
            prop_assert!(found.len() <= field.matches("error").count());
        }

        /// Whatever stands before and behind it, and however it is quoted.
        #[test]
        fn a_well_formed_error_is_found(
            before in "([a-z]{1,6}( [a-zA-Z0-9/+]{1,6}={0,2}| [a-z]{1,5}=(\"[a-z, =]{0,9}\"|[a-z]{1,4}))?, ){0,3}",
            realm in "[ -~]{0,12}",
            error in "[ -~]{0,12}",
            behind in "(, [a-z]{1,6} [a-z]{1,5}=[a-z]{1,4}){0,2}",
        ) {
            prop_assume!(!before.contains("bearer") && !behind.contains("bearer"));
            let field = format!("{before}Bearer realm={}, error={}{behind}", quote(&realm), quote(&error));
            prop_assert_eq!(errors(&[&field]), [error], "{}", field);
        }
    }
}
