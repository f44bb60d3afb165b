//! A client of few words: bytes out, one parsed answer in.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use prove_token_emulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Emulator, EmulatorBuilder};
use serde_json::Value;

/// Far longer than anything takes, and only met by a defect.
pub(crate) const NEVER: Duration = Duration::from_secs(30);

pub(crate) const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
pub(crate) const JSON: &str = "Content-Type: application/json";

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}

/// One connection, kept alive.
pub(crate) struct Client(TcpStream);

impl Client {
    pub(crate) fn connect(emulator: &Emulator) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", emulator.port())).unwrap();
        stream.set_read_timeout(Some(NEVER)).unwrap();
        Self(stream)
    }

    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends a request whose body has a length.
    pub(crate) fn send(&mut self, line: &str, headers: &[&str], body: &str) {
        self.write(request(line, headers, body));
    }

    pub(crate) fn ask(&mut self, line: &str, headers: &[&str], body: &str) -> Answer {
        self.send(line, headers, body);
        self.answer()
    }

    /// Reads one answer with a `Content-Length`.
    pub(crate) fn answer(&mut self) -> Answer {
        let head = self.head();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer {
            status,
            head,
            body: String::new(),
        };
        let length = answer.header("content-length").unwrap().parse().unwrap();
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        answer.body = String::from_utf8(body).unwrap();
        answer
    }

    /// Reads up to and with the next empty line.
    pub(crate) fn head(&mut self) -> String {
        self.until("\r\n\r\n")
    }

    /// Reads up to and with `end`.
    pub(crate) fn until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while !bytes.ends_with(end.as_bytes()) {
            self.0.read_exact(&mut byte).unwrap();
            bytes.push(byte[0]);
        }
        String::from_utf8(bytes).unwrap()
    }

    /// Reads what comes until the connection ends, and how it ends.
    pub(crate) fn rest(&mut self) -> (Vec<u8>, io::Result<()>) {
        let mut bytes = Vec::new();
        let end = self.0.read_to_end(&mut bytes).map(drop);
        (bytes, end)
    }

    /// Whether nothing comes for as long as one can bear to wait in a test.
    pub(crate) fn is_silent(&mut self) -> bool {
        self.0
            .set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        let read = self.0.peek(&mut [0]);
        self.0.set_read_timeout(Some(NEVER)).unwrap();
        matches!(read, Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut))
    }
}

pub(crate) fn start() -> Emulator {
    start_with(|builder| builder)
}

pub(crate) fn start_with(change: impl FnOnce(EmulatorBuilder) -> EmulatorBuilder) -> Emulator {
    change(Emulator::builder()).start().unwrap()
}

pub(crate) fn request(line: &str, headers: &[&str], body: &str) -> String {
    let headers: String = headers
        .iter()
        .map(|header| format!("{header}\r\n"))
        .collect();
    let length = body.len();
    format!("{line} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

/// One request on a connection of its own.
pub(crate) fn ask(emulator: &Emulator, line: &str, headers: &[&str], body: &str) -> Answer {
    Client::connect(emulator).ask(line, headers, body)
}

pub(crate) fn token_body() -> String {
    format!(
        "grant_type=client_credentials&client_id={DEFAULT_CLIENT_ID}&client_secret={DEFAULT_CLIENT_SECRET}"
    )
}

pub(crate) fn ask_token(emulator: &Emulator) -> Answer {
    ask(emulator, "POST /token", &[FORM], &token_body())
}

pub(crate) fn token(emulator: &Emulator) -> String {
    let answer = ask_token(emulator);
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// An operation with a bearer token.
pub(crate) fn operation(emulator: &Emulator, token: &str, line: &str, body: &str) -> Answer {
    let authorization = format!("Authorization: Bearer {token}");
    ask(emulator, line, &[JSON, &authorization], body)
}
