//! The spans of a call, and how they hang together.

use prove_token_emulator::Fault;

use super::wire::{CLIENT, INTERNAL, SERVER, Span, resource, spans};
use super::{ENDPOINT, collector};
use crate::harness::{
    KEY, Reply, Service, Setup, assert_no_secret, assert_no_token, emulator, raw,
};
use crate::upstream::{Seen, Upstream, answer};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// A key for the collector; neither it nor the path of its address is anybody's affair.
const HEADER: &str = "canary-key-of-the-collector";

fn traced(setup: Setup, collector: &Upstream) -> Service {
    setup
        .args(&["-vv"])
        .env(ENDPOINT, &format!("{}/canary", collector.url()))
        .env("OTEL_EXPORTER_OTLP_HEADERS", &format!("x-key={HEADER}"))
        .start()
}

/// Ends the service; the spans that it sent, all of which are free of secrets.
#[track_caller]
fn sent(service: Service, collector: &Upstream) -> (Vec<Span>, Vec<Seen>) {
    let (code, said) = service.stop();
    assert_eq!(code, Some(0), "{said}");
    assert_no_token(&said);
    let exports = collector.seen();
    for export in &exports {
        assert_eq!(export.line, "POST /canary/v1/traces HTTP/1.1");
        assert_eq!(export.one("content-type"), "application/x-protobuf");
        assert_eq!(export.one("x-key"), HEADER);
        let bytes = String::from_utf8_lossy(&export.body);
        assert_no_secret(&bytes);
        assert_no_token(&bytes);
    }
    (spans(&exports), exports)
}

/// A call of the proxy in a trace of its own, sampled or not.
fn proxied(service: &Service, flags: &str) -> Reply {
    let request = format!(
        "GET /proxy/local/v3/people/canary-person?canary=1 HTTP/1.1\r\nHost: localhost\r\n\
         Connection: close\r\nAuthorization: Bearer {KEY}\r\n\
         traceparent: 00-{TRACE}-{CALLER}-{flags}\r\ntracestate: a=1\r\ntracestate: b=2\r\n\r\n"
    );
    raw(service.tcp(), request.as_bytes())
}

#[track_caller]
fn only(spans: &[Span], is_it: impl Fn(&&Span) -> bool) -> Span {
    let found: Vec<_> = spans.iter().filter(is_it).collect();
    assert_eq!(found.len(), 1, "{spans:#?}");
    found[0].clone()
}

fn api() -> Upstream {
    Upstream::start(|_, _| answer("200 OK", "", "fine"))
}

#[test]
fn a_proxied_call_is_a_span_of_the_callers_trace_and_the_parent_of_the_apis() {
    let (emulator, api, collector) = (emulator().start().unwrap(), api(), collector());
    let service = traced(Setup::to_api(&emulator, &api.url(), ""), &collector);
    let reply = proxied(&service, "01");
    assert_eq!(reply.status, 200);
    let banner = format!("traces go to {}\n", collector.url());
    assert!(service.said().contains(&banner), "{}", service.said());
    let (spans, _) = sent(service, &collector);
    let ours: Vec<_> = spans
        .iter()
        .filter(|span| span.trace == TRACE)
        .cloned()
        .collect();
    assert_eq!(ours.len(), 2, "{spans:#?}");
    let server = only(&ours, |span| span.kind == SERVER);
    assert_eq!((&*server.parent, &*server.state), (CALLER, "a=1,b=2"));
    assert_eq!(server.name, "GET /proxy/{profile}/{*path}");
    for (name, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/proxy/{profile}/{*path}"),
        ("http.response.status_code", "200"),
        ("url.scheme", "http"),
        ("prove_token.caller", "billing"),
        ("prove_token.profile", "local"),
        (
            "prove_token.request_id",
            reply.header("x-request-id").unwrap(),
        ),
    ] {
        assert_eq!(server.get(name), value, "{name} in {server:#?}");
    }
    assert_eq!(server.attributes.len(), 7, "{server:#?}");
    let client = only(&ours, |span| span.kind == CLIENT);
    assert_eq!((&*client.parent, &*client.name), (&*server.id, "GET"));
    for (name, value) in [
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("server.address", "127.0.0.1"),
        ("server.port", &*api.port().to_string()),
        ("url.scheme", "http"),
    ] {
        assert_eq!(client.get(name), value, "{name} in {client:#?}");
    }
    assert_eq!(client.attributes.len(), 5, "{client:#?}");
    let seen = api.only();
    let parent = format!("00-{TRACE}-{}-01", client.id);
    assert_eq!(seen.one("traceparent"), parent);
    assert_eq!(seen.all("tracestate"), ["a=1", "b=2"]);
}

#[test]
fn what_the_caller_does_not_sample_is_not_sampled() {
    let (emulator, api, collector) = (emulator().start().unwrap(), api(), collector());
    let service = traced(Setup::to_api(&emulator, &api.url(), ""), &collector);
    assert_eq!(proxied(&service, "00").status, 200);
    let (spans, _) = sent(service, &collector);
    assert!(!spans.iter().any(|span| span.trace == TRACE), "{spans:#?}");
    let seen = api.only();
    let parent = seen.one("traceparent");
    assert!(parent.starts_with(&format!("00-{TRACE}-")), "{parent}");
    assert!(
        parent.ends_with("-00") && !parent.contains(CALLER),
        "{parent}"
    );
}

#[test]
fn a_caller_without_a_trace_gets_one_of_its_own() {
    let (emulator, api, collector) = (emulator().start().unwrap(), api(), collector());
    let service = traced(Setup::to_api(&emulator, &api.url(), ""), &collector);
    let key = format!("Bearer {KEY}");
    let headers = [
        ("Authorization", &*key),
        ("traceparent", "00-1-2-01"),
        ("tracestate", "a=1"),
    ];
    let reply = service.request("GET", "/proxy/local/x", &headers, "");
    assert_eq!(reply.status, 200);
    let (spans, _) = sent(service, &collector);
    let server = only(&spans, |span| span.kind == SERVER);
    assert_eq!((&*server.parent, &*server.state), ("", ""));
    let seen = api.only();
    assert!(
        seen.one("traceparent")
            .starts_with(&format!("00-{}-", server.trace))
    );
    assert!(seen.all("tracestate").is_empty(), "a state of no trace");
}

#[test]
fn each_try_at_the_api_is_a_span() {
    let emulator = emulator().start().unwrap();
    let api = Upstream::start(|number, _| match number {
        1 => answer("401 Unauthorized", "", r#"{"code":8002}"#),
        2 => answer("200 OK", "", "fine"),
        _ => Vec::new(),
    });
    let collector = collector();
    let service = traced(Setup::to_api(&emulator, &api.url(), ""), &collector);
    assert_eq!(proxied(&service, "01").status, 200);
    let broken = proxied(&service, "01");
    assert!(broken.status >= 500, "{broken:?}");
    let (spans, _) = sent(service, &collector);
    let tries: Vec<_> = spans
        .iter()
        .filter(|span| span.trace == TRACE && span.kind == CLIENT)
        .map(|span| {
            let resent = span.get("http.request.resend_count");
            (
                span.get("http.response.status_code"),
                span.get("error.type"),
                resent,
            )
        })
        .collect();
    let hung_up = ("", "unavailable");
    assert_eq!(
        tries,
        [
            ("401", "401", ""),
            ("200", "", "1"),
            (hung_up.0, hung_up.1, ""),
            (hung_up.0, hung_up.1, "1"),
        ]
    );
    let servers = spans.iter().filter(|span| span.kind == SERVER);
    let servers: Vec<_> = servers
        .map(|span| (span.is_error, span.get("error.type")))
        .collect();
    let status = broken.status.to_string();
    assert_eq!(servers, [(false, ""), (true, &*status)]);
}

#[test]
fn a_request_for_a_token_is_a_span_and_the_flight_another_trace() {
    let (emulator, collector) = (emulator().start().unwrap(), collector());
    let service = traced(Setup::new(&emulator), &collector);
    service.get("/v1/token/local").expect(200);
    service.get("/v1/token/canary").expect(404);
    service.get("/canary").expect(404);
    let form = format!("grant_type=client_credentials&client_id=billing&client_secret={KEY}");
    let basic = [("Content-Type", "application/x-www-form-urlencoded")];
    service.request("POST", "/token", &basic, &form).expect(200);
    let (spans, exports) = sent(service, &collector);
    let servers = spans.iter().filter(|span| span.kind == SERVER);
    let servers: Vec<_> = servers
        .map(|span| {
            let profile = span.get("prove_token.profile");
            (&*span.name, profile, span.get("http.response.status_code"))
        })
        .collect();
    assert_eq!(
        servers,
        [
            ("GET /v1/token/{profile}", "local", "200"),
            ("GET /v1/token/{profile}", "", "404"),
            ("GET", "", "404"),
            ("POST /token", "local", "200"),
        ]
    );
    let flight = only(&spans, |span| span.kind == INTERNAL);
    assert!(
        servers.len() == 4 && flight.parent.is_empty(),
        "{flight:#?}"
    );
    let request = only(&spans, |span| span.parent == flight.id);
    assert_eq!((request.kind, &*request.name), (CLIENT, "POST token"));
    let port = emulator.url().rsplit(':').next().unwrap();
    assert_eq!(request.get("server.address"), "127.0.0.1");
    assert_eq!(request.get("server.port"), port);
    let resource = resource(&exports);
    assert_eq!(resource["service.name"], "prove-tokend");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
}

/// Of each flight in turn: what came of it, its attempts, and what came of each of those.
fn flights(spans: &[Span]) -> Vec<(&str, &str, Vec<&str>)> {
    let flights = spans.iter().filter(|span| span.kind == INTERNAL);
    flights
        .map(|flight| {
            assert_eq!(flight.get("prove_token.profile"), "local");
            let below = spans.iter().filter(|span| span.parent == flight.id);
            let below = below.map(|span| span.get("prove_token.outcome"));
            let attempts = flight.get("prove_token.attempts");
            (flight.get("prove_token.outcome"), attempts, below.collect())
        })
        .collect()
}

#[test]
fn a_renewal_tells_each_request_and_the_kind_of_its_failure() {
    let (emulator, collector) = (emulator().start().unwrap(), collector());
    let service = traced(Setup::new(&emulator), &collector);
    service.get("/v1/token/local").expect(200);
    emulator.inject(Fault::status(503).times(1));
    let renewed = service.get("/v1/token/local?force=true").expect(200);
    // Once that one is rejected, nobody can do without another.
    emulator.inject(Fault::status(401));
    let key = format!("Bearer {KEY}");
    let headers = [
        ("Authorization", &*key),
        ("Content-Type", "application/json"),
    ];
    let body = serde_json::json!({ "token_id": renewed["token_id"] }).to_string();
    let rejected = service.request("POST", "/v1/token/local/reject", &headers, &body);
    assert_eq!(rejected.expect(200)["rejected"], true);
    service.get("/v1/token/local").expect(502);
    let (spans, _) = sent(service, &collector);
    assert_eq!(
        flights(&spans)[..3],
        [
            ("ok", "1", vec!["ok"]),
            ("ok", "2", vec!["unavailable", "ok"]),
            ("credentials_rejected", "1", vec!["credentials_rejected"]),
        ]
    );
    let is_failed = |span: &&Span| span.kind == INTERNAL && span.is_error;
    let failed = spans.iter().find(is_failed).unwrap();
    assert_eq!(failed.get("error.type"), "credentials_rejected");
}

#[test]
fn the_variables_say_who_traces_and_how_much() {
    let (emulator, collector) = (emulator().start().unwrap(), collector());
    let setup = Setup::new(&emulator)
        .env("OTEL_SERVICE_NAME", "broker-a")
        .env(
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment.name=uat",
        )
        .env("OTEL_TRACES_SAMPLER", "parentbased_always_off");
    let service = traced(setup, &collector);
    service.get("/v1/token/local").expect(200);
    let key = format!("Bearer {KEY}");
    let parent = format!("00-{TRACE}-{CALLER}-01");
    let headers = [("Authorization", &*key), ("traceparent", &*parent)];
    service
        .request("GET", "/v1/profiles", &headers, "")
        .expect(200);
    let (spans, exports) = sent(service, &collector);
    assert_eq!(spans.len(), 1, "{spans:#?}");
    assert_eq!(spans[0].name, "GET /v1/profiles");
    let resource = resource(&exports);
    assert_eq!(resource["service.name"], "broker-a");
    assert_eq!(resource["deployment.environment.name"], "uat");
}
