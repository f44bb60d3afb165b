//! Form bodies, percent encoding, and names that are safe to show.

use std::borrow::Cow;

/// A decoded `application/x-www-form-urlencoded` body, in the order sent.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// The value of `name`; one without a value counts as omitted
    /// (RFC 6749 §3.2).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The first name that is given more than once.
    pub(crate) fn repeated(&self) -> Option<&str> {
        self.names()
            .enumerate()
            .find(|(index, name)| self.names().take(*index).any(|earlier| earlier == *name))
            .map(|(_, name)| name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// Field names of token requests that may be shown. A client that forgets to
/// encode its secret turns a part of it into a name, so no other name is.
const FIELD_NAMES: [&str; 20] = [
    "actor_token",
    "actor_token_type",
    "assertion",
    "audience",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "code_verifier",
    "grant_type",
    "password",
    "redirect_uri",
    "refresh_token",
    "requested_token_type",
    "resource",
    "scope",
    "subject_token",
    "subject_token_type",
    "username",
];

/// What is shown in place of a name that may hold a secret.
pub(crate) const OTHER: &str = "[other]";

/// `name` itself if it is a known field of a token request.
pub(crate) fn field_name(name: &str) -> &'static str {
    FIELD_NAMES
        .into_iter()
        .find(|known| *known == name)
        .unwrap_or(OTHER)
}

/// Decodes one form-encoded value, as RFC 6749 §2.3.1 asks of both halves of
/// HTTP Basic credentials.
pub(crate) fn decode_value(text: &str) -> Vec<u8> {
    percent_decode(text.replace('+', " ").as_bytes())
}

/// Decodes one path segment, where `+` is an ordinary character.
pub(crate) fn decode_segment(text: &str) -> Cow<'_, str> {
    if text.contains('%') {
        String::from_utf8_lossy(&percent_decode(text.as_bytes()))
            .into_owned()
            .into()
    } else {
        text.into()
    }
}

fn percent_decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let (byte, tail) = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, tail),
                _ => (b'%', &rest[1..]),
            },
            _ => (*first, tail),
        };
        decoded.push(byte);
        rest = tail;
    }
    decoded
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_empty_ones_omitted() {
        let form = Form::parse(b"a=1%2B2&b=&c=x+y&d");
        assert_eq!(form.get("a"), Some("1+2"));
        assert_eq!(form.get("b"), None);
        assert_eq!(form.get("c"), Some("x y"));
        assert_eq!(form.get("d"), None);
        assert_eq!(form.repeated(), None);
    }

    #[test]
    fn a_repeated_name_is_found() {
        assert_eq!(Form::parse(b"a=1&b=2&a=1").repeated(), Some("a"));
    }

    #[test]
    fn percent_encoding_is_decoded_and_broken_sequences_kept() {
        assert_eq!(decode_value("a+b%20%C3%BC%2f"), "a b ü/".as_bytes());
        assert_eq!(decode_value("100%"), b"100%");
        assert_eq!(decode_value("%zz%4"), b"%zz%4");
        assert_eq!(decode_segment("+1%202"), "+1 2");
    }

    #[test]
    fn only_known_names_are_shown() {
        assert_eq!(field_name("client_id"), "client_id");
        assert_eq!(field_name("CANARY"), OTHER);
    }
}
