//! News of profiles over one long answer.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::harness::{KEY, Service, Setup, assert_no_secret, assert_no_token, emulator};

/// A stream that is read event by event.
struct Stream(BufReader<TcpStream>);

impl Stream {
    fn open(service: &Service) -> Self {
        let mut stream = service.tcp();
        let request = format!(
            "GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\
             Prove-Token-Request: true\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut stream = Self(BufReader::new(stream));
        let head = stream.lines_until("");
        assert_eq!(head[0], "HTTP/1.1 200 OK");
        assert!(
            head.contains(&"content-type: text/event-stream".to_owned()),
            "{head:?}"
        );
        stream
    }

    fn lines_until(&mut self, last: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let count = self.0.read_line(&mut line).unwrap();
            assert_no_secret(&line);
            assert_no_token(&line);
            let line = line.trim_end().to_owned();
            if count == 0 || line == last {
                return lines;
            }
            lines.push(line);
        }
    }

    /// The next event: its kind, and what it says.
    fn next(&mut self) -> (String, Value) {
        loop {
            let lines = self.lines_until("");
            let field = |name: &str| {
                let found = lines.iter().find_map(|line| line.strip_prefix(name));
                found.map(str::to_owned)
            };
            if let (Some(kind), Some(data)) = (field("event: "), field("data: ")) {
                assert!(field("id: ").is_some(), "{lines:?}");
                return (kind, serde_json::from_str(&data).unwrap());
            }
        }
    }
}

fn reject(service: &Service, id: &Value) {
    let key = format!("Bearer {KEY}");
    let headers = [
        ("Authorization", &*key),
        ("Content-Type", "application/json"),
    ];
    let body = serde_json::json!({ "token_id": id }).to_string();
    service
        .request("POST", "/v1/token/local/reject", &headers, &body)
        .expect(200);
}

#[test]
fn a_caller_hears_of_its_profiles_and_of_no_others() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).profile("other", &emulator).start();
    let first = service.get("/v1/token/local").expect(200)["token_id"].clone();
    let mut stream = Stream::open(&service);
    let (kind, state) = stream.next();
    assert_eq!((&*kind, &state["profile"]), ("state", &"local".into()));
    assert_eq!(state["token"]["token_id"], first);
    reject(&service, &first);
    let second = service.get("/v1/token/local").expect(200)["token_id"].clone();
    let mut heard = Vec::new();
    while !heard
        .iter()
        .any(|(kind, data): &(String, Value)| kind == "renewed" && data["token_id"] == second)
    {
        heard.push(stream.next());
    }
    assert!(
        heard.iter().any(|(kind, _)| kind == "rejected"),
        "{heard:?}"
    );
    assert!(
        heard.iter().all(|(_, data)| data["profile"] == "local"),
        "{heard:?}"
    );
    let (_, renewed) = heard.last().unwrap();
    assert!(renewed["expires_in"].as_u64().unwrap() > 3500, "{renewed}");
}

#[test]
fn a_failure_is_told_with_when_it_is_tried_again() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    let id = service.get("/v1/token/local").expect(200)["token_id"].clone();
    let mut stream = Stream::open(&service);
    emulator.inject(prove_token_emulator::Fault::status(500).times(0));
    reject(&service, &id);
    assert_eq!(service.get("/v1/token/local").status, 503);
    let failed = loop {
        let (kind, data) = stream.next();
        if kind == "renewal_failed" {
            break data;
        }
    };
    assert_eq!(failed["error"], "unavailable");
    assert!(failed["retry_in"].as_f64().unwrap() > 0.0, "{failed}");
}

#[test]
fn the_end_of_the_service_ends_every_stream() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    let mut streams: Vec<_> = (0..3).map(|_| Stream::open(&service)).collect();
    let (code, said) = service.stop();
    assert_eq!(code, Some(0), "{said}");
    for stream in &mut streams {
        stream.lines_until("never");
    }
}

#[test]
fn nobody_hears_anything_without_a_key() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    service.request("GET", "/v1/events", &[], "").expect(401);
    let key = format!("Bearer {KEY}");
    let post = service.request("POST", "/v1/events", &[("Authorization", &key)], "");
    assert_eq!((post.status, post.header("allow")), (405, Some("GET")));
}

#[test]
fn another_configuration_ends_every_stream() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    let mut stream = Stream::open(&service);
    service.signal("HUP");
    stream.lines_until("never");
    // Who may hear is asked anew.
    let (kind, _) = Stream::open(&service).next();
    assert_eq!(kind, "state");
}

#[test]
fn one_caller_does_not_take_the_room_of_all() {
    let emulator = emulator().start().unwrap();
    let uid = rustix::process::geteuid().as_raw();
    let other =
        format!("[[service.callers]]\nname = \"other\"\nuid = {uid}\nprofiles = [\"local\"]\n");
    let service = Setup::new(&emulator).service(&other).start();
    let mut streams: Vec<_> = (0..16).map(|_| Stream::open(&service)).collect();
    let refused = service.get("/v1/events");
    assert_eq!(refused.expect(429)["error"], "rate_limited");
    assert!(refused.header("retry-after").is_some());
    let mut others = service.unix();
    others
        .write_all(b"GET /v1/events HTTP/1.1\r\nHost: x\r\nProve-Token-Request: true\r\n\r\n")
        .unwrap();
    let mut line = String::new();
    BufReader::new(others).read_line(&mut line).unwrap();
    assert_eq!(line, "HTTP/1.1 200 OK\r\n");
    // Who goes makes room, once that is seen.
    service.signal("HUP");
    for stream in &mut streams {
        stream.lines_until("never");
    }
    Stream::open(&service).next();
}
