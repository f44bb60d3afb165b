//! The proxy and tokens that the API does not take: which requests are sent once more,
//! and how many tokens that costs.

use std::io::Write as _;
use std::sync::Arc;
use std::thread;

use prove_token_emulator::Fault;

use crate::harness::{KEY, Reply, Service, Setup, emulator, raw};
use crate::upstream::{Seen, Upstream, answer, head};

const REJECTED: &str = "401 Unauthorized";

fn request(method: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = match headers.contains("chunked") {
        true => String::new(),
        false => format!("Content-Length: {}\r\n", body.len()),
    };
    let head = format!(
        "{method} /proxy/local/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Authorization: Bearer {KEY}\r\n{length}{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn send(service: &Service, method: &str, headers: &str, body: &[u8]) -> Reply {
    raw(service.tcp(), &request(method, headers, body))
}

/// An API that does not take the first token it sees.
fn rejecting(challenge: &'static str) -> Upstream {
    let first = std::sync::OnceLock::new();
    Upstream::start(move |_, seen| {
        let token = seen.one("authorization").to_owned();
        match *first.get_or_init(|| token.clone()) == token {
            true => answer(REJECTED, challenge, r#"{"code":8002}"#),
            false => answer("200 OK", "", "fine"),
        }
    })
}

fn tokens(seen: &[Seen]) -> Vec<&str> {
    let mut tokens: Vec<_> = seen.iter().map(|seen| seen.one("authorization")).collect();
    tokens.dedup();
    tokens
}

#[test]
fn a_request_whose_token_is_rejected_is_sent_once_more() {
    let large = vec![b'x'; 64 * 1024];
    for (method, headers, body) in [
        ("GET", "", &b""[..]),
        ("POST", "", b"hello"),
        ("POST", "", &large),
        (
            "PUT",
            "Transfer-Encoding: chunked\r\n",
            b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        ),
    ] {
        let emulator = emulator().start().unwrap();
        let api = rejecting("");
        let service = Setup::to_api(&emulator, &api.url(), "").start();
        assert_eq!(send(&service, method, headers, body).status, 200);
        let seen = api.seen();
        assert_eq!((seen.len(), tokens(&seen).len()), (2, 2));
        assert_eq!(seen[0].body, seen[1].body, "the whole body, twice");
        assert_eq!(emulator.token_requests(), 2);
    }
}

#[test]
fn a_long_body_passes_once_and_the_next_request_has_a_new_token() {
    let long = vec![b'x'; 64 * 1024 + 1];
    let chunked = [b"10001\r\n", &long[..], b"\r\n0\r\n\r\n"].concat();
    for (headers, body) in [("", &long), ("Transfer-Encoding: chunked\r\n", &chunked)] {
        let emulator = emulator().start().unwrap();
        let api = rejecting("");
        let service = Setup::to_api(&emulator, &api.url(), "").start();
        let rejected = send(&service, "POST", headers, body);
        assert_eq!(
            (rejected.status, rejected.header("proxy-status")),
            (401, None)
        );
        assert_eq!(api.only().body.len(), long.len());
        assert_eq!(send(&service, "POST", headers, body).status, 200);
        assert_eq!(emulator.token_requests(), 2);
    }
}

#[test]
fn another_challenge_is_no_rejection_and_a_second_one_is_final() {
    let emulator = emulator().start().unwrap();
    let scope = "WWW-Authenticate: Bearer error=\"insufficient_scope\"\r\n";
    let api = Upstream::start(move |_, _| answer(REJECTED, scope, ""));
    let service = Setup::to_api(&emulator, &api.url(), "").start();
    let refused = send(&service, "GET", "", b"");
    assert_eq!(refused.status, 401);
    assert!(
        refused
            .header("www-authenticate")
            .unwrap()
            .contains("insufficient_scope")
    );
    assert_eq!((api.seen().len(), emulator.token_requests()), (1, 1));

    let api = Upstream::start(|_, _| answer(REJECTED, "", "no"));
    let service = Setup::to_api(&emulator, &api.url(), "").start();
    let refused = send(&service, "GET", "", b"");
    assert_eq!((refused.status, &*refused.body), (401, "no"));
    assert_eq!(api.seen().len(), 2);
}

#[test]
fn a_storm_of_401s_is_one_renewal() {
    let emulator = emulator().rate_limit(0).start().unwrap();
    let service = Setup::new(&emulator).start();
    let one = |service: &Service| {
        let body = br#"{"flowType":"desktop","phoneNumber":"2001001695"}"#;
        let path = "Content-Type: application/json\r\n";
        let request = request("POST", path, body);
        let text = String::from_utf8(request).unwrap();
        raw(
            service.tcp(),
            text.replace("/local/x", "/local/v3/start").as_bytes(),
        )
        .status
    };
    assert_eq!(one(&service), 200);
    assert_eq!(emulator.token_requests(), 1);
    emulator.revoke_all_tokens();
    // The renewal is slow enough for all to meet at it.
    emulator.inject(Fault::default().delay(std::time::Duration::from_millis(200)));
    let service = Arc::new(service);
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let service = Arc::clone(&service);
            thread::spawn(move || (0..20).map(|_| one(&service)).collect::<Vec<_>>())
        })
        .collect();
    let statuses: Vec<_> = callers
        .into_iter()
        .flat_map(|caller| caller.join().unwrap())
        .collect();
    assert_eq!(statuses.len(), 1000);
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(emulator.token_requests(), 2, "one renewal");
}

#[test]
fn without_another_token_the_caller_is_not_blamed() {
    // The first request gets its token, and no renewal succeeds.
    let fault = Fault::status(400)
        .skip(1)
        .times(9)
        .json(&serde_json::json!({"error": "invalid_scope"}));
    let emulator = emulator().fault(fault).start().unwrap();
    let api = rejecting("");
    let service = Setup::to_api(&emulator, &api.url(), "").start();
    let refused = send(&service, "GET", "", b"");
    assert_eq!(refused.expect(502)["error"], "request_rejected");
    assert_eq!(
        refused.header("proxy-status"),
        Some("prove-token; error=proxy_internal_error")
    );
}

/// The API closes connections just as they are used again.
#[test]
fn what_the_api_hung_up_on_is_sent_again_where_that_is_safe() {
    let hangs_up = || {
        let count = std::sync::Mutex::new(0);
        Upstream::raw(move |mut stream| {
            let number = {
                let mut count = count.lock().unwrap();
                *count += 1;
                *count
            };
            let head = head(&mut stream);
            if number > 1 || head.starts_with("POST /good") {
                stream
                    .write_all(&answer("200 OK", "Connection: close\r\n", "fine"))
                    .unwrap();
            }
        })
    };
    let emulator = emulator().start().unwrap();
    let api = hangs_up();
    let service = Setup::to_api(&emulator, &api.url(), "").start();
    assert_eq!(send(&service, "GET", "", b"").status, 200);
    assert_eq!(api.connections(), 2);

    let api = hangs_up();
    let service = Setup::to_api(&emulator, &api.url(), "").start();
    let refused = send(&service, "POST", "", b"");
    assert_eq!(refused.expect(502)["error"], "unavailable");
    assert_eq!(
        refused.header("proxy-status"),
        Some("prove-token; error=connection_terminated")
    );
    assert_eq!(api.connections(), 1);
}
