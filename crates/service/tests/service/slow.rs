//! Connections on which nothing comes, or not enough: closed after a while, whatever they
//! began. The limits themselves are tested without waiting, in `connection/tests.rs`.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use crate::harness::{Setup, emulator};

/// Longer than any limit.
const PATIENCE: Duration = Duration::from_secs(60);

const FORM: &str = "POST /token HTTP/1.1\r\nHost: localhost\r\n\
    Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\n";

#[test]
fn who_begins_and_does_not_go_on_is_closed() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    let part = format!("{FORM}grant_type=");
    std::thread::scope(|scope| {
        for (bytes, answer) in [
            ("", ""),
            ("G", ""),
            ("GET /v1/token/local HTTP/1.1\r\nHost: local", ""),
            (
                "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n",
                "HTTP/1.1 401",
            ),
            (FORM, "HTTP/1.1 408"),
            (&part, "HTTP/1.1 408"),
        ] {
            let service = &service;
            scope.spawn(move || {
                let mut stream = service.tcp();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                stream.write_all(bytes.as_bytes()).unwrap();
                let mut answered = String::new();
                stream.read_to_string(&mut answered).unwrap();
                assert!(answered.starts_with(answer), "{bytes:?}: {answered:?}");
                assert_eq!(
                    answered.is_empty(),
                    answer.is_empty(),
                    "{bytes:?}: {answered}"
                );
            });
        }
    });
    service.get("/v1/token/local").expect(200);
}
