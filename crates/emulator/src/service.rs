//! One request: read, recorded, perhaps taken by a fault, answered.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};

use crate::answer::Answer;
use crate::control;
use crate::credential::{Presented, scheme_credentials};
use crate::fault::play::Play;
use crate::fault::{Canned, Delivery, Fault};
use crate::form::Form;
use crate::operation::{self, Context, OperationRequest};
use crate::record::{RecordedRequest, RequestLog, Ticket};
use crate::state::State;
use crate::token_endpoint;

/// Where a fault leaves what the connection shall do once the HTTP server has
/// let go of it.
#[derive(Default)]
pub(crate) struct PlaySlot(Mutex<Option<Play>>);

impl PlaySlot {
    fn put(&self, play: Play) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(play);
    }

    pub(crate) fn take(&self) -> Option<Play> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Ends the HTTP server's work on a connection; the rest is in the slot.
#[derive(Debug)]
pub(crate) struct LetGo;

impl fmt::Display for LetGo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fault takes over the connection")
    }
}

impl std::error::Error for LetGo {}

const MAX_BODY: usize = 1 << 20;

/// A request that was read, with everything later steps ask about it.
struct Received {
    head: Parts,
    body: Bytes,
    form: Option<Form>,
    presented: Presented,
}

pub(crate) async fn serve(
    state: Arc<State>,
    slot: Arc<PlaySlot>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, LetGo> {
    let started = state.clock.uptime();
    let (head, body) = request.into_parts();
    let body = match read(body, state.limits.body).await {
        Ok(body) => body,
        Err(unread) => return refuse(&state, &head, unread, started),
    };
    if control::is_control(head.uri.path()) {
        return control::answer(&state, &head, &body)
            .to_response()
            .ok_or(LetGo);
    }
    let fault = state.script.take(head.uri.path());
    if fault.as_ref().is_some_and(Fault::revokes) {
        state.tokens.revoke_all();
    }
    let received = Received::new(&state, head, body);
    let ticket = state.recorder.arrive(received.record(&state));
    let mut exchange = Exchange {
        state: &state,
        started,
        ticket: Some(ticket),
        line: received.line(fault.as_ref()),
    };
    let delivered = answer(&state, &received, fault.as_ref()).await;
    exchange.line.status = delivered.status();
    drop(exchange);
    delivered.deliver(&slot)
}

/// Records and logs the end of a request, also that of one whose client left
/// while a fault delayed the answer.
struct Exchange<'a> {
    state: &'a State,
    started: Duration,
    /// `None` if the request was not recorded.
    ticket: Option<Ticket>,
    line: RequestLog,
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        let uptime = self.state.clock.uptime();
        self.line.elapsed = uptime.saturating_sub(self.started);
        if let Some(ticket) = self.ticket {
            self.state.recorder.complete(ticket, &self.line);
        }
        self.state.log(&self.line);
    }
}

/// An answer and its way to the client.
enum Delivered {
    Response(Response<Full<Bytes>>),
    Played { status: Option<u16>, play: Play },
}

impl Delivered {
    fn status(&self) -> Option<u16> {
        match self {
            Self::Response(response) => Some(response.status().as_u16()),
            Self::Played { status, .. } => *status,
        }
    }

    fn deliver(self, slot: &PlaySlot) -> Result<Response<Full<Bytes>>, LetGo> {
        match self {
            Self::Response(response) => Ok(response),
            Self::Played { play, .. } => {
                slot.put(play);
                Err(LetGo)
            }
        }
    }
}

async fn answer(state: &State, received: &Received, fault: Option<&Fault>) -> Delivered {
    let Some(fault) = fault else {
        return whole(received.deserved(state), false);
    };
    if !fault.delay_time().is_zero() {
        tokio::time::sleep(fault.delay_time()).await;
    }
    let delivery = fault.delivery();
    if delivery.sends_nothing() {
        // The request is lost before anything came of it.
        return played(None, Bytes::new(), delivery, false);
    }
    let answer = match fault.canned() {
        Some(Canned::Raw(raw)) => return played(None, raw, delivery, fault.holds()),
        Some(Canned::Answer(answer)) => answer,
        None => {
            let mut answer = received.deserved(state);
            fault.bend(&mut answer);
            answer
        }
    };
    match delivery {
        Delivery::Whole => whole(answer, fault.holds()),
        delivery => played(
            Some(answer.status),
            answer.to_bytes(),
            delivery,
            fault.holds(),
        ),
    }
}

/// Through the HTTP server if it can say it and nothing else is asked; the
/// connection then stays usable.
fn whole(answer: Answer, hold: bool) -> Delivered {
    match answer.to_response() {
        Some(response) if !hold => Delivered::Response(response),
        _ => played(
            Some(answer.status),
            answer.to_bytes(),
            Delivery::Whole,
            hold,
        ),
    }
}

fn played(status: Option<u16>, answer: Bytes, delivery: Delivery, hold: bool) -> Delivered {
    let play = Play {
        answer,
        delivery,
        hold,
    };
    Delivered::Played { status, play }
}

impl Received {
    fn new(state: &State, head: Parts, body: Bytes) -> Self {
        let content_type = text(&head.headers, &CONTENT_TYPE);
        let form = token_endpoint::is_form(content_type).then(|| Form::parse(&body));
        let authorization = single(&head.headers, &AUTHORIZATION);
        let bearer = authorization.and_then(|value| scheme_credentials(value, "Bearer"));
        let presented = match (&form, bearer) {
            (_, Some(token)) if head.uri.path() != token_endpoint::PATH => Presented {
                authentication: "bearer",
                client_id: state.tokens.verify(token, &state.clock),
            },
            (Some(form), _) => state.clients.judge(authorization, form),
            (None, _) => state.clients.judge(authorization, &Form::parse(b"")),
        };
        Self {
            head,
            body,
            form,
            presented,
        }
    }

    fn record(&self, state: &State) -> RecordedRequest {
        let arrived = state.clock.uptime();
        let record = RecordedRequest::new(
            &self.head,
            &self.body,
            self.form.as_ref(),
            &self.presented,
            arrived,
        );
        if state.record_raw {
            record.with_raw(&self.head, &self.body)
        } else {
            record
        }
    }

    fn line(&self, fault: Option<&Fault>) -> RequestLog {
        RequestLog {
            fault: fault.map(Fault::describe),
            client_id: self.presented.client_id.clone(),
            ..RequestLog::new(self.head.method.as_str(), self.head.uri.path())
        }
    }

    /// The answer without any fault.
    fn deserved(&self, state: &State) -> Answer {
        let path = self.head.uri.path();
        if path == token_endpoint::PATH {
            let nothing = Form::parse(b"");
            let form = self.form.as_ref().unwrap_or(&nothing);
            return token_endpoint::answer(state, &self.head, &self.body, form, &self.presented);
        }
        let Some(operation) = operation::find(&self.head.method, path) else {
            return Answer::forbidden();
        };
        let client_id = match &self.presented {
            Presented {
                authentication: "bearer",
                client_id: Some(client_id),
            } => client_id,
            _ => return Answer::not_authorized(),
        };
        if !state.rate.admit(client_id, state.clock.now()) {
            return Answer::too_many_requests();
        }
        let request = OperationRequest {
            client_id,
            query: self.head.uri.query().unwrap_or_default(),
            content_type: text(&self.head.headers, &CONTENT_TYPE),
            body: &self.body,
        };
        let context = Context {
            store: &state.store,
            tokens: &state.tokens,
            clock: &state.clock,
        };
        operation.answer(&request, &context)
    }
}

/// Why a body could not be read.
enum Unread {
    TooLong,
    TooSlow,
    Broken,
}

async fn read(body: Incoming, timeout: Duration) -> Result<Bytes, Unread> {
    // Said before reading, so that a client waiting for 100 Continue is spared.
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(Unread::TooLong);
    }
    match tokio::time::timeout(timeout, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unread::TooLong),
        Ok(Err(_)) => Err(Unread::Broken),
        Err(_) => Err(Unread::TooSlow),
    }
}

/// Answers a request without its body, and closes. Such requests are logged but
/// not recorded: they never arrived as a whole.
fn refuse(
    state: &State,
    head: &Parts,
    unread: Unread,
    started: Duration,
) -> Result<Response<Full<Bytes>>, LetGo> {
    let answer = match unread {
        Unread::Broken => return Err(LetGo),
        Unread::TooLong => Answer::documented(413),
        Unread::TooSlow => Answer::documented(408),
    };
    drop(Exchange {
        state,
        started,
        ticket: None,
        line: RequestLog {
            status: Some(answer.status),
            ..RequestLog::new(head.method.as_str(), head.uri.path())
        },
    });
    let mut response = answer.to_response().ok_or(LetGo)?;
    let close = http::HeaderValue::from_static("close");
    response
        .headers_mut()
        .insert(http::header::CONNECTION, close);
    Ok(response)
}

/// The value of a header that is there exactly once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.as_bytes())
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    single(headers, name).and_then(|value| str::from_utf8(value).ok())
}
