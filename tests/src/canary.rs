//! Secrets that can be recognised wherever they turn up.

use std::error::Error as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use prove_token::Error;

/// The client id of the tests.
pub const CLIENT_ID: &str = "wire client";

/// The client secret of the tests: every character that a form or a header could
/// get wrong, around a core that survives every escaping of single characters.
pub const SECRET: &str = "p+o&s=t% ü~s3cret5e1f";

/// The access token of the tests.
pub const TOKEN: &str = "canarytoken77aa.4f2a-~";

/// The parts that percent-encoding, HTML and JSON leave as they are.
const CORES: [&str; 2] = ["s3cret5e1f", "canarytoken77aa"];

/// Where and how `text` holds a part of the secret or of the token: raw, under
/// any escaping that keeps letters, in base64 at any offset, in hexadecimal, or
/// as the `Debug` of bytes. `None` if it is clean.
pub fn leak(text: &str) -> Option<&'static str> {
    let folded = text.to_ascii_lowercase();
    if CORES.iter().any(|core| folded.contains(core)) {
        return Some("in letters");
    }
    if CORES.iter().any(|core| holds_base64(text, core.as_bytes())) {
        return Some("in base64");
    }
    let joined = |core: &str, write: fn(u8) -> String, with: &str| {
        core.bytes().map(write).collect::<Vec<_>>().join(with)
    };
    if CORES
        .iter()
        .any(|core| folded.contains(&joined(core, |byte| format!("{byte:02x}"), "")))
    {
        return Some("in hexadecimal");
    }
    CORES
        .iter()
        .any(|core| folded.contains(&joined(core, |byte| byte.to_string(), ", ")))
        .then_some("as a list of bytes")
}

/// Base64 of `core` inside a longer text depends on where it starts in there,
/// modulo 3. The characters at both ends mix with the neighbours: they are left
/// out of the comparison.
fn holds_base64(text: &str, core: &[u8]) -> bool {
    (0..3).any(|offset| {
        let mut padded = vec![0; offset];
        padded.extend_from_slice(core);
        let first = (offset * 8).div_ceil(6);
        let last = padded.len() * 8 / 6;
        [
            STANDARD_NO_PAD.encode(&padded),
            URL_SAFE_NO_PAD.encode(&padded),
        ]
        .iter()
        .any(|encoded| text.contains(&encoded[first..last]))
    })
}

/// Everything that an error can show, with the name of where it shows it.
pub fn texts(error: &Error) -> Vec<(&'static str, String)> {
    let mut texts = vec![
        ("Display", error.to_string()),
        ("Debug", format!("{error:?}")),
        ("alternate Debug", format!("{error:#?}")),
        ("hint", error.hint().unwrap_or_default().to_owned()),
        ("error_response", format!("{:?}", error.error_response())),
    ];
    let mut source = error.source();
    while let Some(inner) = source {
        texts.push(("source", format!("{inner} {inner:?}")));
        source = inner.source();
    }
    texts
}

/// Where `error` shows a part of the secret or of the token.
pub fn leak_of(error: &Error) -> Option<String> {
    texts(error).into_iter().find_map(|(place, text)| {
        leak(&text).map(|how| format!("its {place} holds a canary {how}: {text}"))
    })
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use prove_token::ErrorKind;

    use super::*;

    #[test]
    fn a_canary_is_found_in_every_disguise() {
        for disguise in [
            SECRET.to_owned(),
            TOKEN.to_owned(),
            TOKEN.to_uppercase(),
            "p%2Bo%26s%3Dt%25+%C3%BC%7Es3cret5e1f".to_owned(),
            STANDARD.encode(SECRET),
            STANDARD.encode(format!("a{SECRET}")),
            STANDARD.encode(format!("ab{SECRET}c")),
            URL_SAFE_NO_PAD.encode(format!("{CLIENT_ID}:{SECRET}")),
            STANDARD.encode(TOKEN),
            TOKEN.bytes().map(|byte| format!("{byte:02X}")).collect(),
            format!("{:?}", SECRET.as_bytes()),
        ] {
            let text = format!("some text <{disguise}> and more");
            assert!(leak(&text).is_some(), "{text}");
        }
    }

    #[test]
    fn other_text_is_clean() {
        for text in ["", "[redacted]", "s3cret", "canary", CLIENT_ID, "5e1f"] {
            assert_eq!(leak(text), None, "{text}");
        }
    }

    #[test]
    fn every_text_of_an_error_is_searched() {
        let clean = || Error::new(ErrorKind::Internal, "clean");
        assert_eq!(leak_of(&clean()), None);
        assert!(leak_of(&Error::new(ErrorKind::Internal, SECRET)).is_some());
        assert!(leak_of(&clean().with_hint(TOKEN)).is_some());
        let source = std::io::Error::other(SECRET);
        assert!(leak_of(&clean().with_source(source)).is_some());
    }
}
