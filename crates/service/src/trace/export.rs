//! How finished spans reach the collector: in batches, from a thread of their own, out of
//! a queue that drops what does not fit. No request ever waits for it.

use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{self, SdkTracer, SdkTracerProvider, SpanData};
use prove_token::{Clock as _, ErrorKind, SystemClock};
use tracing::{info, warn};

use super::Settings;
use super::settings::Collector;
use crate::failure::Failure;

/// What the last spans may take at the end of the service.
const FLUSH: Duration = Duration::from_secs(2);

/// A collector that goes on failing is told again after this time.
const REMINDER: Duration = Duration::from_secs(300);

/// As whom the service traces, unless `OTEL_SERVICE_NAME` says otherwise.
const SERVICE: &str = "prove-tokend";

/// The tracer of this process, if it has one.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// Makes spans, if anybody wants them.
pub(super) fn tracer() -> Option<&'static SdkTracer> {
    TRACER.get()
}

/// Traces of the whole process, until the end.
#[derive(Debug)]
pub(crate) struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Begins to trace as `settings` say. Not to be called on a runtime, on which the
    /// exporter's client cannot be made.
    ///
    /// # Errors
    ///
    /// `Configuration` if nothing can be sent to the collector.
    pub(crate) fn start(settings: &Settings) -> Result<Self, Failure> {
        let Some(collector) = &settings.collector else {
            return Ok(Self(None));
        };
        let exporter = Exporter {
            inner: exporter(collector)?,
            trouble: Mutex::default(),
        };
        // The limits of the queue and the sampler come from the variables.
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource())
            .build();
        // A process that traces already goes on as it does.
        let _ = TRACER.set(provider.tracer(SERVICE));
        Ok(Self(Some(provider)))
    }

    /// Sends what is finished, for 2 s at most.
    pub(crate) fn end(self) {
        if let Some(provider) = self.0 {
            // Why it did not work has been told.
            let _ = provider.shutdown_with_timeout(FLUSH);
        }
    }
}

fn exporter(collector: &Collector) -> Result<SpanExporter, Failure> {
    let refused = |what| Failure::new(ErrorKind::Configuration, format!("traces: {what}"));
    // As everywhere here: no proxy of the environment, and no redirect, which would get
    // the collector's headers.
    let http = reqwest::blocking::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(collector.timeout)
        .build();
    let http = http.map_err(|_| refused("TLS to the collector cannot be set up"))?;
    let built = SpanExporter::builder()
        .with_http()
        .with_http_client(http)
        .with_endpoint(collector.url.to_string())
        .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
        .with_timeout(collector.timeout)
        .build();
    // Its own words would repeat the variables.
    built.map_err(|_| refused("the variables OTEL_EXPORTER_OTLP_… do not go together"))
}

/// Who traces: the variables' word, or ours.
fn resource() -> Resource {
    let named = Resource::builder().build();
    let name = named.get(&Key::from_static_str("service.name"));
    let builder = Resource::builder();
    let builder = match name {
        Some(Value::String(name)) if !name.as_str().starts_with("unknown_service") => builder,
        _ => builder.with_service_name(SERVICE),
    };
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    builder.with_attribute(version).build()
}

/// Exports, and says so when it does not work.
struct Exporter {
    inner: SpanExporter,
    /// Failures without a success in between, and when they were told.
    trouble: Mutex<Option<(u64, Duration)>>,
}

impl Exporter {
    fn note(&self, spans: u64, result: &OTelSdkResult) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let Err(error) = result else {
            if let Some((lost, _)) = trouble.take() {
                info!(lost, "traces arrive again");
            }
            return;
        };
        let now = SystemClock.now().boot;
        let (lost, told) = trouble.map_or((spans, None), |(lost, told)| (lost + spans, Some(told)));
        let is_told = told.filter(|told| now.saturating_sub(*told) < REMINDER);
        if is_told.is_none() {
            // Of fixed words and a status: the collector's are left out below.
            warn!(%error, lost, "the collector takes no traces: requests are served as ever");
        }
        *trouble = Some((lost, is_told.unwrap_or(now)));
    }
}

impl trace::SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let result = self.inner.export(batch).await;
        self.note(spans, &result);
        result
    }

    fn shutdown(&self) -> OTelSdkResult {
        self.inner.shutdown()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// The library's own shows the collector's headers.
impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exporter")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_of_the_collector_are_not_shown() {
        let headers = [("x-key".to_owned(), "canary".to_owned())];
        let built = SpanExporter::builder()
            .with_http()
            .with_headers(headers.into())
            .build();
        let exporter = Exporter {
            inner: built.unwrap(),
            trouble: Mutex::default(),
        };
        assert!(format!("{:?}", exporter.inner).contains("canary"), "so why");
        assert_eq!(format!("{exporter:?}"), "Exporter");
    }
}
