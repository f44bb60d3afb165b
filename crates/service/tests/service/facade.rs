//! The façade: RFC 6749 for programs that know nothing of the service.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::harness::{KEY, Reply, Service, Setup, emulator};

const GOOD: &str = "grant_type=client_credentials&client_id=billing&client_secret=KEY";

fn post(service: &Service, path: &str, headers: &[(&str, &str)], form: &str) -> Reply {
    let form = form.replace("KEY", KEY);
    let form_type = ("Content-Type", "application/x-www-form-urlencoded");
    service.request("POST", path, &[&[form_type][..], headers].concat(), &form)
}

fn basic() -> String {
    format!("Basic {}", STANDARD.encode(format!("billing:{KEY}")))
}

#[test]
fn a_caller_gets_the_kept_token_by_its_name_and_key() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    for path in ["/token", "/oauth2/local/token"] {
        let granted = post(&service, path, &[], GOOD);
        let body = granted.expect(200);
        assert_eq!(body["token_type"], "Bearer");
        assert!(body["expires_in"].as_u64().unwrap() > 60);
        assert_eq!(granted.header("cache-control"), Some("no-store"));
        assert_eq!(granted.header("pragma"), Some("no-cache"));
    }
    let by_header = [("Authorization", &*basic())];
    post(
        &service,
        "/token",
        &by_header,
        "grant_type=client_credentials",
    )
    .expect(200);
    assert_eq!(emulator.token_requests(), 1);
}

/// RFC 6749 §5.1: it is required where it is another than was asked for.
#[test]
fn the_scope_of_the_token_is_told() {
    let emulator = emulator().start().unwrap();
    let lines = "scope = [\"read\", \"write\"]\n";
    let service = Setup::to_api(&emulator, "", lines).start();
    for asked in ["", "&scope=read", "&scope=write+read"] {
        let granted = post(&service, "/token", &[], &format!("{GOOD}{asked}"));
        assert_eq!(granted.expect(200)["scope"], "read write", "{asked}");
    }
    let service = Setup::new(&emulator).start();
    let granted = post(&service, "/token", &[], GOOD).expect(200);
    assert!(granted.get("scope").is_none(), "{granted}");
}

#[test]
fn what_is_wrong_is_said_in_the_words_of_rfc_6749() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).profile("other", &emulator).start();
    for (status, error, path, form) in [
        (
            400,
            "unsupported_grant_type",
            "/token",
            "grant_type=password&client_id=billing&client_secret=KEY",
        ),
        (
            400,
            "invalid_request",
            "/token",
            "client_id=billing&client_secret=KEY",
        ),
        (
            401,
            "invalid_client",
            "/token",
            "grant_type=client_credentials&client_id=other&client_secret=KEY",
        ),
        (
            401,
            "invalid_client",
            "/token",
            "grant_type=client_credentials&client_id=billing&client_secret=x",
        ),
        (
            401,
            "invalid_client",
            "/token",
            "grant_type=client_credentials",
        ),
        (
            401,
            "invalid_client",
            "/token",
            "grant_type=client_credentials&client_secret=KEY",
        ),
        (
            400,
            "invalid_request",
            "/token",
            &format!("grant_type=client_credentials&{GOOD}"),
        ),
        (
            400,
            "invalid_request",
            "/token",
            &format!("client_id=billing&{GOOD}"),
        ),
        (
            400,
            "invalid_scope",
            "/token",
            &format!("{GOOD}&scope=admin"),
        ),
        (404, "not_found", "/oauth2/other/token", GOOD),
        (404, "not_found", "/oauth2/none/token", GOOD),
    ] {
        let refused = post(&service, path, &[], form);
        assert_eq!(refused.expect(status)["error"], error, "{form}");
    }
    let twice = post(&service, "/token", &[("Authorization", &*basic())], GOOD);
    assert_eq!(twice.expect(400)["error"], "invalid_request");
    let json = [("Content-Type", "application/json")];
    let wrong_type = service.request("POST", "/token", &json, "{}");
    assert_eq!(wrong_type.expect(400)["error"], "invalid_request");
    assert_eq!(service.request("GET", "/token", &[], "").status, 405);
}

#[test]
fn whoever_is_not_known_and_whatever_is_not_theirs_look_alike() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).profile("other", &emulator).start();
    let ask = |path: &str, headers: &[(&str, &str)], form: &str| {
        let mut reply = post(&service, path, headers, form);
        let id = reply.header("x-request-id").unwrap().to_owned();
        reply.body = reply.body.replace(&id, "");
        // The last of these is as long as the id makes it.
        let its_own = ["date", "x-request-id", "content-length"];
        reply
            .headers
            .retain(|(name, _)| !its_own.contains(&&**name));
        format!("{reply:?}")
    };
    let grant = "grant_type=client_credentials";
    let unknown = ask("/token", &[], grant);
    assert!(unknown.starts_with("Reply { status: 401"), "{unknown}");
    let longer = format!("{GOOD}x");
    for (headers, form) in [
        (
            &[][..],
            "grant_type=client_credentials&client_id=billing&client_secret=x",
        ),
        (
            &[],
            "grant_type=client_credentials&client_id=nobody&client_secret=KEY",
        ),
        (&[], &longer),
        (&[("Authorization", "Basic eDp5")], grant),
        (&[("Authorization", "Basic x")], grant),
        (
            &[("Authorization", "Basic eDp5"), ("Authorization", &basic())],
            grant,
        ),
    ] {
        // Before any look at the profile.
        for path in ["/token", "/oauth2/other/token", "/oauth2/none/token"] {
            assert_eq!(ask(path, headers, form), unknown, "{path} {form}");
        }
    }
    let none = ask("/oauth2/none/token", &[], GOOD);
    assert!(none.starts_with("Reply { status: 404"), "{none}");
    assert_eq!(ask("/oauth2/other/token", &[], GOOD), none);
}

#[test]
fn a_body_of_a_mebibyte_is_not_read() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    let length = 1024 * 1024;
    let head = format!(
        "POST /token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n",
    );
    let mut stream = service.tcp();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&[b'x'; 65 * 1024]).unwrap();
    // The rest is not waited for.
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}
