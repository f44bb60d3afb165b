//! `POST /token`: the token endpoint of RFC 6749 §4.4, for programs that speak OAuth and
//! know nothing of this service. Their client id and secret are the local caller's name
//! and key.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, PRAGMA, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper::body::Incoming;
use prove_token::{AccessToken, CallOptions, Error, ErrorKind};
use prove_token_config::HandsOut;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::token::body_fault;
use super::{Outcome, Visit, is_of_type};
use crate::caller::Known;
use crate::connection::whole;
use crate::lookout::By;
use crate::office::Office;
use crate::peer::Peer;
use crate::reply::{Refusal, json_result};
use crate::trace;

/// The largest request body, in bytes.
const LARGEST_BODY: usize = 16 * 1024;

/// Official SDKs ask again for every call if less is left.
const LEAST: Duration = Duration::from_secs(90);

const FORM: &str = "application/x-www-form-urlencoded";

/// `POST /token`, for the caller's first profile, and `POST /oauth2/{profile}/token`.
pub(super) async fn grant(
    visit: Visit<'_>,
    profile: Option<&str>,
    request: &Parts,
    body: Incoming,
) -> Outcome {
    // As long as nobody knows whose body it is, it may keep nobody out.
    let unnamed = visit.visitor.seat.ask_name();
    let body = form_body(&request.headers, body).await?;
    drop(unnamed);
    let form = Form::parse(&body)?;
    let office = visit.office;
    let caller = authenticate(office, &request.headers, &form, visit.visitor.peer)?;
    trace::note_caller(&request.extensions, &caller.name);
    caller.admit()?;
    match form.one("grant_type")?.as_deref() {
        Some("client_credentials") => {}
        None => return Err(Refusal::bad_request("the form has no grant_type")),
        Some(_) => {
            let description = "the grant is not client_credentials";
            return Err(oauth("unsupported_grant_type", description));
        }
    }
    // A caller that no profile is left to has none by this name either.
    let first = || caller.profiles.first().map(String::as_str);
    let desk = office.desk(profile.or_else(first).unwrap_or_default(), caller)?;
    trace::note_profile(&request.extensions, &desk.name);
    if form.one("scope")?.is_some_and(|scope| !desk.grants(&scope)) {
        return Err(oauth("invalid_scope", "the profile asks for another scope"));
    }
    let options = CallOptions::new().min_validity(LEAST);
    let token = desk.client.access_token_with_options(None, options).await;
    let token = token.map_err(failed)?;
    let mut answer = handed_out(office, caller, profile, &token)?;
    // It may be another than the one that was asked for (RFC 6749 §5.1).
    if let Some(scope) = desk.scope_of(&token) {
        answer["scope"] = json!(scope);
    }
    let mut response = json_result(&answer);
    let no_cache = HeaderValue::from_static("no-cache");
    response.headers_mut().insert(PRAGMA, no_cache);
    response.extensions_mut().insert(By(Arc::clone(caller)));
    Ok(response)
}

/// The token or, to whom that is not given, a local bearer: for one profile if one was
/// named, for programs behind the proxy cannot always name it.
fn handed_out(
    office: &Office,
    caller: &Known,
    profile: Option<&str>,
    token: &AccessToken,
) -> Result<Value, Refusal> {
    let left = token.expires_in();
    if caller.hands_out == HandsOut::Proxy {
        let issued = office.callers.bearers.issue(&caller.name, profile, left);
        let (bearer, life) = issued.ok_or_else(Refusal::unauthorized)?;
        return Ok(json!({
            "access_token": *bearer,
            "token_type": "Bearer",
            "expires_in": life.as_secs(),
        }));
    }
    Ok(json!({
        "access_token": token.value(),
        "token_type": token.token_type(),
        "expires_in": left.as_secs(),
    }))
}

/// The body, if it says that it is a form: it may hold a key.
async fn form_body(headers: &HeaderMap, body: Incoming) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    if !is_of_type(headers, FORM) {
        return Err(Refusal::bad_request("the body is not declared as a form")
            .hint("send Content-Type: application/x-www-form-urlencoded"));
    }
    let body = whole(body, LARGEST_BODY).await.map_err(body_fault)?;
    Ok(Zeroizing::new(body))
}

/// RFC 6749 §2.3.1: by Basic or in the body, and not by both.
fn authenticate<'o>(
    office: &'o Office,
    headers: &HeaderMap,
    form: &Form<'_>,
    peer: &Peer,
) -> Result<&'o Arc<Known>, Refusal> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (header, more) = (given.next(), given.next());
    let (id, secret) = (form.one("client_id")?, form.one("client_secret")?);
    let caller = match (header, &id, &secret) {
        _ if more.is_some() => None,
        (Some(_), _, Some(_)) => {
            return Err(Refusal::bad_request("the client authenticates in two ways"));
        }
        (Some(header), id, None) => basic(header).and_then(|(name, key)| {
            let agrees = id.as_ref().is_none_or(|id| **id == name);
            let caller = office.callers.by_name(&name, key.as_bytes());
            caller.filter(|_| agrees)
        }),
        (None, Some(id), Some(secret)) => office.callers.by_name(id, secret.as_bytes()),
        (None, id, None) => office
            .callers
            .by_peer(peer)
            .filter(|caller| id.as_ref().is_none_or(|id| **id == caller.name)),
        (None, None, Some(_)) => None,
    };
    let invalid = || {
        let refusal = Refusal::new(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "no caller with this name and key",
        )
        .hint("the client id is the caller's name, and the client secret its key");
        let challenge = HeaderValue::from_static("Basic realm=\"prove-token\"");
        refusal.header(WWW_AUTHENTICATE, challenge)
    };
    caller.ok_or_else(invalid)
}

/// A name and a key from `Basic`, form-encoded or as they are: neither has characters of
/// which the two would make different things.
fn basic(header: &HeaderValue) -> Option<(String, Zeroizing<String>)> {
    let (scheme, text) = header.as_bytes().split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(text.trim_ascii()).ok()?);
    let (name, key) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((name.to_owned(), Zeroizing::new(key.to_owned())))
}

/// The form of a request.
struct Form<'b>(Vec<(Cow<'b, str>, Cow<'b, str>)>);

impl<'b> Form<'b> {
    fn parse(body: &'b [u8]) -> Result<Self, Refusal> {
        match std::str::from_utf8(body) {
            Ok(_) => Ok(Self(form_urlencoded::parse(body).collect())),
            Err(_) => Err(Refusal::bad_request("the form is not UTF-8")),
        }
    }

    /// The value of a parameter, which may be there once only (RFC 6749 §3.2); empty is
    /// as good as missing.
    fn one(&self, name: &str) -> Result<Option<Cow<'b, str>>, Refusal> {
        let mut values = self.0.iter().filter(|(given, _)| given == name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Refusal::bad_request(format!("the form has {name} twice"))),
            (Some((_, value)), None) if !value.is_empty() => Ok(Some(value.clone())),
            _ => Ok(None),
        }
    }
}

fn oauth(error: &'static str, description: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, error, description)
}

/// A provider's failure in the words of RFC 6749.
fn failed(error: Error) -> Refusal {
    let word = match error.kind() {
        ErrorKind::Connect
        | ErrorKind::Unavailable
        | ErrorKind::Timeout
        | ErrorKind::RateLimited
        | ErrorKind::Expired
        | ErrorKind::SecretSource => "temporarily_unavailable",
        _ => "server_error",
    };
    Refusal::from(error).named(word)
}
