//! What Prometheus reads: what happened, under names that are as many as the
//! configuration makes.

use prove_token_emulator::Fault;

use crate::harness::{Service, Setup, emulator, until};

/// The value of a series.
#[track_caller]
fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find(|line| {
        let rest = line.strip_prefix(series);
        rest.is_some_and(|rest| rest.starts_with(' '))
    });
    let line = line.unwrap_or_else(|| panic!("{series} in {text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

fn scrape(service: &Service) -> String {
    let reply = service.probe("/metrics");
    assert_eq!(reply.status, 200);
    let content_type = reply.header("content-type").unwrap();
    assert!(
        content_type.starts_with("application/openmetrics-text"),
        "{content_type}"
    );
    reply.body
}

/// The series without their values.
fn series(text: &str) -> Vec<&str> {
    let names = text.lines().filter(|line| !line.starts_with('#'));
    names.map(|line| line.rsplit_once(' ').unwrap().0).collect()
}

#[test]
fn what_happened_is_counted() {
    let emulator = emulator()
        .fault(Fault::status(503).times(1))
        .start()
        .unwrap();
    let service = Setup::new(&emulator).watched().start();
    service.get("/v1/token/local").expect(200);
    service
        .request("GET", "/v1/token/local", &[], "")
        .expect(401);
    service.get("/v1/token/none").expect(404);
    let text = scrape(&service);
    for (series, expected) in [
        (
            r#"prove_token_requests_total{route="/v1/token/{profile}",method="read",status="200"}"#,
            1.0,
        ),
        (
            r#"prove_token_requests_total{route="/v1/token/{profile}",method="read",status="401"}"#,
            1.0,
        ),
        (
            r#"prove_token_requests_total{route="/v1/token/{profile}",method="read",status="404"}"#,
            1.0,
        ),
        (r#"prove_token_refusals_total{reason="unauthorized"}"#, 1.0),
        (r#"prove_token_refusals_total{reason="not_found"}"#, 1.0),
        (
            r#"prove_token_caller_requests_total{caller="billing"}"#,
            2.0,
        ),
        (
            r#"prove_token_renewals_total{profile="local",outcome="ok"}"#,
            1.0,
        ),
        (
            r#"prove_token_upstream_attempts_total{profile="local",outcome="ok"}"#,
            1.0,
        ),
        (
            r#"prove_token_upstream_attempts_total{profile="local",outcome="unavailable"}"#,
            1.0,
        ),
        (
            r#"prove_token_upstream_attempt_seconds_count{profile="local"}"#,
            2.0,
        ),
        (r#"prove_token_rejected_tokens_total{profile="local"}"#, 0.0),
        ("prove_token_panics_total", 0.0),
    ] {
        assert_eq!(value(&text, series), expected, "{series} in {text}");
    }
    assert!(value(&text, r#"prove_token_life_left_seconds{profile="local"}"#) > 3500.0);
    assert!(value(&text, "process_start_time_seconds") > 1.7e9);
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn a_token_that_is_lost_is_counted() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).watched().start();
    let id = service.get("/v1/token/local").expect(200)["token_id"].clone();
    emulator.inject(Fault::status(401).times(0));
    let key = format!("Bearer {}", crate::harness::KEY);
    let headers = [
        ("Authorization", &*key),
        ("Content-Type", "application/json"),
    ];
    let body = serde_json::json!({ "token_id": id }).to_string();
    service
        .request("POST", "/v1/token/local/reject", &headers, &body)
        .expect(200);
    service.get("/v1/token/local").expect(502);
    let has_failed =
        r#"prove_token_renewals_total{profile="local",outcome="credentials_rejected"}"#;
    until(|| value(&scrape(&service), has_failed) > 0.0);
    let text = scrape(&service);
    assert_eq!(
        value(
            &text,
            r#"prove_token_rejected_tokens_total{profile="local"}"#
        ),
        1.0
    );
    assert_eq!(
        value(&text, r#"prove_token_life_left_seconds{profile="local"}"#),
        0.0
    );
}

#[test]
fn no_caller_makes_a_series() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).watched().start();
    let ask = |round: usize| {
        for (method, path) in [
            ("GET", format!("/v1/token/guess-{round}")),
            ("GET", format!("/guess-{round}")),
            ("GET", format!("/v1/profiles/guess-{round}?{round}=1")),
            (["BREW", "STIR"][round % 2], format!("/guess/{round}")),
        ] {
            assert_ne!(service.request(method, &path, &[], "").status, 200);
        }
    };
    // The first token brings series of its own.
    until(|| service.probe("/startupz").status == 200);
    ask(0);
    scrape(&service);
    let before = scrape(&service);
    (1..20).for_each(ask);
    let after = scrape(&service);
    assert_eq!(series(&after), series(&before));
    assert!(!after.contains("guess"), "{after}");
}

#[test]
fn exceptions_are_seen() {
    use std::os::unix::fs::PermissionsExt as _;
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator);
    let secret = setup.home.path().join("secret");
    std::fs::write(&secret, crate::harness::SECRET).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o666)).unwrap();
    let source = format!("{{ file = {secret:?}, allow_insecure_mode = true }}");
    let service = setup.secret("local", &source).watched().start();
    service.get("/v1/token/local").expect(200);
    let series = r#"prove_token_insecure_settings{profile="local",setting="allow_insecure_mode"}"#;
    assert_eq!(value(&scrape(&service), series), 1.0);
    assert!(service.operator("/").body.contains("allow_insecure_mode"));
}
