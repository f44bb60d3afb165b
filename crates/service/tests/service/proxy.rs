//! The proxy: what goes to the API, what comes back, and who may.

use crate::harness::{KEY, Reply, Service, Setup, emulator, raw};
use crate::upstream::{Seen, Upstream, answer};

/// A service whose profile `local` has this API; more lines for its profile.
fn service(emulator: &prove_token_emulator::Emulator, api: &Upstream) -> Service {
    Setup::to_api(emulator, &api.url(), "").start()
}

/// `head` (without its last empty line) on TCP; `KEY` stands for the right key.
fn ask(service: &Service, head: &str, body: &str) -> Reply {
    let head = head.replace("KEY", KEY).replace('\n', "\r\n");
    let request = format!("{head}\r\nConnection: close\r\n\r\n{body}");
    raw(service.tcp(), request.as_bytes())
}

fn get(service: &Service, path: &str) -> Reply {
    let head = format!("GET {path} HTTP/1.1\nHost: localhost\nAuthorization: Bearer KEY");
    ask(service, &head, "")
}

#[test]
fn a_program_that_knows_a_base_url_alone_reaches_the_api() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    let body =
        r#"{"flowType":"desktop","phoneNumber":"2001001695","finalTargetUrl":"https://a.example"}"#;
    let head = format!(
        "POST /proxy/local/v3/start HTTP/1.1\nHost: localhost\nAuthorization: Bearer KEY\n\
         Content-Type: application/json\nContent-Length: {}",
        body.len()
    );
    let started = ask(&service, &head, body).expect(200);
    assert!(started["correlationId"].is_string(), "{started}");
    assert_eq!(emulator.token_requests(), 1);
}

#[test]
fn one_authorization_goes_up_and_it_is_not_the_callers() {
    let (emulator, api) = (emulator().start().unwrap(), Upstream::start(ok));
    let service = service(&emulator, &api);
    let head = "POST /proxy/local/v3/start?a=b%20c&d=//.. HTTP/1.1\nHost: LOCALHOST:1\n\
        authorization: bearer KEY\nConnection: X-Mine, authorization, host, content-length\n\
        X-Mine: 1\nKeep-Alive: timeout=5\nProxy-Authorization: Basic x\nTE: trailers\n\
        Prove-Token-Request: true\nUpgrade: h2c\nAccept-Encoding: gzip, br\nUser-Agent: mine/1\n\
        traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n\
        tracestate: a=b\nContent-Type: text/x-mine\nContent-Language: en\nContent-Length: 5";
    assert_eq!(ask(&service, head, "hello").status, 200);
    let seen = api.only();
    assert_eq!(seen.line, "POST /v3/start?a=b%20c&d=//.. HTTP/1.1");
    let authorization = seen.one("authorization");
    assert!(authorization.starts_with("Bearer eyJ"), "{authorization}");
    assert!(!format!("{seen:?}").contains("canary"));
    assert_eq!(seen.one("host"), format!("127.0.0.1:{}", api.port()));
    assert_eq!(seen.body, b"hello");
    let mut names: Vec<_> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let expected = [
        "accept-encoding",
        "authorization",
        "content-language",
        "content-length",
        "content-type",
        "host",
        "traceparent",
        "tracestate",
        "user-agent",
        "via",
    ];
    assert_eq!(names, expected);
    assert_eq!(seen.one("via"), "1.1 prove-token");
    assert_eq!(seen.one("accept-encoding"), "gzip, br");
    assert_eq!(seen.one("content-type"), "text/x-mine");
}

fn ok(_: usize, _: &Seen) -> Vec<u8> {
    answer("200 OK", "", "fine")
}

#[test]
fn the_answer_comes_back_as_it_is() {
    let emulator = emulator().start().unwrap();
    let api = Upstream::start(|_, seen| match seen.line.split(' ').nth(1) {
        Some("/moved") => answer(
            "307 Temporary Redirect",
            "Location: https://b.example/x\r\n",
            "",
        ),
        Some("/gone") => answer(
            "410 Gone",
            "X-A: 1\r\nX-A: 2\r\nSet-Cookie: a=b\r\n",
            "gone",
        ),
        Some("/zipped") => answer("200 OK", "Content-Encoding: gzip\r\n", "\u{1f}zipped"),
        Some("/hops") => answer(
            "200 OK",
            "Connection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=1\r\nX-Request-Id: theirs\r\n",
            "",
        ),
        Some("/echo") => {
            let token = seen.one("authorization");
            let names = ["Authorization", "X-Echo", "Location", "Set-Cookie"];
            let back = names.map(|name| format!("{name}: https://b.example/?t={token}\r\n"));
            answer("200 OK", &(back.concat() + "X-Mine: 1\r\n"), "")
        }
        Some("/teapot") => b"HTTP/1.1 418 Short And Stout\r\nTransfer-Encoding: chunked\r\n\
            Trailer: X-T\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n"
            .to_vec(),
        _ => answer("404 Not Found", "", ""),
    });
    let service = service(&emulator, &api);
    let moved = get(&service, "/proxy/local/moved");
    assert_eq!(moved.header("via"), Some("1.1 prove-token"));
    assert_eq!(
        (moved.status, moved.header("location")),
        (307, Some("https://b.example/x"))
    );
    let gone = get(&service, "/proxy/local/gone");
    let values = gone
        .headers
        .iter()
        .filter(|(name, _)| name == "x-a")
        .count();
    assert_eq!(
        (gone.status, values, gone.header("set-cookie"), &*gone.body),
        (410, 2, Some("a=b"), "gone")
    );
    assert!(gone.header("x-request-id").is_some() && gone.header("proxy-status").is_none());
    let zipped = get(&service, "/proxy/local/zipped");
    assert_eq!(
        (zipped.header("content-encoding"), &*zipped.body),
        (Some("gzip"), "\u{1f}zipped")
    );
    let hops = get(&service, "/proxy/local/hops");
    assert_eq!(
        (hops.header("x-hop"), hops.header("keep-alive")),
        (None, None)
    );
    assert_eq!(hops.header("x-request-id"), Some("theirs"));
    let echo = get(&service, "/proxy/local/echo");
    let names = ["authorization", "x-echo", "location", "set-cookie"];
    assert!(
        names.iter().all(|name| echo.header(name).is_none()),
        "{echo:?}"
    );
    assert_eq!(echo.header("x-mine"), Some("1"));
    let teapot = get(&service, "/proxy/local/teapot");
    assert_eq!(
        (teapot.status, &*teapot.body),
        (418, "3\r\nabc\r\n0\r\n\r\n")
    );
    assert_eq!(teapot.header("trailer"), None);
    assert_eq!(api.seen().len(), 6, "no redirect was followed");
}

#[test]
fn the_base_has_a_path_and_every_method_goes() {
    let (emulator, api) = (emulator().start().unwrap(), Upstream::start(ok));
    let base = format!("{}/api/v3/", api.url());
    let service = Setup::to_api(&emulator, &base, "").start();
    for (method, path, line) in [
        ("GET", "/proxy/local/start", "GET /api/v3/start HTTP/1.1"),
        ("DELETE", "/proxy/local/a/", "DELETE /api/v3/a/ HTTP/1.1"),
        ("OPTIONS", "/proxy/local", "OPTIONS /api/v3 HTTP/1.1"),
        ("PROPFIND", "/proxy/local?a", "PROPFIND /api/v3?a HTTP/1.1"),
    ] {
        let head = format!("{method} {path} HTTP/1.1\nHost: localhost\nAuthorization: Bearer KEY");
        assert_eq!(ask(&service, &head, "").status, 200);
        let seen = api.seen();
        assert_eq!(seen.last().unwrap().line, line);
    }
    let head = "HEAD /proxy/local/x HTTP/1.1\nHost: localhost\nAuthorization: Bearer KEY";
    let reply = ask(&service, head, "");
    assert_eq!(
        (reply.header("content-length"), &*reply.body),
        (Some("4"), "")
    );
}

#[test]
fn bodies_keep_their_framing_whatever_the_method() {
    let (emulator, api) = (emulator().start().unwrap(), Upstream::start(ok));
    let service = service(&emulator, &api);
    let chunked = "Transfer-Encoding: chunked";
    for (method, framing, body, length) in [
        ("GET", "Content-Length: 3", "abc", Some("3")),
        (
            "GET",
            chunked,
            "3\r\nabc\r\n0\r\nAuthorization: Bearer evil\r\n\r\n",
            None,
        ),
        ("POST", chunked, "3;x=y\r\nabc\r\n0\r\n\r\n", None),
        ("POST", "Content-Length: 0", "", Some("0")),
        (
            "DELETE",
            "Expect: 100-continue\nContent-Length: 3",
            "abc",
            Some("3"),
        ),
    ] {
        let head = format!(
            "{method} /proxy/local/x HTTP/1.1\nHost: localhost\nAuthorization: Bearer KEY\n{framing}"
        );
        let reply = ask(&service, &head, body);
        assert!(reply.status == 200 || reply.status == 100, "{reply:?}");
        let seen = api.seen();
        let seen = seen.last().unwrap();
        assert_eq!(
            seen.all("content-length").first().copied(),
            length,
            "{seen:?}"
        );
        assert_eq!(
            seen.all("transfer-encoding").len(),
            usize::from(length.is_none())
        );
        assert_eq!(
            (&*seen.body == b"abc", seen.all("expect").len()),
            (length != Some("0"), 0)
        );
        assert!(!format!("{seen:?}").contains("evil"));
    }
}

#[test]
fn who_is_not_known_learns_nothing() {
    let (emulator, api) = (emulator().start().unwrap(), Upstream::start(ok));
    let service = service(&emulator, &api);
    let mut answers = Vec::new();
    for authorization in [
        "X: y",
        "Authorization: Bearer wrong",
        "Authorization: Bearer ",
        "Authorization: Basic KEY",
        "Authorization: KEY",
        "Authorization: Bearer KEYx",
        "Authorization: Bearer KEY\nAuthorization: Bearer KEY",
        "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.x",
        "Authorization: Bearer ptb1~billing~~9999999999~AAAA",
    ] {
        for path in ["/proxy/local/x", "/proxy/none/x", "/proxy/local/../x"] {
            let head = format!("GET {path} HTTP/1.1\nHost: localhost\n{authorization}");
            let refused = ask(&service, &head, "");
            let mut body = refused.expect(401);
            body["request_id"].take();
            answers.push((body, refused.header("proxy-status").map(str::to_owned)));
        }
    }
    answers.dedup();
    let [(body, proxy_status)] = answers.as_slice() else {
        panic!("{answers:?}");
    };
    assert!(
        body["hint"]
            .as_str()
            .unwrap()
            .contains("hands_out = \"proxy\"")
    );
    assert_eq!(
        proxy_status.as_deref(),
        Some("prove-token; error=http_request_denied")
    );
    assert_eq!(api.connections(), 0);
}

#[test]
fn paths_that_can_be_read_in_two_ways_are_refused() {
    let (emulator, api) = (emulator().start().unwrap(), Upstream::start(ok));
    let service = service(&emulator, &api);
    for path in [
        "/proxy/local/../token",
        "/proxy/local/%2e%2e/token",
        "/proxy/local/a%2fb",
        "/proxy/local/a%5cb",
        "/proxy/local/a\\b",
        "/proxy/local/a%00",
        "/proxy/local//evil.example",
        "/proxy/local/%c0%ae%c0%ae/a",
        "/proxy/local/..;/a",
        "/proxy/local/@evil.example/",
        "/proxy/local@evil.example/",
        "/proxy/local:80/",
        "/proxy/local/%252e%252e/a",
        "/proxy/",
        "http://localhost/proxy/local/a",
        "/proxy/local/https://evil.example/",
    ] {
        let refused = get(&service, path);
        assert_eq!(refused.status, 400, "{path}: {refused:?}");
    }
    let suffix = ask(
        &service,
        "GET http://localhost.evil.example/proxy/local/a HTTP/1.1\nHost: localhost\n\
         Authorization: Bearer KEY",
        "",
    );
    assert_eq!(suffix.status, 400);
    for unknown in [
        "/proxy/other/a",
        "/proxy/local.evil.example/a",
        "/proxy/none",
    ] {
        assert_eq!(get(&service, unknown).expect(404)["error"], "not_found");
    }
    assert_eq!(api.connections(), 0);
}

#[test]
fn rules_say_which_requests_a_caller_may_make() {
    let (emulator, api) = (emulator().start().unwrap(), Upstream::start(ok));
    let rules = "allow = [{ methods = [\"POST\"], paths = [\"/v3/start\", \"/v3/identity/*\"] }, \
                 { methods = [\"GET\"] }]\n";
    let service = Setup::to_api(&emulator, &api.url(), "")
        .service(rules)
        .start();
    let status = |method: &str, rest: &str| {
        let head =
            format!("{method} /proxy/local{rest}\nHost: localhost\nAuthorization: Bearer KEY");
        ask(&service, &head, "")
    };
    for (method, path) in [
        ("POST", "/v3/start"),
        ("POST", "/v3/identity/a/b"),
        ("GET", "/any"),
    ] {
        assert_eq!(status(method, &format!("{path}?x HTTP/1.1")).status, 200);
    }
    for (method, path) in [
        ("POST", "/v3/validate"),
        ("DELETE", "/v3/identity/a"),
        ("POST", "/"),
    ] {
        let refused = status(method, &format!("{path} HTTP/1.1"));
        let hint = refused.expect(403)["hint"].as_str().unwrap().to_owned();
        let needed = format!("{{ methods = [\"{method}\"], paths = [\"{path}\"] }}");
        assert!(hint.contains(&needed) && hint.contains("billing"), "{hint}");
    }
    let override_method = status("POST", "/v3/start HTTP/1.1\nX-HTTP-Method-Override: DELETE");
    assert_eq!(override_method.status, 400);
    assert_eq!(api.seen().len(), 3);
}

#[test]
fn a_profile_without_an_api_says_so() {
    let emulator = emulator().start().unwrap();
    let service = Setup::to_api(&emulator, "", "").start();
    let refused = get(&service, "/proxy/local/v3/start").expect(404);
    assert!(refused["hint"].as_str().unwrap().contains("api_base"));
}

#[test]
fn what_would_leave_the_proxy_behind_is_refused() {
    let emulator = emulator().start().unwrap();
    let api = Upstream::start(|_, _| {
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n".to_vec()
    });
    let service = service(&emulator, &api);
    let asked = |method: &str, more: &str| {
        let head = format!(
            "{method} /proxy/local/x HTTP/1.1\nHost: localhost\nAuthorization: Bearer KEY{more}"
        );
        ask(&service, &head, "").status
    };
    assert_eq!(asked("GET", "\nUpgrade: websocket"), 501);
    assert_eq!(asked("TRACE", ""), 405);
    assert_eq!(api.connections(), 0);
    assert_eq!(asked("GET", ""), 502, "it changed unasked");
}

#[test]
fn on_the_unix_socket_the_peer_decides() {
    let (emulator, api) = (emulator().start().unwrap(), Upstream::start(ok));
    let setup = Setup::new(&emulator).without_service();
    let socket = setup.socket();
    let service = setup
        .profile_of("api", &emulator, &api.url(), "")
        .service(&format!("listen = [\"unix:{}\"]\n", socket.display()))
        .start();
    for header in [
        "",
        "Authorization: Bearer whatever\r\n",
        "Authorization: Basic YTpi\r\n",
    ] {
        let request = format!(
            "GET /proxy/api/v3/x HTTP/1.1\r\nHost: anything\r\nConnection: close\r\n{header}\r\n"
        );
        assert_eq!(
            raw(service.unix(), request.as_bytes()).status,
            200,
            "{header}"
        );
    }
    for seen in api.seen() {
        assert!(seen.one("authorization").starts_with("Bearer eyJ"));
    }
}
