//! A known secret cut out of foreign text, however it was written down there.
//!
//! Servers echo what they were sent, as they got it or escaped once more. Nothing
//! of an answer reaches an error before it went through here.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::text;

/// What stands where a secret stood.
const REDACTED: &str = "[redacted]";

/// Secrets shorter than this are not searched for: cutting every "a" out of a
/// message protects nothing and makes it unreadable.
const SHORTEST_SEARCHED: usize = 4;

/// A run of so many letters and digits of a secret is cut out wherever it stands:
/// escapes of any kind leave it as it is.
const LONG_RUN: usize = 10;

/// Cuts secrets out of foreign text. Making one costs nothing: what to look for is
/// worked out when there is a text, which is when something has failed.
#[derive(Clone)]
pub(crate) struct Redactor<'a>(Vec<&'a str>);

impl<'a> Redactor<'a> {
    pub(crate) fn new(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let long_enough = |secret: &&str| secret.len() >= SHORTEST_SEARCHED;
        Self(secrets.into_iter().filter(long_enough).collect())
    }

    /// This one, for more secrets.
    pub(crate) fn and<'b>(&self, more: impl IntoIterator<Item = &'b str>) -> Redactor<'b>
    where
        'a: 'b,
    {
        Redactor::new(self.0.iter().copied().chain(more))
    }

    /// `text` without the secrets, on one printable line of at most `limit`
    /// characters.
    pub(crate) fn line(&self, text: &str, limit: usize) -> String {
        let needles: Vec<_> = self.0.iter().copied().map(Needles::of).collect();
        let redact = |text: &str| {
            needles
                .iter()
                .fold(text.to_owned(), |text, needles| needles.cut_out_of(&text))
        };
        // Again when it is printable: an escape sequence in the middle of a secret
        // hides it until the sequence is dropped.
        let printable = text::line(&redact(text), usize::MAX);
        text::line(&redact(&printable), limit)
    }
}

/// What one secret looks like in foreign text: as it is; with any of its characters
/// percent-encoded, and spaces as `+`; in base64 of either alphabet, alone or
/// inside something longer, such as the `id:secret` of HTTP Basic; and of one that
/// is escaped in yet another way, its long runs of letters and digits.
struct Needles<'a> {
    secret: &'a str,
    base64: Vec<Zeroizing<String>>,
    runs: Vec<&'a str>,
}

impl<'a> Needles<'a> {
    fn of(secret: &'a str) -> Self {
        let form: Zeroizing<String> =
            Zeroizing::new(form_urlencoded::byte_serialize(secret.as_bytes()).collect());
        let percent = Zeroizing::new(form.replace('+', "%20"));
        let runs = secret.split(|character: char| !character.is_alphanumeric());
        let mut runs: Vec<_> = runs.filter(|run| run.len() >= LONG_RUN).collect();
        // The longest first, so that a run inside another leaves no rest.
        runs.sort_by_key(|run| std::cmp::Reverse(run.len()));
        Self {
            secret,
            base64: [secret, &form, &percent]
                .into_iter()
                .flat_map(base64_inside)
                .collect(),
            runs,
        }
    }

    fn cut_out_of(&self, text: &str) -> String {
        let text = text.replace(self.secret, REDACTED);
        let mut text = cut_base64(&cut_escaped(&text, self.secret), &self.base64);
        for run in &self.runs {
            text = text.replace(run, REDACTED);
        }
        text
    }
}

/// What base64 of anything with `core` inside looks like. It depends on where
/// `core` starts in there, modulo 3; the characters at its ends mix with the
/// neighbours and are left out.
fn base64_inside(core: &str) -> Vec<Zeroizing<String>> {
    let mut found = Vec::new();
    for offset in 0..3 {
        let mut shifted = Zeroizing::new(vec![0; offset]);
        shifted.extend_from_slice(core.as_bytes());
        let fixed = (offset * 8).div_ceil(6)..shifted.len() * 8 / 6;
        for alphabet in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let encoded = Zeroizing::new(alphabet.encode(&*shifted));
            found.push(Zeroizing::new(encoded[fixed.clone()].to_owned()));
        }
    }
    found
}

/// Cuts out every run of base64 characters that holds one of `needles`.
fn cut_base64(text: &str, needles: &[Zeroizing<String>]) -> String {
    let is_other = |character: char| {
        !(character.is_ascii_alphanumeric() || matches!(character, '+' | '/' | '-' | '_' | '='))
    };
    let mut kept = String::with_capacity(text.len());
    for piece in text.split_inclusive(is_other) {
        let run = piece.trim_end_matches(is_other);
        if needles.iter().any(|needle| run.contains(needle.as_str())) {
            kept.push_str(REDACTED);
            kept.push_str(&piece[run.len()..]);
        } else {
            kept.push_str(piece);
        }
    }
    kept
}

/// Cuts out `secret` where some or all of its characters are percent-encoded.
fn cut_escaped(text: &str, secret: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let (mut start, mut at) = (0, 0);
    while at < text.len() {
        match escaped_length(&text.as_bytes()[at..], secret.as_bytes()) {
            // Both ends are between characters: what is matched is a whole text.
            Some(length) => {
                kept.push_str(&text[start..at]);
                kept.push_str(REDACTED);
                at += length;
                start = at;
            }
            None => at += 1,
        }
    }
    kept.push_str(&text[start..]);
    kept
}

/// How many bytes `secret` takes at the start of `text`, escaped or not.
fn escaped_length(text: &[u8], secret: &[u8]) -> Option<usize> {
    let mut at = 0;
    for byte in secret {
        at += match text.get(at..)? {
            [b'%', high, low, ..] if unescaped(*high, *low) == Some(*byte) => 3,
            [b'+', ..] if *byte == b' ' => 1,
            [plain, ..] if plain == byte => 1,
            _ => return None,
        };
    }
    Some(at)
}

fn unescaped(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    const SECRET: &str = "s3cret + & = % ü~";

    fn form(text: &str) -> String {
        form_urlencoded::byte_serialize(text.as_bytes()).collect()
    }

    #[test]
    fn secrets_are_cut_out_in_every_encoding() {
        let redactor = Redactor::new([SECRET]);
        let everything: String = SECRET.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let basic = |id: &str, secret: &str| format!("{id}:{secret}");
        for echoed in [
            SECRET.to_owned(),
            form(SECRET),
            form(SECRET).to_lowercase(),
            form(SECRET).replace('+', "%20"),
            form(SECRET).replace("%7E", "~"),
            SECRET.replace('%', "%25"),
            everything,
            STANDARD.encode(SECRET),
            STANDARD_NO_PAD.encode(SECRET),
            URL_SAFE.encode(SECRET),
            STANDARD.encode(basic("a", SECRET)),
            STANDARD.encode(basic("ab", SECRET)),
            STANDARD.encode(basic("abc", SECRET)),
            STANDARD.encode(basic("id", &form(SECRET))),
            URL_SAFE_NO_PAD.encode(format!("x={}&y=z", form(SECRET))),
        ] {
            let shown = redactor.line(&format!("bad <{echoed}>"), 500);
            assert_eq!(shown, "bad <[redacted]>", "echo of {echoed}");
        }
    }

    #[test]
    fn an_escape_sequence_inside_hides_nothing() {
        let redactor = Redactor::new([SECRET]);
        let (start, end) = SECRET.split_at(4);
        let shown = redactor.line(&format!("<{start}\u{1b}[1m{end}>"), 500);
        assert_eq!(shown, "<[redacted]>");
    }

    #[test]
    fn long_runs_are_cut_out_of_whatever_surrounds_them() {
        let redactor = Redactor::new(["a&0123456789-short"]);
        let shown = redactor.line("a&amp;0123456789-short", 500);
        assert_eq!(shown, "a&amp;[redacted]-short");
    }

    #[test]
    fn a_secret_of_escapes_is_found_as_it_is() {
        let redactor = Redactor::new(["%25%41"]);
        assert_eq!(
            redactor.line("<%25%41> <%2525%2541>", 500),
            "<[redacted]> <[redacted]>"
        );
    }

    #[test]
    fn other_text_stays() {
        for secret in [SECRET, "abc", ""] {
            let redactor = Redactor::new([secret]);
            for text in ["", "no such client", "100 % sure", "a%2", "größer ü~"] {
                assert_eq!(redactor.line(text, 500), text, "{secret}");
            }
        }
    }

    #[test]
    fn a_secret_is_cut_out_before_the_line_is_cut_off() {
        let redactor = Redactor::new(["canary-secret-value"]);
        assert_eq!(redactor.line("no: canary-secret-value", 10), "no: [redac…");
    }

    proptest::proptest! {
        /// Whatever stands around it, of whatever characters it is made.
        #[test]
        fn no_secret_stays_in_any_text(before in "\\PC*", secret in "\\PC{8,40}", after in "\\PC*") {
            let redactor = Redactor::new([secret.as_str()]);
            for echoed in [
                secret.clone(),
                form(&secret),
                STANDARD.encode(&secret),
                URL_SAFE_NO_PAD.encode(&secret),
            ] {
                let shown = redactor.line(&format!("{before} {echoed} {after}"), usize::MAX);
                // Of spaces and other unprintable characters alone, nothing is left
                // to be found.
                let printable = text::line(&echoed, usize::MAX);
                assert!(printable.len() < 8 || !shown.contains(&printable), "{shown}");
            }
        }
    }
}
