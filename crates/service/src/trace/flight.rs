//! How a token is obtained, as a trace of its own: it is obtained for everybody, by nobody's
//! request. Below the span of the whole is one for each request to the provider.

use std::sync::{Mutex, PoisonError};

use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};
use prove_token::{Endpoint, ErrorKind, Event};

use super::export::tracer;
use super::request::{profile_is, server_of};

/// The flight of one profile that is under way, if one is.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<Option<Flight>>);

#[derive(Debug)]
struct Flight {
    context: Context,
    /// The request that has no answer yet.
    attempt: Option<Context>,
    attempts: u32,
}

impl Flights {
    /// Notes an event of the client of `profile`.
    pub(crate) fn heard(&self, profile: &str, event: &Event) {
        let mut flight = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::AttemptStarted {
                endpoint, attempt, ..
            } => {
                // One that ran out of time between two attempts has not said so.
                if *attempt == 1 {
                    *flight = None;
                }
                if flight.is_none() {
                    *flight = Flight::begin(profile);
                }
                if let Some(flight) = &mut *flight {
                    flight.start(profile, endpoint, *attempt);
                }
            }
            Event::AttemptFailed {
                error, retry_in, ..
            } => {
                let outcome = Err(error.kind());
                if let Some(flight) = &mut *flight {
                    flight.answered(outcome);
                }
                if retry_in.is_none() {
                    end(flight.take(), outcome);
                }
            }
            Event::TokenObtained { .. } => {
                if let Some(flight) = &mut *flight {
                    flight.answered(Ok(()));
                }
                end(flight.take(), Ok(()));
            }
            _ => {}
        }
    }

    /// Notes that a flight has failed, for the case that no attempt of it said so.
    pub(crate) fn failed(&self, kind: ErrorKind) {
        let mut flight = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if flight
            .as_ref()
            .is_some_and(|flight| flight.attempt.is_none())
        {
            end(flight.take(), Err(kind));
        }
    }
}

impl Flight {
    fn begin(profile: &str) -> Option<Self> {
        let tracer = tracer()?;
        let parent = Context::new();
        let span = tracer
            .span_builder("obtain token")
            .with_kind(SpanKind::Internal)
            .with_attributes([profile_is(profile)])
            .start_with_context(tracer, &parent);
        Some(Self {
            context: parent.with_span(span),
            attempt: None,
            attempts: 0,
        })
    }

    fn start(&mut self, profile: &str, endpoint: &Endpoint, attempt: u32) {
        let Some(tracer) = tracer() else { return };
        self.attempts = attempt;
        let mut attributes = vec![
            profile_is(profile),
            KeyValue::new("http.request.method", "POST"),
            KeyValue::new("prove_token.attempt", i64::from(attempt)),
        ];
        if let Ok(url) = endpoint.as_str().parse() {
            attributes.extend(server_of(&url));
        }
        if attempt > 1 {
            let resent = i64::from(attempt) - 1;
            attributes.push(KeyValue::new("http.request.resend_count", resent));
        }
        let span = tracer
            .span_builder("POST token")
            .with_kind(SpanKind::Client)
            .with_attributes(attributes)
            .start_with_context(tracer, &self.context);
        self.attempt = Some(self.context.with_span(span));
    }

    fn answered(&mut self, outcome: Result<(), ErrorKind>) {
        if let Some(attempt) = self.attempt.take() {
            close(&attempt, outcome);
        }
    }
}

fn end(flight: Option<Flight>, outcome: Result<(), ErrorKind>) {
    if let Some(flight) = flight {
        let attempts = KeyValue::new("prove_token.attempts", i64::from(flight.attempts));
        flight.context.span().set_attribute(attempts);
        close(&flight.context, outcome);
    }
}

/// Ends the span of `context`. A failure is told by its kind alone: its text may hold the
/// server's words.
fn close(context: &Context, outcome: Result<(), ErrorKind>) {
    let span = context.span();
    let word = outcome.err().map_or("ok", ErrorKind::as_str);
    span.set_attribute(KeyValue::new("prove_token.outcome", word));
    if outcome.is_err() {
        span.set_attribute(KeyValue::new("error.type", word));
        span.set_status(Status::error(""));
    }
    span.end();
}
