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

/// Neither the secret nor a key comes back, in any spelling.
#[track_caller]
pub(crate) fn assert_no_secret(text: &str) {
    for needle in ["canary", "Y2FuYXJ5", "63616e617279"] {
        assert!(!text.contains(needle), "{needle} in {text}");
    }
}

/// There is no token of the emulator's.
#[track_caller]
pub(crate) fn assert_no_token(text: &str) {
    assert!(!text.contains("eyJ"), "a token in {text}");
}
