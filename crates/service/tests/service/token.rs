//! The token API: who gets which token.

use prove_token_emulator::Fault;

use crate::harness::{KEY, Setup, emulator, raw};

#[test]
fn a_caller_gets_its_profiles_token_and_it_is_asked_for_once() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).profile("other", &emulator).start();
    let reply = service.get("/v1/token/local");
    let token = reply.expect(200);
    assert_eq!(token["token_type"], "Bearer");
    assert_eq!(token["profile"], "local");
    assert!(
        token["expires_in"].as_u64().unwrap() > 3590,
        "{}",
        token["expires_in"]
    );
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let id = token["token_id"].as_str().unwrap();
    assert_eq!(reply.header("etag"), Some(&*format!("\"{id}\"")));
    for _ in 0..10 {
        assert_eq!(
            service.get("/v1/token/local").json()["access_token"],
            token["access_token"]
        );
    }
    let headers = service.get("/v1/headers/local").expect(200);
    let expected = format!("Bearer {}", token["access_token"].as_str().unwrap());
    assert_eq!(headers["headers"]["Authorization"][0], *expected);
    let (code, said) = service.stop();
    assert_eq!(code, Some(0));
    assert!(!said.contains("eyJ"), "{said}");
}

#[test]
fn wrong_and_no_key_look_alike_and_so_do_unknown_and_foreign_profiles() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).profile("other", &emulator).start();
    let ask = |headers: &[(&str, &str)], path: &str| {
        let mut reply = service.request("GET", path, headers, "");
        let id = reply.header("x-request-id").unwrap().to_owned();
        reply.body = reply.body.replace(&id, "");
        reply
            .headers
            .retain(|(name, _)| !["date", "x-request-id"].contains(&&**name));
        reply
    };
    let (right, longer) = (format!("Bearer {KEY}"), format!("Bearer {KEY}x"));
    let none = ask(&[], "/v1/token/local");
    assert_eq!(none.status, 401);
    for headers in [
        &[("Authorization", "Bearer wrong")][..],
        &[("Authorization", &longer)],
        &[("Authorization", &right), ("Authorization", &right)],
        &[("Authorization", "Basic YmlsbGluZzp4")],
        &[("Authorization", "")],
    ] {
        let reply = ask(headers, "/v1/token/none");
        assert_eq!(format!("{reply:?}"), format!("{none:?}"), "{headers:?}");
    }
    let right = [("Authorization", &*right)];
    let unknown = ask(&right, "/v1/token/none");
    assert_eq!(unknown.status, 404);
    let foreign = ask(&right, "/v1/token/other");
    assert_eq!(format!("{foreign:?}"), format!("{unknown:?}"));
}

#[test]
fn the_kernel_says_who_calls_on_the_unix_socket() {
    let emulator = emulator().start().unwrap();
    let uid = rustix::process::geteuid().as_raw();
    let caller =
        |uid| format!("[[service.callers]]\nname = \"me\"\nuid = {uid}\nprofiles = [\"local\"]\n");
    let request = b"GET /v1/token/local HTTP/1.1\r\nHost: x\r\nConnection: close\r\nProve-Token-Request: true\r\n\r\n";
    let service = Setup::new(&emulator).service(&caller(uid)).start();
    raw(service.unix(), request).expect(200);
    let service = Setup::new(&emulator).service(&caller(uid + 1)).start();
    raw(service.unix(), request).expect(401);
}

#[test]
fn a_caller_in_a_loop_forces_one_renewal() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    let first = service.get("/v1/token/local").expect(200)["token_id"].clone();
    let forced = service.get("/v1/token/local?force=true").expect(200)["token_id"].clone();
    assert_ne!(first, forced);
    for path in [
        "/v1/token/local?force=true",
        "/v1/headers/local?force=true",
        "/v1/token/local?force=true",
    ] {
        service.get(path).expect(200);
    }
    let held = service.get("/v1/token/local").expect(200)["token_id"].clone();
    assert_eq!(held, forced);
    assert_eq!(emulator.token_requests(), 2);
}

#[test]
fn a_token_that_ended_meanwhile_is_not_confirmed() {
    let lifetime = std::time::Duration::from_secs(3);
    let emulator = emulator().lifetime(lifetime).start().unwrap();
    let service = Setup::new(&emulator).start();
    let known = service.get("/v1/token/local");
    emulator.inject(Fault::status(500).times(0));
    let key = format!("Bearer {KEY}");
    let headers = [
        ("Authorization", &*key),
        ("If-None-Match", known.header("etag").unwrap()),
    ];
    let late = service.request("GET", "/v1/token/local?wait=4", &headers, "");
    late.expect(503);
}

/// RFC 9110 §13.1.2: a list of tags, each of which may be marked as weak, or all there are.
#[test]
fn a_token_is_known_by_any_of_the_tags_that_are_sent() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    let known = service.get("/v1/token/local");
    let tag = known.header("etag").unwrap();
    let key = format!("Bearer {KEY}");
    let of = |values: &[String]| {
        let mut headers = vec![("Authorization", &*key)];
        headers.extend(values.iter().map(|value| ("If-None-Match", &**value)));
        service
            .request("GET", "/v1/token/local", &headers, "")
            .status
    };
    for values in [
        &[format!("W/{tag}")][..],
        &[format!("\"a,b\" , W/\"c\",{tag}")],
        &["\"a\"".to_owned(), tag.to_owned()],
        &["*".to_owned()],
    ] {
        assert_eq!(of(values), 304, "{values:?}");
    }
    let bare = tag.trim_matches('"');
    for value in [
        bare.to_owned(),
        format!("\"a, {bare}\""),
        "\"*\"".to_owned(),
        String::new(),
    ] {
        assert_eq!(of(std::slice::from_ref(&value)), 200, "{value}");
    }
}

#[test]
fn a_path_that_is_no_text_is_refused_as_all_else() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    for path in ["/v1/token/%ff", "/v1/headers/%c0%af", "/v1/profiles/%ff"] {
        let refused = service.get(path);
        assert_eq!(refused.expect(404)["error"], "not_found", "{path}");
        assert_eq!(refused.header("cache-control"), Some("no-store"));
    }
    let refused = service.request("POST", "/oauth2/%ff/token", &[], "");
    assert_eq!(refused.expect(400)["error"], "invalid_request");
}

#[test]
fn the_type_of_a_body_is_a_word_in_any_case() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    let key = format!("Bearer {KEY}");
    for (status, media_type) in [
        (200, "Application/JSON; charset=utf-8"),
        (415, "application/jsonp"),
    ] {
        let headers = [("Authorization", &*key), ("Content-Type", media_type)];
        let body = "{\"token_id\":\"x\"}";
        let reply = service.request("POST", "/v1/token/local/reject", &headers, body);
        assert_eq!(reply.status, status, "{media_type}");
    }
}
