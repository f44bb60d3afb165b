//! What comes back, and what must not.

use std::io::{Read, Write};
use std::net::TcpStream;

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// With lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(given, _)| given == name);
        found.next().map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The JSON of an answer of this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> serde_json::Value {
        assert_eq!(self.status, status, "{self:?}");
        self.json()
    }
}

/// `GET path` at `port`, of which no answer holds a token.
pub(super) fn look(port: u16, path: &str) -> Reply {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    let reply = raw(stream, request.as_bytes());
    assert_no_token(&reply.body);
    reply
}

/// Asks until the answer is as wanted.
#[track_caller]
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..20_000 {
        if is_so() {
            return;
        }
        std::thread::yield_now();
    }
    panic!("it does not come to that");
}

/// Sends `request` and reads to the end of the connection.
#[track_caller]
pub(crate) fn raw(mut stream: impl Read + Write, request: &[u8]) -> Reply {
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    reply(&answer)
}

/// The answer that these bytes are.
#[track_caller]
pub(crate) fn reply(answer: &[u8]) -> Reply {
    let text = String::from_utf8(answer.to_vec()).unwrap();
    assert_no_secret(&text);
    let (head, body) = text.split_once("\r\n\r\n").expect(&text);
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    });
    Reply {
        status: status.parse().unwrap(),
        headers: headers.collect(),
        body: body.to_owned(),
    }
}

/// The core of the secret and of keys in any spelling: as it is, in hexadecimal,
/// percent-encoded, as a list of bytes, and in base64 at each offset.
const SECRETS: Spellings = Spellings {
    folded: [
        "canary",
        "63616e617279",
        "%63%61%6e%61%72%79",
        "99, 97, 110, 97, 114, 121",
    ],
    base64: ["Y2FuYXJ5", "NhbmFye", "jYW5hcn"],
};

/// The same of the head of the emulator's tokens; no other word begins with its first
/// letters.
const TOKENS: Spellings = Spellings {
    folded: [
        "eyj0exai",
        "65794a3065584169",
        "%65%79%4a%30%65%58%41%69",
        "101, 121, 74, 48, 101, 88, 65, 105",
    ],
    base64: ["ZXlKMGVYQW", "V5SjBlWEFp", "leUowZVhBa"],
};

struct Spellings {
    /// In lower case, for whatever case they come in.
    folded: [&'static str; 4],
    base64: [&'static str; 3],
}

impl Spellings {
    #[track_caller]
    fn assert_none(&self, text: &str) {
        let lower = text.to_ascii_lowercase();
        let folded = self.folded.iter().find(|core| lower.contains(**core));
        let found = folded.or_else(|| self.base64.iter().find(|core| text.contains(**core)));
        assert!(found.is_none(), "{found:?} in {text}");
    }
}

/// Neither the secret nor a key comes back.
#[track_caller]
pub(crate) fn assert_no_secret(text: &str) {
    SECRETS.assert_none(text);
}

/// There is no token of the emulator's.
#[track_caller]
pub(crate) fn assert_no_token(text: &str) {
    TOKENS.assert_none(text);
    assert!(!text.contains("eyJ"), "a token in {text}");
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::{SECRETS, Spellings, TOKENS};

    fn is_found(spellings: &Spellings, text: &str) -> bool {
        std::panic::catch_unwind(|| spellings.assert_none(text)).is_err()
    }

    #[test]
    fn a_canary_is_found_in_every_disguise() {
        for (spellings, text) in [(&SECRETS, "a canary here"), (&TOKENS, "an eyJ0eXAiOi here")] {
            let bytes = text.as_bytes();
            let each = |write: fn(&u8) -> String| bytes.iter().map(write).collect::<String>();
            for disguise in [
                text.to_owned(),
                text.to_uppercase(),
                STANDARD.encode(text),
                STANDARD.encode(&text[1..]),
                STANDARD.encode(&text[2..]),
                each(|byte| format!("{byte:02x}")),
                each(|byte| format!("{byte:02X}")),
                each(|byte| format!("%{byte:02X}")),
                format!("{bytes:?}"),
            ] {
                assert!(is_found(spellings, &disguise), "{disguise}");
            }
            assert!(!is_found(spellings, "[redacted]"));
        }
    }
}
