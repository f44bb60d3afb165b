//! Secrets, keys and tokens, looked for in everything that the service says: to callers,
//! to operators, in its log and in its banner. Each answer is searched as it comes.

use crate::harness::{
    KEY, Reply, SECRET, Service, Setup, assert_no_secret, assert_no_token, emulator, raw,
};

/// A request with `PLACE` in it, which `word` takes.
fn send(service: &Service, request: &str, word: &str) -> Reply {
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let body = body.replace("PLACE", word);
    let head = head.replace("PLACE", word).replace("KEY", KEY);
    let head = head.replace('\n', "\r\n");
    let length = body.len();
    let request = format!("{head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    raw(service.tcp(), request.as_bytes())
}

/// Where people put what belongs elsewhere.
const WRONG_PLACES: [&str; 18] = [
    "GET /v1/token/PLACE HTTP/1.1\nHost: localhost\nProve-Token-Request: true\nAuthorization: Bearer KEY",
    "GET /v1/token/local HTTP/1.1\nHost: localhost\nProve-Token-Request: true\nAuthorization: Bearer xPLACE",
    "GET /v1/token/local HTTP/1.1\nHost: localhost\nProve-Token-Request: true\nAuthorization: PLACE",
    "GET /v1/token/local HTTP/1.1\nHost: localhost\nProve-Token-Request: PLACE\nAuthorization: Bearer KEY",
    "GET /v1/token/local?key=PLACE HTTP/1.1\nHost: localhost\nProve-Token-Request: true\nAuthorization: Bearer KEY",
    "GET /v1/token/local?min_validity=PLACE HTTP/1.1\nHost: localhost\nProve-Token-Request: true\nAuthorization: Bearer KEY",
    "GET /v1/token/local HTTP/1.1\nHost: PLACE\nProve-Token-Request: true\nAuthorization: Bearer KEY",
    "GET /PLACE HTTP/1.1\nHost: localhost\nProve-Token-Request: true\nAuthorization: Bearer KEY",
    "PLACE /v1/token/local HTTP/1.1\nHost: localhost\nProve-Token-Request: true\nAuthorization: Bearer KEY",
    "GET /v1/token/local HTTP/1.1\nHost: localhost\nX-Forwarded-For: PLACE\nAuthorization: Bearer KEY",
    "GET /v1/token/local HTTP/1.1\nHost: localhost\nOrigin: http://PLACE\nAuthorization: Bearer KEY",
    "GET /proxy/PLACE/x HTTP/1.1\nHost: localhost\nAuthorization: Bearer KEY",
    "GET /proxy/local/../PLACE HTTP/1.1\nHost: localhost\nAuthorization: Bearer KEY",
    "POST /token HTTP/1.1\nHost: localhost\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=PLACE&client_id=billing&client_secret=PLACE",
    "POST /token HTTP/1.1\nHost: localhost\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=PLACE&client_secret=x",
    "POST /token HTTP/1.1\nHost: localhost\nContent-Type: PLACE\n\nx",
    "POST /oauth2/PLACE/token HTTP/1.1\nHost: localhost\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id=billing&client_secret=x",
    "POST /v1/token/local/reject HTTP/1.1\nHost: localhost\nProve-Token-Request: true\nAuthorization: Bearer KEY\nContent-Type: application/json\n\n{\"PLACE\":1}",
];

#[test]
fn what_is_sent_in_the_wrong_place_is_repeated_nowhere() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).watched().args(&["-vv"]).start();
    let token = service.get("/v1/token/local").expect(200)["access_token"].clone();
    // Such characters as can be anywhere.
    let secret = SECRET.split(['+', ' ']).next().unwrap();
    for word in [KEY, secret, token.as_str().unwrap()] {
        for request in WRONG_PLACES {
            let refused = send(&service, request, word);
            assert!(
                (400..500).contains(&refused.status),
                "{request}: {refused:?}"
            );
            assert_no_token(&format!("{refused:?}"));
        }
    }
    assert_no_secret(&service.probe("/metrics").body);
    let (code, said) = service.stop();
    assert_eq!(code, Some(0));
    // The loudest there is, banner and farewell included.
    assert!(said.contains("TRACE") || said.contains("DEBUG"), "{said}");
    assert_no_token(&said);
}

#[test]
fn operators_and_probes_see_neither() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).watched().start();
    let token = service.get("/v1/token/local").expect(200);
    let shown = token["access_token"].as_str().unwrap();
    service.get(&format!("/v1/token/{shown}")).expect(404);
    emulator.inject(prove_token_emulator::Fault::status(401).body(format!("{shown} {SECRET}")));
    service.get("/v1/token/local?force=true");
    for path in [
        "/",
        "/state",
        "/metrics",
        "/openapi.json",
        "/dashboard.js",
        "/dashboard.css",
        "/livez",
        "/readyz",
        "/readyz?profile=local",
        "/startupz",
        "/admin/reload",
        "/nothing",
    ] {
        // Both look for themselves.
        service.operator(path);
        service.probe(path);
    }
    let reload = b"POST /admin/reload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
        Prove-Token-Request: true\r\nContent-Length: 0\r\n\r\n";
    let stream = std::net::TcpStream::connect(("127.0.0.1", service.admin.unwrap()));
    let reloaded = raw(stream.unwrap(), reload);
    assert_no_token(&reloaded.expect(200).to_string());
}
