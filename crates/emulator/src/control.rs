//! Scripting a running emulator over HTTP, below `/_emulator/`.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Uri};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::fault::Fault;
use crate::state::State;

const PREFIX: &str = "/_emulator/";

pub(crate) fn is_control(path: &str) -> bool {
    path.starts_with(PREFIX)
}

pub(crate) fn answer(state: &State, head: &Parts, body: &Bytes) -> Answer {
    if !is_local(&head.headers) {
        return message(403, "control requests are for loopback names only");
    }
    let name = head.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    match (head.method.as_str(), name) {
        ("GET", "health") => Answer::json(200, &json!({ "status": "ok" })),
        ("GET", "requests") => Answer::json(200, &requests(state)),
        ("DELETE", "requests") => {
            state.recorder.reset();
            done()
        }
        ("POST", "faults") => match faults(body) {
            Ok(faults) => {
                state.script.append(faults);
                Answer::json(200, &json!({ "pending": state.script.len() }))
            }
            Err(error) => message(400, &error),
        },
        ("DELETE", "faults") => {
            state.script.clear();
            done()
        }
        ("POST", "revoke") => {
            state.tokens.revoke_all();
            done()
        }
        (_, "health" | "requests" | "faults" | "revoke") => {
            message(405, "another method is needed here, see the documentation")
        }
        _ => message(
            404,
            "the control paths are health, requests, faults and revoke",
        ),
    }
}

/// A page of the web may point its own name at 127.0.0.1, or post a form here.
/// The first shows in `Host`, the second in `Origin`.
fn is_local(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let origins_are_local = headers.get_all(ORIGIN).iter().all(|origin| {
        origin
            .to_str()
            .ok()
            .and_then(|origin| origin.parse::<Uri>().ok())
            .is_some_and(|origin| origin.host().is_some_and(is_loopback_name))
    });
    let host_is_local = host
        .to_str()
        .ok()
        .and_then(|host| host.parse::<http::uri::Authority>().ok())
        .is_some_and(|host| is_loopback_name(host.host()) && !host.as_str().contains('@'));
    host_is_local && origins_are_local
}

fn is_loopback_name(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "[::1]") || host.eq_ignore_ascii_case("localhost")
}

fn requests(state: &State) -> Value {
    json!({
        "token_requests": state.recorder.token_requests(),
        "connections": state.accepted.load(Ordering::Relaxed),
        "counts": state.recorder.counts(),
        "requests": state.recorder.requests(),
    })
}

fn faults(body: &Bytes) -> Result<Vec<Fault>, String> {
    let values: Vec<Value> =
        serde_json::from_slice(body).map_err(|_| "the body is no JSON array of faults")?;
    values
        .iter()
        .enumerate()
        .map(|(index, value)| {
            Fault::from_json(value).map_err(|error| format!("fault {index}: {error}"))
        })
        .collect()
}

fn done() -> Answer {
    Answer::json(200, &json!({}))
}

fn message(status: u16, text: &str) -> Answer {
    Answer::json(status, &json!({ "message": text }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(host: &[&'static str], origin: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        for host in host {
            headers.append(HOST, http::HeaderValue::from_static(host));
        }
        if let Some(origin) = origin {
            headers.append(ORIGIN, http::HeaderValue::from_static(origin));
        }
        is_local(&headers)
    }

    #[test]
    fn loopback_names_may_control() {
        assert!(local(&["127.0.0.1:80"], None));
        assert!(local(&["localhost"], None));
        assert!(local(&["LocalHost:1234"], Some("http://localhost:3000")));
        assert!(local(&["[::1]:80"], Some("http://127.0.0.1")));
    }

    #[test]
    fn nobody_else_may() {
        assert!(!local(&[], None));
        assert!(!local(&["evil.example"], None));
        assert!(!local(&["localhost.evil.example"], None));
        assert!(!local(&["localhost@evil.example"], None));
        assert!(!local(&["evil.example@localhost"], None));
        assert!(!local(&["localhost", "evil.example"], None));
        assert!(!local(&["localhost"], Some("https://evil.example")));
        assert!(!local(&["localhost"], Some("null")));
    }

    #[test]
    fn a_bad_fault_is_named_by_its_place() {
        let error = faults(&Bytes::from_static(br#"[{"status":503},{"staus":1}]"#)).unwrap_err();
        assert!(error.starts_with("fault 1: unknown key `staus`"), "{error}");
        assert!(faults(&Bytes::from_static(b"{}")).is_err());
    }
}
