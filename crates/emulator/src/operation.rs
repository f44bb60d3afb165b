//! The operations behind the token, as a table.

mod flow;
mod identity;
mod store;

use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value, json};

pub(crate) use store::Store;

use self::Field::{List, Object, Query, Text};
use crate::answer::{Answer, code};
use crate::clock::Clock;
use crate::form::{Form, decode_segment};
use crate::random;
use crate::token::Tokens;

/// The longest request body Prove reads is one byte shorter.
pub(crate) const BODY_LIMIT: usize = 4096;

/// One operation: where it is, what it requires, and how it is answered.
struct Operation {
    method: Method,
    /// A segment in braces stands for one segment of any content.
    path: &'static str,
    required: &'static [Field],
    handler: fn(&Call) -> Result<Value, Answer>,
}

/// A required field of a request.
enum Field {
    Text(&'static str),
    Object(&'static str),
    List(&'static str),
    /// Of the query, not of the body.
    Query(&'static str),
}

/// A request that passed the checks common to all operations.
struct Call<'a> {
    client_id: &'a str,
    /// The path's segment in braces, decoded.
    segment: String,
    query: Form,
    body: Map<String, Value>,
    context: &'a Context<'a>,
}

/// What operations need of the emulator.
pub(crate) struct Context<'a> {
    pub(crate) store: &'a Store,
    pub(crate) tokens: &'a Tokens,
    pub(crate) clock: &'a Clock,
}

/// One request for an operation, its bearer token already verified.
pub(crate) struct OperationRequest<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) query: &'a str,
    pub(crate) content_type: Option<&'a str>,
    pub(crate) body: &'a Bytes,
}

/// One row per operation: method, path, required fields, handler.
macro_rules! table {
    ($($method:ident $path:literal [$($field:expr),*] $handler:path;)*) => {
        &[$(Operation {
            method: Method::$method,
            path: $path,
            required: &[$($field),*],
            handler: $handler,
        }),*]
    };
}

const TABLE: &[Operation] = table! {
    POST   "/v3/start"                           [Text("flowType")] flow::start;
    POST   "/v3/validate"                        [Text("correlationId")] flow::validate;
    POST   "/v3/challenge"                       [Text("correlationId")] flow::challenge;
    POST   "/v3/complete"                        [Text("correlationId"), Object("individual")] flow::complete;
    POST   "/v3/unify"                           [Text("possessionType"), Text("clientRequestId")] flow::unify;
    POST   "/v3/unify-status"                    [Text("correlationId")] flow::unify_status;
    POST   "/v3/unify-bind"                      [Text("correlationId"), Text("phoneNumber")] flow::unify_bind;
    POST   "/v3/verify"                          [Text("phoneNumber"), Text("verificationType")] flow::verify;
    POST   "/v3/verify/batch"                    [List("items")] flow::verify_batch;
    POST   "/v3/device/revoke"                   [Text("deviceId"), Text("clientRequestId")] success;
    GET    "/v3/discover"                        [Query("proveId")] identity::discover;
    GET    "/v3/fetch"                           [Query("proveId"), Query("attributeId")] identity::fetch;
    GET    "/v3/identity"                        [] identity::list;
    POST   "/v3/identity"                        [Text("phoneNumber")] identity::enroll;
    POST   "/v3/identity/batch"                  [List("items")] identity::enroll_batch;
    GET    "/v3/identity/{proveId}"              [] identity::read;
    DELETE "/v3/identity/{proveId}"              [] identity::remove;
    POST   "/v3/identity/{proveId}/activate"     [] identity::activate;
    POST   "/v3/identity/{proveId}/deactivate"   [] identity::deactivate;
    POST   "/v3/identity/{id}/cross-domain"      [] identity::cross_domain;
    GET    "/v3/identity/{mobileNumber}/lookup"  [] identity::lookup;
    GET    "/v3/domain/id"                       [] domain_id;
    GET    "/v3/domain/linked"                   [] nothing;
    POST   "/v3/domain/link"                     [Text("pcid")] success;
    POST   "/v3/domain/confirm-link"             [Text("pcid")] success;
    POST   "/v3/domain/unlink"                   [] success;
    POST   "/v1/server/auth/start"               [Text("requestId"), Object("subjects")] flow::auth_start;
    POST   "/v1/server/auth/continue"            [Text("authId"), Text("requestId"), Object("subjects")] flow::auth_continue;
    POST   "/v1/server/auth/finish"              [Text("authId")] flow::auth_finish;
};

/// An operation, and the content of the path's segment in braces.
pub(crate) struct Found {
    operation: &'static Operation,
    segment: String,
}

/// The operation with this method and path.
pub(crate) fn find(method: &Method, path: &str) -> Option<Found> {
    TABLE
        .iter()
        .filter(|operation| operation.method == *method)
        .find_map(|operation| {
            let segment = match_path(operation.path, path)?;
            Some(Found { operation, segment })
        })
}

impl Found {
    pub(crate) fn answer(self, request: &OperationRequest, context: &Context) -> Answer {
        match self.outcome(request, context) {
            Ok(body) => Answer::json(200, &body),
            Err(refusal) => refusal,
        }
    }

    fn outcome(self, request: &OperationRequest, context: &Context) -> Result<Value, Answer> {
        let call = Call {
            client_id: request.client_id,
            segment: self.segment,
            query: Form::parse(request.query.as_bytes()),
            body: read_body(request)?,
            context,
        };
        for field in self.operation.required {
            check(field, &call)?;
        }
        check_phone_number(&call.body)?;
        (self.operation.handler)(&call)
    }
}

fn match_path(pattern: &str, path: &str) -> Option<String> {
    let mut segment = String::new();
    let mut actual = path.split('/');
    for expected in pattern.split('/') {
        let actual = actual.next()?;
        if expected.starts_with('{') && !actual.is_empty() {
            segment = decode_segment(actual).into_owned();
        } else if expected != actual {
            return None;
        }
    }
    actual.next().is_none().then_some(segment)
}

fn read_body(request: &OperationRequest<'_>) -> Result<Map<String, Value>, Answer> {
    if request.body.len() >= BODY_LIMIT {
        return Err(Answer::malformed("the body is 4 KB or more"));
    }
    if request.body.is_empty() {
        return Ok(Map::new());
    }
    if !is_json(request.content_type) {
        return Err(Answer::forbidden());
    }
    serde_json::from_slice(request.body).map_err(|_| Answer::malformed("invalid JSON"))
}

fn is_json(content_type: Option<&str>) -> bool {
    media_type(content_type).eq_ignore_ascii_case("application/json")
}

/// The type without its parameters.
pub(crate) fn media_type(content_type: Option<&str>) -> &str {
    let value = content_type.unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

fn check(field: &Field, call: &Call) -> Result<(), Answer> {
    let (name, wanted, fits): (_, _, fn(&Value) -> bool) = match field {
        Query(name) => {
            return match call.query.get(name) {
                Some(_) => Ok(()),
                None => Err(Answer::missing(name)),
            };
        }
        Text(name) => (name, "a string", Value::is_string),
        Object(name) => (name, "an object", Value::is_object),
        List(name) => (name, "an array", Value::is_array),
    };
    match call.body.get(*name) {
        None | Some(Value::Null) => Err(Answer::missing(name)),
        Some(Value::String(text)) if text.is_empty() => Err(Answer::missing(name)),
        Some(value) if fits(value) => Ok(()),
        Some(_) => Err(Answer::malformed(&format!(
            "field '{name}' must be {wanted}"
        ))),
    }
}

/// In the Sandbox only test users exist.
fn check_phone_number(body: &Map<String, Value>) -> Result<(), Answer> {
    match body.get("phoneNumber") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(number)) if is_test_user(number) => Ok(()),
        Some(Value::String(_)) => Err(Answer::error(
            400,
            code::USER_NOT_FOUND,
            "sandbox user not found",
        )),
        Some(_) => Err(Answer::malformed("field 'phoneNumber' must be a string")),
    }
}

/// The one test user, Milo Pinson.
const TEST_USER: &str = "2001001695";

/// Numbers of the US and Canada come with or without the country code.
fn is_test_user(number: &str) -> bool {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    digits.strip_prefix('1').unwrap_or(&digits) == TEST_USER
}

impl Call<'_> {
    /// A text of the body; empty if it is absent or no text.
    fn text(&self, name: &str) -> &str {
        self.body
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn has(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    /// `answer` with the body's `names` repeated in it, where given.
    fn echo(&self, mut answer: Value, names: &[&str]) -> Value {
        for name in names.iter().filter(|name| self.has(name)) {
            answer[*name] = self.text(name).into();
        }
        answer
    }
}

fn success(_: &Call) -> Result<Value, Answer> {
    Ok(json!({ "success": true }))
}

/// Prove omits what is empty, and nothing is linked.
fn nothing(_: &Call) -> Result<Value, Answer> {
    Ok(json!({}))
}

fn domain_id(_: &Call) -> Result<Value, Answer> {
    Ok(json!({ "issuerId": "emulator", "name": "Prove emulator", "pcid": "100000" }))
}

fn new_id() -> String {
    random::uuid()
}

#[cfg(test)]
mod tests;
