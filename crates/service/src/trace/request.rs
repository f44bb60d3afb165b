//! A request of a caller as a span, and below it one for each try at the API. They end
//! with the head of an answer: a stream may take hours.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use http::{Extensions, HeaderValue, Method, Request, Response, StatusCode, Uri};
use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, TraceFlags, Tracer as _};
use opentelemetry::{Context, KeyValue};

use super::export::tracer;
use super::parent::{self, TRACEPARENT, TRACESTATE};
use crate::lookout::Watched;
use crate::peer::Peer;
use crate::route::Route;

/// A request that is being answered.
#[derive(Debug, Default)]
pub(crate) struct Serving(Option<Arc<Journey>>);

/// What travels with a request, among its extensions.
#[derive(Debug)]
struct Journey {
    /// With its span.
    context: Context,
    is_of_caller: bool,
    /// How often the API was asked.
    tries: AtomicI64,
}

impl Serving {
    /// Begins the span of `request`; a profile is named if it `is_profile`.
    pub(crate) fn begin<B>(
        watched: &Watched,
        peer: &Peer,
        request: &mut Request<B>,
        is_profile: impl Fn(&str) -> bool,
    ) -> Self {
        let Some(tracer) = tracer() else {
            return Self(None);
        };
        let route = watched.route;
        let mut attributes = about(request.method());
        let scheme = if *peer == Peer::Tls { "https" } else { "http" };
        attributes.push(KeyValue::new("url.scheme", scheme));
        attributes.push(KeyValue::new(
            "prove_token.request_id",
            watched.id.to_string(),
        ));
        let mut name = name(request.method()).to_owned();
        if route != Route::Nothing {
            attributes.push(KeyValue::new("http.route", route.pattern()));
            name = format!("{name} {}", route.pattern());
        }
        let profile = route.profile(request.uri().path());
        if is_profile(profile) {
            attributes.push(profile_is(profile));
        }
        let parent = parent::of(request.headers());
        let span = tracer
            .span_builder(name)
            .with_kind(SpanKind::Server)
            .with_attributes(attributes)
            .start_with_context(tracer, &parent);
        let journey = Arc::new(Journey {
            is_of_caller: parent.has_active_span(),
            context: parent.with_span(span),
            tries: AtomicI64::new(0),
        });
        request.extensions_mut().insert(Arc::clone(&journey));
        Self(Some(journey))
    }

    /// Ends it with the status of the answer.
    pub(crate) fn end(&self, status: StatusCode) {
        if let Some(journey) = &self.0 {
            // What a caller did wrong is no error of ours.
            end(&journey.context, Ok((status, status.is_server_error())));
        }
    }
}

/// Notes who sent the request that these extensions are of.
pub(crate) fn note_caller(extensions: &Extensions, name: &str) {
    note(extensions, || {
        KeyValue::new("prove_token.caller", name.to_owned())
    });
}

/// Notes which profile it is for, if its path does not say so.
pub(crate) fn note_profile(extensions: &Extensions, name: &str) {
    note(extensions, || profile_is(name));
}

fn note(extensions: &Extensions, attribute: impl FnOnce() -> KeyValue) {
    if let Some(journey) = extensions.get::<Arc<Journey>>() {
        journey.context.span().set_attribute(attribute());
    }
}

/// A try at the API.
#[derive(Debug)]
pub(crate) struct Upstream(Option<Context>);

impl Upstream {
    /// Begins the span of `request`, which goes to the API for the request that
    /// `extensions` are of, and says so to the API.
    pub(crate) fn begin<B>(extensions: &Extensions, request: &mut Request<B>) -> Self {
        let (Some(tracer), Some(journey)) = (tracer(), extensions.get::<Arc<Journey>>()) else {
            return Self(None);
        };
        let mut attributes = about(request.method());
        attributes.extend(server_of(request.uri()));
        let resent = journey.tries.fetch_add(1, Ordering::Relaxed);
        if resent > 0 {
            attributes.push(KeyValue::new("http.request.resend_count", resent));
        }
        let span = tracer
            .span_builder(name(request.method()).to_owned())
            .with_kind(SpanKind::Client)
            .with_attributes(attributes)
            .start_with_context(tracer, &journey.context);
        let context = journey.context.with_span(span);
        let headers = request.headers_mut();
        if let Ok(header) = HeaderValue::try_from(traceparent(&context)) {
            headers.insert(TRACEPARENT, header);
        }
        // A state without the trace that it is of means nothing.
        if !journey.is_of_caller {
            headers.remove(TRACESTATE);
        }
        Self(Some(context))
    }

    /// Ends it with what came of it; `kind` is the word for a failure.
    pub(crate) fn end<B, E>(
        self,
        sent: &Result<Response<B>, E>,
        kind: impl Fn(&E) -> &'static str,
    ) {
        if let Some(context) = self.0 {
            let outcome = sent.as_ref().map(|response| {
                let status = response.status();
                (status, status.as_u16() >= 400)
            });
            end(&context, outcome.map_err(kind));
        }
    }
}

/// Ends the span of `context` with a status, and whether it is an error, or with a word
/// for the want of one.
fn end(context: &Context, outcome: Result<(StatusCode, bool), &'static str>) {
    let span = context.span();
    let error = match outcome {
        Ok((status, is_error)) => {
            let code = i64::from(status.as_u16());
            span.set_attribute(KeyValue::new("http.response.status_code", code));
            is_error.then(|| status.as_str().to_owned())
        }
        Err(kind) => Some(kind.to_owned()),
    };
    if let Some(error) = error {
        span.set_attribute(KeyValue::new("error.type", error));
        span.set_status(Status::error(""));
    }
    span.end();
}

fn traceparent(context: &Context) -> String {
    let span = context.span();
    let of = span.span_context();
    let flags = (of.trace_flags() & TraceFlags::SAMPLED).to_u8();
    format!("00-{}-{}-{flags:02x}", of.trace_id(), of.span_id())
}

/// Which profile a span is about.
pub(super) fn profile_is(name: &str) -> KeyValue {
    KeyValue::new("prove_token.profile", name.to_owned())
}

/// Which server a request goes to; not to which of its paths.
pub(super) fn server_of(url: &Uri) -> impl Iterator<Item = KeyValue> {
    let (scheme, usual) = match url.scheme_str() {
        Some("https") => ("https", 443),
        _ => ("http", 80),
    };
    let host = url.host().unwrap_or_default().to_owned();
    let port = i64::from(url.port_u16().unwrap_or(usual));
    let attributes = [
        KeyValue::new("server.address", host),
        KeyValue::new("server.port", port),
        KeyValue::new("url.scheme", scheme),
    ];
    attributes.into_iter()
}

/// A caller can make up methods without end.
fn is_known(method: &Method) -> bool {
    const KNOWN: [Method; 9] = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::HEAD,
        Method::OPTIONS,
        Method::TRACE,
        Method::CONNECT,
    ];
    KNOWN.contains(method)
}

fn name(method: &Method) -> &str {
    if is_known(method) {
        method.as_str()
    } else {
        "HTTP"
    }
}

fn about(method: &Method) -> Vec<KeyValue> {
    let word = if is_known(method) {
        method.as_str()
    } else {
        "_OTHER"
    };
    vec![KeyValue::new("http.request.method", word.to_owned())]
}
