//! Local callers who are not meant, or mean no good: each with its one outcome, in raw
//! bytes.

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};

use crate::harness::{KEY, Reply, Service, Setup, emulator, raw};

/// `head` (without its last empty line) on TCP; `KEY` stands for the right key.
fn ask(service: &Service, head: &str, body: &str) -> Reply {
    let head = head.replace("KEY", KEY).replace('\n', "\r\n");
    raw(
        service.tcp(),
        format!("{head}\r\nConnection: close\r\n\r\n{body}").as_bytes(),
    )
}

const GOOD: &str = "GET /v1/token/local HTTP/1.1\nHost: localhost\nAuthorization: Bearer KEY\n\
    Prove-Token-Request: true";

/// What comes of a change to the good request, which replaces its first text by the second.
const REFUSED: &[(u16, (&str, &str))] = &[
    (421, ("Host: localhost", "Host: evil.example")),
    (421, ("Host: localhost", "Host: localhost.evil.example")),
    (421, ("Host: localhost", "Host: 127.0.0.1.evil.example")),
    (421, ("Host: localhost", "Host: 0.0.0.0")),
    (400, ("Host: localhost\n", "")),
    (400, ("Host: localhost", "Host: localhost\nHost: localhost")),
    (400, ("Host: localhost", "Host: a@localhost")),
    (400, ("Host: localhost", "Host: ")),
    (
        400,
        (
            "/v1/token/local HTTP",
            "http://evil.example/v1/token/local HTTP",
        ),
    ),
    (403, ("Prove", "Origin: http://localhost:3000\nProve")),
    (403, ("Prove", "Origin: null\nProve")),
    (403, ("Prove", "Sec-Fetch-Site: cross-site\nProve")),
    (403, ("Prove", "Sec-Fetch-Site: same-site\nProve")),
    (
        403,
        (
            "Prove",
            "Sec-Fetch-Site: none\nSec-Fetch-Site: cross-site\nProve",
        ),
    ),
    (400, ("Prove", "Forwarded: for=1.2.3.4\nProve")),
    (400, ("Prove", "X-Forwarded-For: 1.2.3.4\nProve")),
    (400, ("Prove", "X-Forwarded-Host: localhost\nProve")),
    (400, ("Prove", "X-Forwarded-Proto: https\nProve")),
    (400, ("Prove", "X-Real-IP: 1.2.3.4\nProve")),
    (400, ("Prove", "X_Forwarded_For: 1.2.3.4\nProve")),
    (400, ("Prove", "Prove_Token_Request: true\nProve")),
    (400, ("Prove", "Host_: localhost\nProve")),
    (400, ("Authorization:", "Authorization_:")),
    (400, ("Prove-Token-Request: true", "Accept: */*")),
    (
        400,
        ("Prove-Token-Request: true", "Prove-Token-Request: false"),
    ),
    (401, ("Authorization: Bearer KEY\n", "")),
    (401, ("local HTTP", "local?key=KEY HTTP")),
    (401, ("Bearer KEY", "Bearer KEY, Bearer KEY")),
    (405, ("GET", "PUT")),
    (405, ("GET", "OPTIONS")),
    (400, ("local HTTP", "local?min_validity=soon HTTP")),
    (
        400,
        ("local HTTP", "local?min_validity=1&min_validity=2 HTTP"),
    ),
    (400, ("local HTTP", "local?nonsense=1 HTTP")),
    (400, ("local HTTP", "local?force=maybe HTTP")),
    (404, ("/v1/token/local", "/v1/token/local/")),
    (404, ("/v1/token/local", "/v1/token/../token/local")),
    (404, ("/v1/token/local", "//v1/token/local")),
    (404, ("/v1/token/local", "/v1/token/%2e%2e/local")),
    (404, ("/v1/token/local", "/v1/token/local%00")),
    (404, ("/v1/token/local", "/v1/token/local;x")),
    (404, ("/v1/token/local", "/v1;x/token/local")),
    (404, ("/v1/token/local", "/v1/token/%c0%ae%c0%ae/local")),
    (404, ("/v1/token/local", "/v1/token%2flocal")),
    (404, ("/v1/token/local", "/v1/token%c0%aflocal")),
    (404, ("/v1/token/local", "/v1\\token\\local")),
    (404, ("/v1/token/local", "/metrics")),
    (404, ("/v1/token/local", "/")),
];

#[test]
fn what_no_request_may_be() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    assert_eq!(ask(&service, GOOD, "").status, 200);
    for &(status, change) in REFUSED {
        let mut head = GOOD.replace(change.0, change.1);
        if status == 401 && change.1.contains("key=") {
            head = head.replace("Authorization: Bearer KEY\n", "");
        }
        let reply = ask(&service, &head, "");
        assert_eq!(reply.status, status, "{change:?}: {reply:?}");
        assert!(!reply.body.contains("eyJ"), "{change:?}: {reply:?}");
        for (name, _) in &reply.headers {
            assert!(!name.starts_with("access-control"), "{change:?}: {reply:?}");
        }
    }
    assert_eq!(ask(&service, GOOD, "").status, 200);
    assert_eq!(emulator.token_requests(), 1);
}

/// A browser asks first, and gets no permission for any path.
#[test]
fn no_page_is_let_in_by_a_preflight() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    for path in [
        "/v1/token/local",
        "/token",
        "/proxy/local/x",
        "/v1/events",
        "/nothing",
    ] {
        for site in ["Origin: https://evil.example", "Sec-Fetch-Site: cross-site"] {
            let head = format!(
                "OPTIONS {path} HTTP/1.1\nHost: localhost\n{site}\n\
                 Access-Control-Request-Method: GET\n\
                 Access-Control-Request-Headers: authorization, prove-token-request"
            );
            let reply = ask(&service, &head, "");
            assert_eq!(reply.status, 403, "{path}: {reply:?}");
            let allows = |(name, _): &(String, String)| name.starts_with("access-control");
            assert!(!reply.headers.iter().any(allows), "{path}: {reply:?}");
        }
    }
}

/// Whoever does not say that a request is meant gets nothing of ours.
#[test]
fn nothing_is_told_to_a_request_that_nobody_means() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    for (method, path) in [
        ("GET", "/v1/token/local"),
        ("GET", "/v1/headers/local"),
        ("POST", "/v1/token/local/reject"),
        ("GET", "/v1/profiles"),
        ("GET", "/v1/profiles/local"),
        ("GET", "/v1/events"),
    ] {
        let head = format!(
            "{method} {path} HTTP/1.1\nHost: localhost\nAuthorization: Bearer KEY\n\
             Connection: close"
        );
        let reply = ask(&service, &head, "");
        let body = reply.expect(400);
        let why = body["error_description"].as_str().unwrap();
        assert!(why.contains("Prove-Token-Request: true"), "{path}: {body}");
    }
}

/// Overlong UTF-8 as bytes: no server agrees with another about what they mean.
#[test]
fn a_path_of_other_bytes_is_refused() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    let good = GOOD.replace("/v1/token/local", "/proxy/local/local");
    for bytes in [
        &b"\xc0\xae\xc0\xae"[..],
        b"\xc0\xaf",
        b"\xff",
        "ü".as_bytes(),
    ] {
        let (before, after) = good.split_once("local HTTP").unwrap();
        let after = after.replace("KEY", KEY).replace('\n', "\r\n");
        let request = [
            before.as_bytes(),
            bytes,
            b" HTTP",
            after.as_bytes(),
            b"\r\nConnection: close\r\n\r\n",
        ];
        let reply = raw(service.tcp(), &request.concat());
        assert_eq!(reply.status, 400, "{bytes:?}: {reply:?}");
    }
}

#[test]
fn a_form_of_a_web_page_does_nothing() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    let post = |content_type: &str, body: &str| {
        let head = format!(
            "POST /v1/token/local/reject HTTP/1.1\nHost: localhost\nAuthorization: Bearer KEY\n\
             Prove-Token-Request: true\nContent-Type: {content_type}\nContent-Length: {}",
            body.len()
        );
        ask(&service, &head, body)
    };
    let id = service.get("/v1/token/local").json()["token_id"].clone();
    let body = serde_json::json!({ "token_id": id }).to_string();
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        assert_eq!(post(content_type, &body).status, 415, "{content_type}");
    }
    let get = GOOD.replace("/v1/token/local", "/v1/token/local/reject");
    assert_eq!(ask(&service, &get, "").status, 405);
    assert_eq!(post("application/json", "{").status, 400);
    assert_eq!(post("application/json", "{\"token\":1}").status, 400);
    assert_eq!(post("application/json", &"x".repeat(5000)).status, 413);
    let stale = post("application/json", "{\"token_id\":\"00\"}").expect(200);
    assert_eq!(stale["rejected"], false);
    assert_eq!(service.get("/v1/token/local").json()["token_id"], id);
    let current = post("application/json; charset=utf-8", &body).expect(200);
    assert_eq!(current["rejected"], true);
    assert_ne!(service.get("/v1/token/local").json()["token_id"], id);
    assert_eq!(emulator.token_requests(), 2);
}

#[test]
fn a_socket_is_its_owners_and_nobody_elses_file_is_touched() {
    let emulator = emulator().start().unwrap();
    let owner = || {
        let setup = Setup::new(&emulator).without_service();
        let socket = setup.socket();
        setup.service(&format!("listen = [\"unix:{}\"]\n", socket.display()))
    };
    let service = owner().start();
    let socket = service.setup.socket();
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let request = GOOD
        .replace("Authorization: Bearer KEY\n", "")
        .replace('\n', "\r\n");
    let request = format!("{request}\r\nConnection: close\r\n\r\n");
    raw(service.unix(), request.as_bytes()).expect(200);
    // Another one does not take its place.
    let second = service.setup.command().output().unwrap();
    assert_eq!(second.status.code(), Some(3));
    let words = String::from_utf8(second.stderr).unwrap();
    assert!(words.contains("cannot listen on unix:"), "{words}");
    raw(service.unix(), request.as_bytes()).expect(200);
    drop(service);

    // A stale one is replaced; what is no socket stays.
    let stale = owner();
    drop(std::os::unix::net::UnixListener::bind(stale.socket()).unwrap());
    raw(stale.start().unix(), request.as_bytes()).expect(200);
    for make in [
        (|path| std::fs::write(path, "mine").unwrap()) as fn(&std::path::Path),
        |path| std::fs::create_dir(path).unwrap(),
        |path| symlink("/nowhere/else", path).unwrap(),
    ] {
        let setup = owner();
        make(&setup.socket());
        let refused = setup.command().output().unwrap();
        assert_eq!(refused.status.code(), Some(3), "{refused:?}");
        let kind = std::fs::symlink_metadata(setup.socket())
            .unwrap()
            .file_type();
        assert!(!kind.is_socket());
    }
}
