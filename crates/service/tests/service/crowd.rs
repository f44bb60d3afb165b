//! More than there is room for: who is too much is told so, and the others notice nothing.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use rustix::process::Resource;

use crate::harness::{KEY, Service, Setup, allow_most, emulator, raw, until};
use crate::upstream::{Upstream, answer, head, told};

/// Connections of callers at a time.
const SEATS: usize = 1024;

/// Of these, the ones on which one caller may wait for a newer token.
const WAITS: usize = 256;

/// And the ones on which one caller may wait for an API.
const PROXIED: usize = 512;

/// Readers of events at a time, and those of one caller.
const READERS: usize = 128;
const OWN_READERS: usize = 16;

const PATIENCE: Duration = Duration::from_secs(60);

/// So many callers in place of one, each of whom has as much room as one may have.
fn crowd(setup: Setup, count: usize) -> Setup {
    let caller = |number| {
        let hash = digest(&SHA256, key(number).as_bytes());
        let hash: String = hash
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!(
            "[[service.callers]]\nname = \"caller-{number}\"\nkey_hash = \"sha256:{hash}\"\n\
             profiles = [\"local\"]\n"
        )
    };
    let callers: String = (0..count).map(caller).collect();
    setup.service(&callers)
}

fn key(number: usize) -> String {
    format!("ptk_canary-key-of-caller-{number}")
}

/// One connection of the owner of `key` that asked for `path`, with these headers.
fn ask(service: &Service, key: &str, path: &str, headers: &str) -> TcpStream {
    let mut stream = service.tcp();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\
         Prove-Token-Request: true\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// The beginning of an answer, up to its status.
fn begun(stream: &mut TcpStream) -> String {
    let mut line = [0; 12];
    stream.read_exact(&mut line).unwrap();
    String::from_utf8(line.to_vec()).unwrap()
}

/// All seats are those of callers who wait for an answer, by right: nobody is sent away
/// for another.
#[test]
fn one_connection_too_many_is_turned_away() {
    allow_most(Resource::Nofile);
    let emulator = emulator().start().unwrap();
    let service = crowd(Setup::new(&emulator), SEATS / WAITS)
        .watched()
        .start();
    let token = service.get("/v1/token/local");
    let condition = format!("If-None-Match: {}\r\n", token.header("etag").unwrap());
    let path = "/v1/token/local?wait=60";
    let mut seated: Vec<_> = (0..SEATS)
        .map(|number| ask(&service, &key(number / WAITS), path, &condition))
        .collect();
    // The last ones may still be on their way; and who has a seat, but has not been heard,
    // may be sent away.
    let full = "prove_token_connections{listener=\"data\"} 1024\n";
    let heard = |number: usize| {
        format!("prove_token_caller_requests_total{{caller=\"caller-{number}\"}} {WAITS}\n")
    };
    until(|| {
        let metrics = service.probe("/metrics").body;
        metrics.contains(full) && (0..SEATS / WAITS).all(|number| metrics.contains(&heard(number)))
    });
    let refused = raw(service.tcp(), b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("connection"), Some("close"));
    assert_eq!(
        raw(service.unix(), b"").status,
        503,
        "there is one room for all"
    );
    assert_eq!(service.operator("/livez").status, 200);
    assert_eq!(service.probe("/readyz").status, 200);

    // With a seat that is free again there is room again.
    drop(seated.pop());
    until(|| !service.probe("/metrics").body.contains(full));
    let id = service.get("/v1/token/local").expect(200)["token_id"].clone();
    // Everybody else was left alone, and gets what was waited for.
    let key = format!("Bearer {KEY}");
    let headers = [
        ("Authorization", &*key),
        ("Content-Type", "application/json"),
    ];
    let body = serde_json::json!({ "token_id": id }).to_string();
    let rejected = service.request("POST", "/v1/token/local/reject", &headers, &body);
    assert_eq!(rejected.expect(200)["rejected"], true);
    for stream in &mut seated {
        let mut line = [0; 15];
        stream.read_exact(&mut line).unwrap();
        assert_eq!(&line, b"HTTP/1.1 200 OK");
    }
}

/// An API that answers nothing keeps those waiting who asked it, and nobody else.
#[test]
fn one_request_to_the_api_too_many_is_turned_away() {
    allow_most(Resource::Nofile);
    let emulator = emulator().start().unwrap();
    let (waits, waiting) = told();
    let api = Upstream::raw(move |mut stream| {
        if head(&mut stream).starts_with("GET /slow ") {
            waits(());
            // Until it is hung up on.
            let _ = stream.read(&mut [0]);
        } else {
            stream.write_all(&answer("204 No Content", "", "")).unwrap();
        }
    });
    let service = crowd(Setup::to_api(&emulator, &api.url(), ""), 2).start();
    let at_api = |number, path| ask(&service, &key(number), &format!("/proxy/local{path}"), "");
    let mut waiters: Vec<_> = (0..PROXIED).map(|_| at_api(0, "/slow")).collect();
    waiting.iter().take(PROXIED).for_each(drop);
    let refused = "HTTP/1.1 429";
    assert_eq!(begun(&mut at_api(0, "/")), refused);
    assert_eq!(begun(&mut at_api(1, "/")), "HTTP/1.1 204");
    let path = "/v1/token/local";
    assert_eq!(begun(&mut ask(&service, &key(0), path, "")), "HTTP/1.1 200");

    // Whoever hangs up gives up the place.
    drop(waiters.pop());
    until(|| begun(&mut at_api(0, "/")) != refused);
}

/// Nothing has to happen before the service notices.
#[test]
fn a_reader_of_events_who_is_gone_has_no_place() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    let read = || ask(&service, KEY, "/v1/events", "");
    let mut readers: Vec<_> = (0..OWN_READERS).map(|_| read()).collect();
    for reader in &mut readers {
        assert_eq!(begun(reader), "HTTP/1.1 200");
    }
    let refused = "HTTP/1.1 429";
    assert_eq!(begun(&mut read()), refused);
    drop(readers);
    until(|| begun(&mut read()) != refused);
}

#[test]
fn one_reader_of_events_too_many_is_turned_away() {
    let emulator = emulator().start().unwrap();
    let service = crowd(Setup::new(&emulator), READERS / OWN_READERS).start();
    let mut readers: Vec<_> = (0..READERS)
        .map(|number| ask(&service, &key(number / OWN_READERS), "/v1/events", ""))
        .collect();
    for reader in &mut readers {
        assert_eq!(begun(reader), "HTTP/1.1 200");
    }
    assert_eq!(
        begun(&mut ask(&service, KEY, "/v1/events", "")),
        "HTTP/1.1 503"
    );
    service.get("/v1/token/local").expect(200);
}
