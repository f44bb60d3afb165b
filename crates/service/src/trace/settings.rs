//! What the variables of OpenTelemetry ask for. Values are not repeated: an address may
//! hold a password, and headers are there to hold a key.

use std::time::Duration;

use http::Uri;
use prove_token::ErrorKind;
use prove_token_config::Env;

use crate::failure::Failure;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// Where the path of the first begins, which is for all signals.
const TRACES_PATH: &str = "/v1/traces";

const HEADERS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_HEADERS",
];
const TIMEOUTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
];
const PROTOCOLS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
];

/// How long the collector may take, unless a variable says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Variables that other programs heed.
const UNKNOWN: [&str; 6] = [
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_COMPRESSION",
    "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
];

/// What `OTEL_TRACES_SAMPLER` may be, and whether it takes a ratio.
const SAMPLERS: [(&str, bool); 6] = [
    ("always_on", false),
    ("always_off", false),
    ("traceidratio", true),
    ("parentbased_always_on", false),
    ("parentbased_always_off", false),
    ("parentbased_traceidratio", true),
];

/// What to trace to, and what to say of it.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(super) collector: Option<Collector>,
    warnings: Vec<String>,
}

/// Where traces go.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "otlp"),
    expect(dead_code, reason = "nothing goes there then")
)]
pub(super) struct Collector {
    pub(super) url: Uri,
    pub(super) timeout: Duration,
}

impl Settings {
    /// What `env` asks for.
    ///
    /// # Errors
    ///
    /// `Configuration` if the address of the collector is none.
    pub(crate) fn read(env: &Env) -> Result<Self, Failure> {
        let variables = Variables(env);
        let Some((name, value)) = variables.endpoint() else {
            return Ok(Self::default());
        };
        if !cfg!(feature = "otlp") {
            return Ok(Self {
                collector: None,
                warnings: vec![format!(
                    "{name} has no effect: this prove-tokend was built without traces; \
                     build it with --features otlp, or unset the variable"
                )],
            });
        }
        if let Some(exporter) = variables.get("OTEL_TRACES_EXPORTER")
            && exporter != "otlp"
        {
            return Ok(Self {
                collector: None,
                warnings: vec![
                    "OTEL_TRACES_EXPORTER is neither otlp nor none: nothing is traced".to_owned(),
                ],
            });
        }
        let url = address(name, &value)?;
        let mut warnings = Vec::new();
        let timeout = variables.timeout(&mut warnings);
        variables.complain(&url, &mut warnings);
        Ok(Self {
            collector: Some(Collector { url, timeout }),
            warnings,
        })
    }

    /// Lines for whoever starts the service.
    pub(crate) fn lines(&self) -> Vec<String> {
        let to = self.collector.as_ref().map(|to| {
            let (scheme, authority) = (to.url.scheme_str(), to.url.authority());
            let authority = authority.map_or("", |authority| authority.as_str());
            format!("traces go to {}://{authority}", scheme.unwrap_or_default())
        });
        let warnings = self.warnings.iter();
        to.into_iter()
            .chain(warnings.map(|warning| format!("warning: {warning}")))
            .collect()
    }
}

/// `env` without the collector's key, if that is there: programs that are started for a
/// secret get the rest.
pub(crate) fn without_headers(env: &Env) -> Env {
    let others = env
        .iter()
        .filter(|(name, _)| !HEADERS.iter().any(|header| *name == *header));
    others.collect()
}

/// The variables of OpenTelemetry; empty is as good as unset, as its specification says.
struct Variables<'e>(&'e Env);

impl Variables<'_> {
    fn get(&self, name: &str) -> Option<String> {
        let value = self.0.var_os(name)?.to_string_lossy().trim().to_owned();
        Some(value).filter(|value| !value.is_empty())
    }

    fn first<'n>(&self, names: &[&'n str]) -> Option<(&'n str, String)> {
        names
            .iter()
            .find_map(|name| self.get(name).map(|value| (*name, value)))
    }

    /// The address of the collector and its variable, if traces are wanted.
    fn endpoint(&self) -> Option<(&'static str, String)> {
        let is = |name, word: &str| {
            let value = self.get(name);
            value.is_some_and(|value| value.eq_ignore_ascii_case(word))
        };
        let is_off = is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none");
        self.first(&[TRACES_ENDPOINT, ENDPOINT]).filter(|_| !is_off)
    }

    fn timeout(&self, warnings: &mut Vec<String>) -> Duration {
        let Some((name, value)) = self.first(&TIMEOUTS) else {
            return TIMEOUT;
        };
        match value.parse() {
            Ok(milliseconds @ 1..) => Duration::from_millis(milliseconds),
            _ => {
                warnings.push(format!("{name} is no number of milliseconds: 10 s it is"));
                TIMEOUT
            }
        }
    }

    /// What has no effect, or less than was meant.
    fn complain(&self, url: &Uri, warnings: &mut Vec<String>) {
        if let Some((name, value)) = self.first(&PROTOCOLS)
            && !value.eq_ignore_ascii_case("http/protobuf")
        {
            warnings.push(format!("{name} is not http/protobuf, which it is here"));
        }
        if let Some((name, value)) = self.first(&HEADERS) {
            if value.split_terminator(',').any(|one| !one.contains('=')) {
                warnings.push(format!(
                    "{name} holds what is not NAME=VALUE: it is left out"
                ));
            }
            if url.scheme_str() == Some("http") && !is_loopback(url) {
                warnings.push(format!("{name} go over plain http"));
            }
        }
        for name in UNKNOWN {
            if self.get(name).is_some_and(|value| value != "none") {
                warnings.push(format!("{name} has no effect"));
            }
        }
        self.complain_of_sampler(warnings);
    }

    fn complain_of_sampler(&self, warnings: &mut Vec<String>) {
        let Some(sampler) = self.get("OTEL_TRACES_SAMPLER") else {
            return;
        };
        let ratio = self.get("OTEL_TRACES_SAMPLER_ARG");
        let ratio = ratio.and_then(|ratio| ratio.parse::<f64>().ok());
        match SAMPLERS.iter().find(|(name, _)| *name == sampler) {
            None => warnings.push(
                "OTEL_TRACES_SAMPLER is none that is known here: parentbased_always_on it is"
                    .to_owned(),
            ),
            Some((_, true)) if !ratio.is_some_and(|ratio| (0.0..=1.0).contains(&ratio)) => {
                warnings.push(
                    "OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1: it counts as the nearer \
                     of the two, and as 1 if it is no number"
                        .to_owned(),
                );
            }
            Some(_) => {}
        }
    }
}

/// The address to send to, of the variable `name`.
fn address(name: &'static str, value: &str) -> Result<Uri, Failure> {
    let refused = |what| {
        Failure::new(ErrorKind::Configuration, format!("{name}: {what}"))
            .hint(format!("write {name}=http://127.0.0.1:4318"))
    };
    let whole = match name {
        TRACES_ENDPOINT => value.to_owned(),
        _ if value.contains(['?', '#']) => return Err(refused("a base URL has no query")),
        _ => format!("{}{TRACES_PATH}", value.trim_end_matches('/')),
    };
    let url: Uri = whole.parse().map_err(|_| refused("this is not a URL"))?;
    match (url.scheme_str(), url.authority()) {
        (Some("http" | "https"), Some(authority)) if authority.as_str().contains('@') => {
            Err(refused("a URL with a user name and password is not taken")
                .hint("put what the collector wants to know into OTEL_EXPORTER_OTLP_HEADERS"))
        }
        (Some("http" | "https"), Some(_)) => Ok(url),
        _ => Err(refused("this is not a URL of http or https")),
    }
}

fn is_loopback(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
