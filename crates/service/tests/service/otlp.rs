//! Traces: what a collector gets, what it does not, and what it can do to nobody.

use crate::harness::{Setup, emulator};
use crate::upstream::{Upstream, answer};

#[cfg(feature = "otlp")]
mod export;
#[cfg(feature = "otlp")]
mod tree;
#[cfg(feature = "otlp")]
mod wire;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// A collector that takes everything.
fn collector() -> Upstream {
    Upstream::start(|_, _| answer("200 OK", "Content-Type: application/x-protobuf\r\n", ""))
}

/// What a service says that serves one token and ends, with these variables more; nothing
/// of it reaches `collector`.
fn without_traces(collector: &Upstream, variables: &[(&str, &str)]) -> String {
    let emulator = emulator().start().unwrap();
    let mut setup = Setup::new(&emulator);
    for (name, value) in variables {
        setup = setup.env(name, value);
    }
    let service = setup.start();
    service.get("/v1/token/local").expect(200);
    let (code, said) = service.stop();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(collector.connections(), 0, "{variables:?}");
    said
}

#[test]
fn nothing_is_sent_or_said_unless_it_is_asked_for() {
    let collector = collector();
    let url = collector.url();
    for variables in [
        &[("OTEL_SERVICE_NAME", "billing")][..],
        &[(ENDPOINT, &*url), ("OTEL_SDK_DISABLED", "true")],
        &[(ENDPOINT, &*url), ("OTEL_TRACES_EXPORTER", "none")],
    ] {
        let said = without_traces(&collector, variables);
        assert!(!said.contains("trace") && !said.contains("OTEL"), "{said}");
    }
}

#[test]
fn a_secret_command_does_not_get_the_collectors_key() {
    let emulator = emulator().start().unwrap();
    let script = r#"printf %s "${OTEL_EXPORTER_OTLP_HEADERS-$SECRET}""#;
    let setup = Setup::new(&emulator)
        .secret(
            "local",
            &format!("{{ command = [\"/bin/sh\", \"-c\", '{script}'] }}"),
        )
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-key=canary");
    let service = setup.start();
    service.get("/v1/token/local").expect(200);
    let (code, said) = service.stop();
    assert_eq!(code, Some(0), "{said}");
}

#[cfg(not(feature = "otlp"))]
#[test]
fn a_build_without_traces_says_so_to_whom_wants_them() {
    let collector = collector();
    let said = without_traces(&collector, &[(ENDPOINT, &collector.url())]);
    let notice = "warning: OTEL_EXPORTER_OTLP_ENDPOINT has no effect: this prove-tokend was \
                  built without traces; build it with --features otlp, or unset the variable";
    let lines = said.lines().filter(|line| line.contains("OTEL"));
    assert_eq!(lines.collect::<Vec<_>>(), [notice], "{said}");
}
