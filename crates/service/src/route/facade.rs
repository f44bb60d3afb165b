//! `POST /token`: the token endpoint of RFC 6749 §4.4, for programs that speak OAuth and
//! know nothing of this service. Their client id and secret are the local caller's name
//! and key.

use std::borrow::Cow;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, PRAGMA, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use hyper::body::Incoming;
use prove_token::{AccessToken, CallOptions, Error, ErrorKind};
use prove_token_config::HandsOut;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::token::body_fault;
use super::{Outcome, Route, Visit, is_of_type};
use crate::caller::Known;
use crate::connection::whole;
use crate::lookout::By;
use crate::office::Office;
use crate::peer::Peer;
use crate::reply::{Refusal, json_result};
use crate::roster::{Seat, Unnamed};
use crate::trace;

/// The largest request body, in bytes.
const LARGEST_BODY: usize = 16 * 1024;

/// Official SDKs ask again for every call if less is left.
const LEAST: Duration = Duration::from_secs(90);

const FORM: &str = "application/x-www-form-urlencoded";

/// `POST /token`, for the caller's first profile, and `POST /oauth2/{profile}/token`. What
/// the head says is taken out of `request` and not kept: the body may be long in coming,
/// and nobody knows from whom.
pub(super) async fn grant(
    visit: Visit<'_>,
    route: Route,
    request: &mut Parts,
    body: Incoming,
) -> Outcome {
    let office = visit.office;
    let (profile, login) = told_by_head(office, route, request)?;
    let unnamed = login.ask_name(visit.visitor.seat)?;
    let body = whole(body, LARGEST_BODY).await.map_err(body_fault)?;
    let body = Zeroizing::new(body);
    drop(unnamed);
    let form = Form::parse(&body)?;
    let caller = authenticate(office, login, &form, visit.visitor.peer)?;
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

/// How a client authenticates in the head of its request.
enum Login<'o> {
    None,
    /// As this caller, or as nobody whom there is.
    Header(Option<&'o Arc<Known>>),
    /// In two ways already.
    Twice,
}

impl Login<'_> {
    /// Notes that the body has yet to say who calls, if the head did not: as long as nobody
    /// knows whose body it is, it may keep nobody out.
    fn ask_name(&self, seat: &Arc<Seat>) -> Result<Option<Unnamed>, Refusal> {
        match self {
            Self::Header(Some(_)) => Ok(None),
            _ => seat.ask_name().map(Some).ok_or_else(too_many_unnamed),
        }
    }
}

/// The profile that the path names, if it names one, and how the client authenticates; the
/// path and the headers are gone then. The body has to be declared as a form: it may hold
/// a key.
fn told_by_head<'o>(
    office: &'o Office,
    route: Route,
    request: &mut Parts,
) -> Result<(Option<&'o str>, Login<'o>), Refusal> {
    let (uri, headers) = (mem::take(&mut request.uri), mem::take(&mut request.headers));
    if !is_of_type(&headers, FORM) {
        return Err(Refusal::bad_request("the body is not declared as a form")
            .hint("send Content-Type: application/x-www-form-urlencoded"));
    }
    // The office's own text of it: no profile has an empty name.
    let known = |name: &str| office.desks.get_key_value(name);
    let named = |name: &str| known(name).map_or("", |(name, _)| &**name);
    let profile = (route == Route::NamedGrant).then(|| named(route.profile(uri.path())));
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let login = match (given.next(), given.next()) {
        (None, _) => Login::None,
        (Some(_), Some(_)) => Login::Twice,
        (Some(header), None) => Login::Header(
            basic(header).and_then(|(name, key)| office.callers.by_name(&name, key.as_bytes())),
        ),
    };
    Ok((profile, login))
}

/// RFC 6749 §2.3.1: by Basic or in the body, and not by both.
fn authenticate<'o>(
    office: &'o Office,
    login: Login<'o>,
    form: &Form<'_>,
    peer: &Peer,
) -> Result<&'o Arc<Known>, Refusal> {
    let (id, secret) = (form.one("client_id")?, form.one("client_secret")?);
    let agrees = |caller: &&Arc<Known>| id.as_ref().is_none_or(|id| **id == caller.name);
    let caller = match (login, &id, &secret) {
        (Login::Twice, ..) => None,
        (Login::Header(_), _, Some(_)) => {
            return Err(Refusal::bad_request("the client authenticates in two ways"));
        }
        (Login::Header(caller), _, None) => caller.filter(agrees),
        (Login::None, Some(id), Some(secret)) => office.callers.by_name(id, secret.as_bytes()),
        (Login::None, _, None) => office.callers.by_peer(peer).filter(agrees),
        (Login::None, None, Some(_)) => None,
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

fn too_many_unnamed() -> Refusal {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "temporarily_unavailable",
        "this connection has as many requests without a body as there is room for",
    )
    .hint("send the body together with the head")
    .retry_after(1)
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
