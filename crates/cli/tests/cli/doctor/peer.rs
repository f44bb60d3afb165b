//! A token endpoint with a mind of its own.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Answers each connection once, and remembers the requests. It ends with the test.
pub(super) struct Peer {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    /// Answers `granted` to a request that `accepts`, and to all others that the client
    /// is not known.
    pub(super) fn accepting(accepts: fn(&str) -> bool) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let recorder = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, accepts, &recorder);
            }
        });
        Self { port, requests }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}/token", self.port)
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, accepts: fn(&str) -> bool, recorder: &Mutex<Vec<String>>) {
    let mut request = Vec::new();
    let mut byte = [0];
    // The body is of no interest, but unread bytes would reset the connection.
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        request.push(byte[0]);
    }
    let head = String::from_utf8(request).unwrap();
    let Some(length) = head.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length: ")?
            .parse()
            .ok()
    }) else {
        // A connection that was only opened, to see whether that can be done.
        return;
    };
    let mut body: Vec<u8> = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    let (status, body) = match accepts(&head) {
        true => (
            "200 OK",
            r#"{"access_token":"canary-token","token_type":"Bearer","expires_in":30,"scope":"read"}"#,
        ),
        false => ("401 Unauthorized", r#"{"error":"invalid_client"}"#),
    };
    recorder.lock().unwrap().push(head);
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
}
