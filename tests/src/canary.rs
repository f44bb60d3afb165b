//! Secrets that can be recognised wherever they turn up.

use std::error::Error as _;
use std::sync::LazyLock;

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

/// How every JWT of the emulator starts, in lower case: no test knows its tokens
/// beforehand.
const JWT: &str = "eyj0exaioijkv1qi";

/// Where and how `text` holds a part of the secret or of a token: raw, under
/// any escaping that keeps letters or is percent-encoding, in base64 at any
/// offset, in hexadecimal, or as the `Debug` of bytes. `None` if it is clean.
pub fn leak(text: &str) -> Option<&'static str> {
    static NEEDLES: LazyLock<Needles> = LazyLock::new(Needles::new);
    let holds = |text: &str, needles: &[String]| needles.iter().any(|core| text.contains(core));
    let folded = text.to_ascii_lowercase();
    if holds(&folded, &NEEDLES.letters) {
        Some("in letters")
    } else if holds(text, &NEEDLES.base64) {
        Some("in base64")
    } else if holds(&folded, &NEEDLES.hexadecimal) {
        Some("in hexadecimal")
    } else if holds(text, &NEEDLES.bytes) {
        Some("as a list of bytes")
    } else if holds(&folded, &NEEDLES.percent) {
        Some("percent-encoded")
    } else {
        None
    }
}

/// What is searched for.
struct Needles {
    letters: Vec<String>,
    base64: Vec<String>,
    hexadecimal: Vec<String>,
    bytes: Vec<String>,
    percent: Vec<String>,
}

impl Needles {
    fn new() -> Self {
        let each = |write: fn(&str) -> String| CORES.into_iter().map(write).collect();
        Self {
            letters: CORES.into_iter().chain([JWT]).map(str::to_owned).collect(),
            base64: CORES.into_iter().flat_map(base64_inside).collect(),
            hexadecimal: each(|core| join(core, "", |byte| format!("{byte:02x}"))),
            bytes: each(|core| join(core, ", ", |byte| byte.to_string())),
            percent: each(|core| join(core, "", |byte| format!("%{byte:02x}"))),
        }
    }
}

fn join(core: &str, with: &str, write: fn(u8) -> String) -> String {
    core.bytes().map(write).collect::<Vec<_>>().join(with)
}

/// Base64 of a longer text with `core` inside depends on where it starts in
/// there, modulo 3. The characters at both ends mix with the neighbours: they are
/// left out.
fn base64_inside(core: &str) -> Vec<String> {
    (0..3)
        .flat_map(|offset| {
            let mut shifted = vec![0; offset];
            shifted.extend_from_slice(core.as_bytes());
            let fixed = (offset * 8).div_ceil(6)..shifted.len() * 8 / 6;
            [STANDARD_NO_PAD, URL_SAFE_NO_PAD]
                .map(|alphabet| alphabet.encode(&shifted)[fixed.clone()].to_owned())
        })
        .collect()
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
            SECRET.bytes().map(|byte| format!("%{byte:02X}")).collect(),
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
