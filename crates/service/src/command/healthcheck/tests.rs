//! Where the question goes.

use super::*;

#[test]
fn an_address_is_taken_apart() {
    for (url, host, path) in [
        ("http://127.0.0.1:7880", "127.0.0.1:7880", "/livez"),
        ("http://127.0.0.1:7880/", "127.0.0.1:7880", "/livez"),
        (
            "http://localhost:1/readyz?profile=a",
            "localhost:1",
            "/readyz?profile=a",
        ),
        ("http://[::1]:7880/x", "[::1]:7880", "/x"),
    ] {
        let question = of_url(url, "/livez").unwrap();
        assert_eq!((&*question.host, &*question.path), (host, path), "{url}");
    }
    for url in [
        "",
        "ftp://x",
        "https://127.0.0.1:1",
        "/path",
        "http://a:b@127.0.0.1:1",
    ] {
        assert!(of_url(url, "/livez").is_err(), "{url}");
    }
}

#[test]
fn who_listens_everywhere_is_asked_here() {
    for (address, asked) in [
        ("0.0.0.0:7880", "127.0.0.1:7880"),
        ("[::]:7880", "[::1]:7880"),
        ("10.1.2.3:7880", "10.1.2.3:7880"),
    ] {
        let address: SocketAddr = address.parse().unwrap();
        assert_eq!(reachable(address).to_string(), asked);
    }
}

#[test]
fn a_status_is_read_and_nothing_else() {
    for (answer, expected) in [
        (&b"HTTP/1.1 200 OK\r\n\r\n"[..], Some(200)),
        (b"HTTP/1.1 503", Some(503)),
        (b"HTTP/1.1 2", None),
        (b"HTTP/1.1 xyz", None),
        (b"\x15\x03\x01", None),
        (b"", None),
    ] {
        assert_eq!(status(answer), expected);
    }
}

/// Whoever answers, and then goes on a byte at a time, is not waited for.
struct Drip(&'static [u8]);

impl Read for Drip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (next, rest) = self.0.split_first().expect("no more is wanted");
        buffer[0] = *next;
        self.0 = rest;
        Ok(1)
    }
}

impl Write for Drip {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_more_is_waited_for_than_is_looked_at() {
    let question = of_url("http://127.0.0.1:1", "/livez").unwrap();
    let answer = question.talk(Drip(b"HTTP/1.1 200")).unwrap();
    assert_eq!(answer, Answer::Http(200));
    let error = question.talk(Drip(b"SSH-2.0-Open")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
}
