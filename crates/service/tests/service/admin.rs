//! What operators and probes see, and who may see it.

use std::net::TcpStream;

use prove_token_emulator::Fault;

use crate::harness::{Service, Setup, assert_no_token, emulator, raw, until};

fn ask(port: u16, head: &str) -> crate::harness::Reply {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = head.replace('\n', "\r\n");
    raw(
        stream,
        format!("{head}\r\nConnection: close\r\n\r\n").as_bytes(),
    )
}

/// A service with a token of `local`, and none of `other`.
fn half_ready() -> (
    prove_token_emulator::Emulator,
    prove_token_emulator::Emulator,
    Service,
) {
    let (good, bad) = (emulator().start().unwrap(), emulator());
    let bad = bad.fault(Fault::status(503).times(0)).start().unwrap();
    let service = Setup::new(&good).profile("other", &bad).watched().start();
    until(|| service.probe("/startupz").status == 200);
    (good, bad, service)
}

#[test]
fn readiness_is_that_of_every_profile_or_of_one() {
    let (_good, bad, service) = half_ready();
    assert_eq!(service.probe("/livez").status, 200);
    let all = service.probe("/readyz").expect(503);
    assert_eq!(all["ready"], false);
    let [local, other] = &all["profiles"].as_array().unwrap()[..] else {
        panic!("{all}");
    };
    assert_eq!(
        (&local["profile"], &local["ready"]),
        (&"local".into(), &true.into())
    );
    assert!(local["expires_in"].as_u64().unwrap() > 3500, "{local}");
    assert_eq!(other["ready"], false);
    assert_eq!(other["failure"]["error"], "unavailable");
    assert_eq!(service.probe("/readyz?profile=local").status, 200);
    assert_eq!(service.operator("/readyz?profile=other").status, 503);
    assert_eq!(service.probe("/readyz?profile=none").status, 404);
    assert_eq!(service.probe("/readyz?profil=local").status, 400);

    bad.clear_faults();
    until(|| service.probe("/readyz").status == 200);
    let all = service.operator("/readyz").expect(200);
    assert_eq!(all["profiles"][1]["failure"], serde_json::Value::Null);
}

#[test]
fn probes_may_look_at_little_and_change_nothing() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).watched().start();
    let health = service.health.unwrap();
    for path in [
        "/",
        "/state",
        "/openapi.json",
        "/dashboard.js",
        "/v1/token/local",
        "/admin",
    ] {
        assert_eq!(service.probe(path).status, 404, "{path}");
    }
    for method in ["POST", "PUT", "HEAD", "OPTIONS", "DELETE"] {
        let reply = ask(health, &format!("{method} /livez HTTP/1.1\nHost: x"));
        assert_eq!(reply.status, 405, "{method}");
        assert_eq!(reply.header("allow"), Some("GET"));
    }
    // As a cluster asks.
    assert_eq!(
        ask(health, "GET /livez HTTP/1.1\nHost: 10.0.0.7:7880").status,
        200
    );
    assert_eq!(ask(health, "GET /livez HTTP/1.0").status, 200);
}

#[test]
fn the_admin_listener_is_for_this_machine_and_not_for_web_pages() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).watched().start();
    let admin = service.admin.unwrap();
    for (status, head) in [
        (200, "GET /state HTTP/1.1\nHost: localhost:7879"),
        (200, "GET / HTTP/1.1\nHost: localhost\nSec-Fetch-Site: none"),
        (
            200,
            "GET / HTTP/1.1\nHost: localhost\nSec-Fetch-Site: same-origin",
        ),
        (
            403,
            "GET / HTTP/1.1\nHost: localhost\nSec-Fetch-Site: cross-site",
        ),
        (
            403,
            "GET /state HTTP/1.1\nHost: localhost\nOrigin: http://localhost",
        ),
        (421, "GET /state HTTP/1.1\nHost: rebound.example"),
        (400, "GET /state HTTP/1.1"),
        (
            400,
            "GET /state HTTP/1.1\nHost: localhost\nX-Forwarded-For: 1.2.3.4",
        ),
        (404, "GET /v1/token/local HTTP/1.1\nHost: localhost"),
        (404, "GET //state HTTP/1.1\nHost: localhost"),
        (
            405,
            "POST /state HTTP/1.1\nHost: localhost\nContent-Length: 0",
        ),
        (405, "DELETE / HTTP/1.1\nHost: localhost"),
    ] {
        assert_eq!(ask(admin, head).status, status, "{head}");
    }
}

#[test]
fn the_dashboard_is_its_own_and_shows_no_token() {
    let (_good, _bad, service) = half_ready();
    service.get("/v1/token/local").expect(200);
    let page = service.operator("/");
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    for word in [
        "local",
        "other",
        "billing",
        "<progress",
        "503",
        "/v1/token/{profile}",
    ] {
        assert!(page.body.contains(word), "{word}: {}", page.body);
    }
    // What the policy forbids is not tried.
    for inline in ["style=", "onclick", "<style", "<script>"] {
        assert!(!page.body.contains(inline), "{inline}");
    }
    for (path, content_type) in [
        ("/dashboard.js", "text/javascript; charset=utf-8"),
        ("/dashboard.css", "text/css; charset=utf-8"),
    ] {
        assert!(page.body.contains(&path[1..]), "{path}");
        assert_eq!(
            service.operator(path).header("content-type"),
            Some(content_type)
        );
    }
    let state = service.operator("/state").expect(200);
    assert_eq!(state["callers"][0]["caller"], "billing");
    assert_eq!(state["callers"][0]["requests"], 1);
    assert_eq!(state["profiles"][1]["failure"]["error"], "unavailable");
    let (code, said) = service.stop();
    assert_eq!(code, Some(0));
    assert_no_token(&said);
}

/// A server's words are the one thing there that nobody here has chosen.
#[test]
fn what_a_server_says_is_text_on_the_dashboard() {
    let markup = r#"<script src="//evil.example"></script>"'&<img onerror=alert(1)>"#;
    let refused = serde_json::json!({ "error": "invalid_request", "error_description": markup });
    let fault = Fault::status(400).json(&refused).times(0);
    let emulator = emulator().fault(fault).start().unwrap();
    let service = Setup::new(&emulator).watched().start();
    let page = service.until("the failure", |service| {
        let page = service.operator("/").body;
        page.contains("evil.example").then_some(page)
    });
    assert!(
        page.contains("&lt;script src=&quot;//evil.example"),
        "{page}"
    );
    assert!(
        !page.contains("<script src=\"//") && !page.contains("<img"),
        "{page}"
    );
    assert!(
        page.contains("&quot;'&amp;") || page.contains("&quot;&#39;&amp;"),
        "{page}"
    );
    let state = service.operator("/state").expect(200).to_string();
    assert!(state.contains("evil.example"), "{state}");
}

#[test]
fn the_listeners_have_seats_of_their_own() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).watched().start();
    let connect = |port: u16| TcpStream::connect(("127.0.0.1", port)).unwrap();
    let callers: Vec<_> = (0..100).map(|_| service.tcp()).collect();
    let idle: Vec<_> = (0..80).map(|_| connect(service.admin.unwrap())).collect();
    let has = |line: &str| service.probe("/metrics").body.contains(line);
    until(|| has("prove_token_connections{listener=\"data\"} 100\n"));
    until(|| has("prove_token_connections{listener=\"admin\"} 64\n"));
    until(|| has("prove_token_connections_given_up_total{listener=\"admin\"} 16\n"));
    until(|| has("prove_token_connections{listener=\"health\"} 1\n"));
    assert_eq!(service.operator("/livez").status, 200);
    service.get("/v1/token/local").expect(200);
    drop((callers, idle));
}

#[test]
fn the_admin_socket_is_its_owners() {
    use std::os::unix::fs::PermissionsExt as _;
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator);
    let socket = setup.home.path().join("admin.sock");
    let text = format!("admin_listen = \"unix:{}\"\n", socket.display());
    let service = setup.service_first(&text).start();
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let stream = std::os::unix::net::UnixStream::connect(&socket).unwrap();
    let request = b"GET /livez HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n";
    raw(stream, request).expect(200);
    let (code, _) = service.stop();
    assert_eq!(code, Some(0));
    assert!(!socket.exists());
}

#[test]
fn an_operator_has_the_configuration_read_anew() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).watched().start();
    let admin = service.admin.unwrap();
    let reload = |headers: &str| {
        let head = "POST /admin/reload HTTP/1.1\nHost: localhost\nContent-Length: 0";
        ask(admin, &format!("{head}{headers}"))
    };
    let count = |outcome: &str| {
        let text = service.operator("/metrics").body;
        let series = format!("prove_token_reloads_total{{outcome=\"{outcome}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&series));
        line.map(|count| count.parse::<u32>().unwrap())
    };
    for headers in [
        "",
        "\nProve-Token-Request: yes",
        "\nContent-Type: application/x-www-form-urlencoded",
    ] {
        reload(headers).expect(400);
    }
    reload("\nProve-Token-Request: true\nOrigin: http://localhost").expect(403);
    assert_eq!(service.operator("/admin/reload").status, 405);
    assert_eq!(service.probe("/admin/reload").status, 404);
    assert_eq!((count("ok"), count("failed")), (Some(0), Some(0)));

    let good = reload("\nProve-Token-Request: true").expect(200);
    assert!(good["changes"].is_array(), "{good}");
    assert!(count("ok") >= Some(1));

    std::fs::write(
        service.home().join("config.toml"),
        "version = 1\n[servce]\n",
    )
    .unwrap();
    let bad = reload("\nProve-Token-Request: true").expect(409);
    assert_eq!(bad["error"], "configuration");
    assert!(count("failed") >= Some(1));
    service.get("/v1/token/local").expect(200);
}
