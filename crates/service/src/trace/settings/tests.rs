use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Settings, Failure> {
    Settings::read(&variables.iter().copied().collect())
}

fn lines(variables: &[(&str, &str)]) -> Vec<String> {
    read(variables).unwrap().lines()
}

#[test]
fn nothing_is_said_of_what_nobody_asked_for() {
    let to = (ENDPOINT, "http://127.0.0.1:4318");
    for variables in [
        &[][..],
        &[("OTEL_SERVICE_NAME", "x")],
        &[(ENDPOINT, " ")],
        &[to, ("OTEL_SDK_DISABLED", "True")],
        &[to, ("OTEL_TRACES_EXPORTER", "none")],
    ] {
        assert_eq!(lines(variables), [""; 0], "{variables:?}");
        assert!(read(variables).unwrap().collector.is_none());
    }
}

#[cfg(not(feature = "otlp"))]
#[test]
fn a_wish_that_this_build_cannot_grant_is_answered() {
    for name in [ENDPOINT, TRACES_ENDPOINT] {
        let said = lines(&[(name, "canary")]);
        let expected = format!(
            "warning: {name} has no effect: this prove-tokend was built without traces; \
             build it with --features otlp, or unset the variable"
        );
        assert_eq!(said, [expected]);
    }
}

#[cfg(feature = "otlp")]
mod with_the_feature {
    use super::*;

    fn url(variables: &[(&str, &str)]) -> String {
        read(variables).unwrap().collector.unwrap().url.to_string()
    }

    #[test]
    fn the_path_is_added_to_the_base_alone() {
        let base = (ENDPOINT, "http://collector:4318/");
        assert_eq!(url(&[base]), "http://collector:4318/v1/traces");
        let whole = (TRACES_ENDPOINT, "https://other/x?y=z");
        assert_eq!(url(&[base, whole]), "https://other/x?y=z");
        assert_eq!(
            lines(&[base, whole]),
            ["traces go to https://other"],
            "neither path nor query"
        );
    }

    #[test]
    fn a_bad_address_is_refused_and_not_repeated() {
        for value in [
            "canary",
            "grpc://canary:4317",
            "http://",
            "http://user:canary@collector:4318",
            "http://collector:4318?key=canary",
            "http://collector:4318/canary canary",
        ] {
            let failure = read(&[(ENDPOINT, value)]).unwrap_err();
            assert_eq!(failure.exit_code(), 3);
            let said = format!("{failure:?}");
            assert!(
                said.contains(ENDPOINT) && !said.contains("canary"),
                "{said}"
            );
        }
    }

    #[test]
    fn what_has_less_effect_than_was_meant_is_told() {
        for (name, value, is_told) in [
            ("OTEL_TRACES_EXPORTER", "otlp", false),
            ("OTEL_TRACES_EXPORTER", "zipkin-canary", true),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", false),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "canary", true),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "250", false),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "0", true),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "canary", true),
            ("OTEL_EXPORTER_OTLP_HEADERS", "canary", true),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/canary", true),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "none", false),
            ("OTEL_TRACES_SAMPLER", "always_on", false),
            ("OTEL_TRACES_SAMPLER", "canary", true),
            ("OTEL_TRACES_SAMPLER", "traceidratio", true),
        ] {
            let said = lines(&[(ENDPOINT, "http://127.0.0.1:1"), (name, value)]);
            let warnings = said.iter().filter(|line| line.starts_with("warning: "));
            let warnings: Vec<_> = warnings.collect();
            assert_eq!(
                warnings.len(),
                usize::from(is_told),
                "{name}={value}: {said:?}"
            );
            assert!(warnings.iter().all(|line| line.contains("OTEL_")));
            assert!(!said.join("").contains("canary"), "{said:?}");
        }
    }

    #[test]
    fn a_key_may_go_in_plain_text_to_this_machine_alone() {
        let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=canary");
        for (to, is_told) in [
            ("http://localhost:4318", false),
            ("http://[::1]:4318", false),
            ("https://collector", false),
            ("http://collector:4318", true),
        ] {
            let said = lines(&[(ENDPOINT, to), headers]).join("\n");
            assert_eq!(said.contains("plain http"), is_told, "{said}");
            assert!(!said.contains("canary"), "{said}");
        }
    }

    #[test]
    fn the_time_limit_of_traces_goes_first() {
        let timeout = |variables: &[(&str, &str)]| {
            let to = (ENDPOINT, "http://127.0.0.1:1");
            let variables: Vec<_> = variables.iter().copied().chain([to]).collect();
            read(&variables).unwrap().collector.unwrap().timeout
        };
        assert_eq!(timeout(&[]), Duration::from_secs(10));
        let [of_traces, of_all] = TIMEOUTS;
        assert_eq!(timeout(&[(of_all, "300")]), Duration::from_millis(300));
        let both = [(of_all, "300"), (of_traces, "200")];
        assert_eq!(timeout(&both), Duration::from_millis(200));
    }
}
