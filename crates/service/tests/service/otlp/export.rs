//! A collector that is not there, does not answer, or sends us elsewhere.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::wire::spans;
use super::{ENDPOINT, collector};
use crate::harness::{Service, Setup, emulator};
use crate::upstream::{Upstream, answer};

const WARNING: &str = "the collector takes no traces";

/// A service that sends its spans at once, with these variables more.
fn service(emulator: &prove_token_emulator::Emulator, variables: &[(&str, &str)]) -> Service {
    let mut setup = Setup::new(emulator).env("OTEL_BSP_SCHEDULE_DELAY", "5");
    for (name, value) in variables {
        setup = setup.env(name, value);
    }
    setup.start()
}

fn count(said: &str, words: &str) -> usize {
    said.matches(words).count()
}

#[test]
fn a_collector_that_is_not_there_costs_one_line() {
    let emulator = emulator().start().unwrap();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let limit = ("OTEL_EXPORTER_OTLP_TIMEOUT", "50");
    let service = service(&emulator, &[(ENDPOINT, &url), limit]);
    service.wait_for(WARNING, 0);
    for _ in 0..20 {
        service.get("/v1/token/local").expect(200);
    }
    let (code, said) = service.stop();
    assert_eq!(code, Some(0));
    assert_eq!(count(&said, WARNING), 1, "{said}");
}

#[test]
fn an_outage_is_told_once_and_so_is_its_end() {
    let emulator = emulator().start().unwrap();
    let is_up = Arc::new(AtomicBool::new(false));
    let up = Arc::clone(&is_up);
    let collector = Upstream::start(move |_, _| match up.load(Ordering::SeqCst) {
        true => answer("200 OK", "", ""),
        // What it says to us may be anything, and what we sent it.
        false => answer("400 Canary", "X-Canary: canary\r\n", "canary"),
    });
    let service = service(&emulator, &[(ENDPOINT, &collector.url())]);
    service.until("a third export", |service| {
        service.get("/v1/token/local").expect(200);
        (collector.seen().len() >= 3).then_some(())
    });
    is_up.store(true, Ordering::SeqCst);
    service.get("/v1/token/local").expect(200);
    service.wait_for("traces arrive again lost=", 0);
    let (_, said) = service.stop();
    assert_eq!(count(&said, WARNING), 1, "{said}");
    assert!(said.contains("status code: 400"), "{said}");
}

#[test]
fn a_collector_that_does_not_answer_holds_up_nobody() {
    let emulator = emulator().start().unwrap();
    let collector = Upstream::raw(|mut stream| {
        // Until the service is gone.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let service = service(
        &emulator,
        &[
            (ENDPOINT, &*collector.url()),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "600000"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "4"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2"),
        ],
    );
    service.until("an export", |_| (collector.connections() > 0).then_some(()));
    for _ in 0..20 {
        service.get("/v1/token/local").expect(200);
    }
    let asked = now();
    let (code, said) = service.stop();
    assert_eq!(code, Some(0), "{said}");
    // The collector would have had ten minutes.
    assert!(asked.elapsed() < Duration::from_secs(60), "{said}");
}

#[expect(clippy::disallowed_methods, reason = "the clock of the test")]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn exports_go_to_the_collector_and_nowhere_else() {
    let emulator = emulator().start().unwrap();
    let (elsewhere, collector) = (collector(), collector());
    let proxy = elsewhere.url();
    let proxies = [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ];
    let variables: Vec<_> = proxies.iter().map(|name| (*name, &*proxy)).collect();
    let url = collector.url();
    let service = service(&emulator, &[&variables[..], &[(ENDPOINT, &url)]].concat());
    service.get("/v1/token/local").expect(200);
    service.stop();
    assert!(!spans(&collector.seen()).is_empty());
    assert_eq!(elsewhere.connections(), 0, "a proxy of the environment");
}

#[test]
fn a_redirect_is_not_followed() {
    let (emulator, elsewhere) = (emulator().start().unwrap(), collector());
    let location = format!("Location: {}/v1/traces\r\n", elsewhere.url());
    let collector = Upstream::start(move |_, _| answer("307 Temporary Redirect", &location, ""));
    let service = service(&emulator, &[(ENDPOINT, &collector.url())]);
    service.wait_for(WARNING, 0);
    service.stop();
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn a_bad_address_is_refused_before_anything_is_bound() {
    let emulator = emulator().start().unwrap();
    for args in [&[][..], &["--check-config"]] {
        let setup = Setup::new(&emulator)
            .args(args)
            .env(ENDPOINT, "canary:4318");
        let ended = setup.command().output().unwrap();
        assert_eq!(ended.status.code(), Some(3));
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(
            said.contains(ENDPOINT) && !said.contains("canary:"),
            "{said}"
        );
    }
}
