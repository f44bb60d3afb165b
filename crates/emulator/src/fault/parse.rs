//! The text and JSON forms of a fault.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::key::{Key, stage_name};
use super::{Delivery, Fault};

/// Why a text or a JSON object is not a [`Fault`]: which key is wrong, and what
/// it takes. Values are not repeated, because a scripted answer may hold a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultError(String);

impl fmt::Display for FaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FaultError {}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(FaultError(format!(
                "the fault is empty; {}",
                list_of_keys()
            )));
        }
        if text.starts_with('{') {
            let object = serde_json::from_str(text).map_err(|error| {
                let (line, column) = (error.line(), error.column());
                FaultError(format!(
                    "the fault is not valid JSON at line {line}, column {column}"
                ))
            })?;
            return from_object(&object);
        }
        let mut seen = Vec::new();
        let mut fault = Self::default();
        for pair in split(text)? {
            let (name, value) = pair.split_once('=').unwrap_or((&pair, ""));
            let key = admit(name.trim(), &mut seen)?;
            if !key.is_switch() && !pair.contains('=') {
                return Err(expected(key));
            }
            key.apply_text(&mut fault, value)
                .ok_or_else(|| expected(key))?;
        }
        Ok(fault)
    }
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // By way of any value, because the error of a map would repeat what it
        // met in its place.
        let value = Value::deserialize(deserializer)?;
        Self::from_json(&value).map_err(D::Error::custom)
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        to_object(self).serialize(serializer)
    }
}

impl Fault {
    pub(crate) fn from_json(value: &Value) -> Result<Self, FaultError> {
        match value {
            Value::Object(object) => from_object(object),
            _ => Err(FaultError("a fault is a JSON object".to_owned())),
        }
    }
}

fn from_object(object: &Map<String, Value>) -> Result<Fault, FaultError> {
    let mut seen = Vec::new();
    let mut fault = Fault::default();
    for (name, value) in object {
        let key = admit(name, &mut seen)?;
        key.apply_json(&mut fault, value)
            .ok_or_else(|| expected(key))?;
    }
    Ok(fault)
}

/// Only what differs from a fault that changes nothing.
fn to_object(fault: &Fault) -> Map<String, Value> {
    let contents = [
        bytes(Key::Body, Key::BodyBase64, fault.body.as_deref()),
        bytes(Key::Raw, Key::RawBase64, fault.raw.as_deref()),
    ];
    numbers(fault)
        .into_iter()
        .chain(switches(fault))
        .chain(texts(fault))
        .chain(contents)
        .chain(lists(fault))
        .filter_map(|(key, value)| Some((key.name().to_owned(), value?)))
        .collect()
}

fn numbers(fault: &Fault) -> [(Key, Option<Value>); 3] {
    let plain = Fault::default();
    let changed = |number, plain| (number != plain).then(|| Value::from(number));
    [
        (Key::Times, changed(fault.times, plain.times)),
        (Key::Skip, changed(fault.skip, plain.skip)),
        (Key::Status, fault.status.map(Value::from)),
    ]
}

fn switches(fault: &Fault) -> [(Key, Option<Value>); 5] {
    let delivered = |delivery| fault.delivery == delivery;
    [
        (Key::Close, delivered(Delivery::Close)),
        (Key::Silence, delivered(Delivery::Silence)),
        (
            Key::HeadersThenSilence,
            delivered(Delivery::HeadersThenSilence),
        ),
        (Key::Hold, fault.hold),
        (Key::RevokeAll, fault.revoke_all),
    ]
    .map(|(key, on)| (key, on.then_some(Value::Bool(true))))
}

fn texts(fault: &Fault) -> [(Key, Option<Value>); 4] {
    let plain = Fault::default();
    let path = (fault.path != plain.path).then(|| fault.path.clone());
    let delay = (fault.delay != plain.delay).then(|| time(fault.delay));
    [
        (Key::Path, path),
        (Key::Delay, delay),
        (Key::Drip, drip_text(fault.delivery)),
        (Key::Reset, reset_text(fault.delivery)),
    ]
    .map(|(key, text)| (key, text.map(Value::from)))
}

fn lists(fault: &Fault) -> [(Key, Option<Value>); 3] {
    let headers = fault.headers.iter();
    let headers: Vec<_> = headers
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let set: Map<_, _> = fault
        .members
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
        .collect();
    let removed = fault.members.iter().filter(|(_, value)| value.is_none());
    let removed: Vec<_> = removed.map(|(name, _)| name.clone()).collect();
    [
        (Key::Header, (!headers.is_empty()).then(|| headers.into())),
        (Key::TokenMember, (!set.is_empty()).then(|| set.into())),
        (
            Key::WithoutTokenMember,
            (!removed.is_empty()).then(|| removed.into()),
        ),
    ]
}

fn time(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}

fn drip_text(delivery: Delivery) -> Option<String> {
    match delivery {
        Delivery::Drip { bytes, every } => Some(format!("{bytes}/{}", time(every))),
        _ => None,
    }
}

fn reset_text(delivery: Delivery) -> Option<String> {
    match delivery {
        Delivery::Reset(stage) => Some(stage_name(stage).to_owned()),
        _ => None,
    }
}

/// As text if it is text.
fn bytes(text: Key, encoded: Key, bytes: Option<&[u8]>) -> (Key, Option<Value>) {
    match bytes.map(|bytes| (bytes, str::from_utf8(bytes))) {
        None => (text, None),
        Some((_, Ok(content))) => (text, Some(content.into())),
        Some((bytes, Err(_))) => (encoded, Some(BASE64_STANDARD.encode(bytes).into())),
    }
}

/// Splits at commas and resolves the escapes.
fn split(text: &str) -> Result<Vec<String>, FaultError> {
    let mut pairs = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let resolved = match character {
            ',' => {
                pairs.push(String::new());
                continue;
            }
            '\\' => match characters.next() {
                Some(literal @ (',' | '\\')) => literal,
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                _ => {
                    return Err(FaultError(
                        r"unknown escape; after a backslash comes , \ n r or t".to_owned(),
                    ));
                }
            },
            other => other,
        };
        if let Some(pair) = pairs.last_mut() {
            pair.push(resolved);
        }
    }
    Ok(pairs)
}

/// The key of that name, if it goes together with those already seen.
fn admit(name: &str, seen: &mut Vec<Key>) -> Result<Key, FaultError> {
    let key = Key::from_name(name).ok_or_else(|| unknown(name))?;
    let clash = seen.iter().find(|earlier| {
        let same = **earlier == key && !key.repeats();
        same || earlier.is_delivery() && key.is_delivery() || contents_clash(**earlier, key)
    });
    if let Some(earlier) = clash {
        let (earlier, name) = (earlier.name(), key.name());
        return Err(FaultError(if earlier == name {
            format!("`{name}` is given twice; give it once")
        } else {
            format!("`{earlier}` and `{name}` exclude each other; give one of them")
        }));
    }
    seen.push(key);
    Ok(key)
}

fn contents_clash(one: Key, other: Key) -> bool {
    let is_raw = |key| matches!(key, Key::Raw | Key::RawBase64);
    let is_body = |key| matches!(key, Key::Body | Key::BodyBase64);
    let is_part = |key| is_body(key) || matches!(key, Key::Status | Key::Header);
    is_raw(one) && (is_raw(other) || is_part(other))
        || is_raw(other) && is_part(one)
        || is_body(one) && is_body(other)
}

fn expected(key: Key) -> FaultError {
    FaultError(format!("`{}` takes {}", key.name(), key.expects()))
}

/// An unknown key is repeated only as far as it looks like one.
fn unknown(name: &str) -> FaultError {
    let shown: String = name
        .chars()
        .take_while(|character| character.is_ascii_alphanumeric() || *character == '_')
        .take(32)
        .collect();
    let close = Key::ALL
        .into_iter()
        .map(|(_, known)| (strsim::damerau_levenshtein(&shown, known), known))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    let suggestion = close.map_or_else(String::new, |(_, known)| {
        format!("; did you mean `{known}`?")
    });
    FaultError(format!(
        "unknown key `{shown}`{suggestion} {}",
        list_of_keys()
    ))
}

fn list_of_keys() -> String {
    let names: Vec<_> = Key::ALL.into_iter().map(|(_, name)| name).collect();
    format!("the keys are {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Stage;
    use super::*;

    fn parsed(text: &str) -> Fault {
        text.parse().unwrap()
    }

    fn refused(text: &str) -> String {
        text.parse::<Fault>().unwrap_err().to_string()
    }

    #[test]
    fn every_key_is_read() {
        let fault = Fault::status(503)
            .path("/v3/")
            .times(0)
            .skip(2)
            .delay(Duration::from_millis(250))
            .header("Retry-After", "1")
            .header("Date", "Wed, 01 Jan 2020 00:00:00 GMT")
            .body("a,b=\\c\r\n")
            .and(Fault::drip(3, Duration::from_secs(1)))
            .and(Fault::revoke_all())
            .hold();
        let text = r"status=503, path=/v3/, times=0, skip=2, delay=250ms, header=Retry-After: 1, header=Date:Wed\, 01 Jan 2020 00:00:00 GMT, body=a\,b=\\c\r\n, drip=3/1s, revoke_all, hold=true";
        assert_eq!(parsed(text), fault);
    }

    #[test]
    fn members_are_json_or_text() {
        let fault = Fault::token_member("expires_in", 5)
            .and(Fault::token_member("token_type", "mac"))
            .and(Fault::token_member("x", "3600"))
            .and(Fault::without_token_member("refresh_token"));
        let text = r#"token_member=expires_in=5,token_member=token_type=mac,token_member=x="3600",without_token_member=refresh_token"#;
        assert_eq!(parsed(text), fault);
    }

    #[test]
    fn deliveries_are_read() {
        assert_eq!(parsed("reset=accept"), Fault::reset(Stage::Accept));
        assert_eq!(parsed("reset=body"), Fault::reset(Stage::Body));
        assert_eq!(parsed("silence"), Fault::silence());
        assert_eq!(
            parsed("headers_then_silence"),
            Fault::headers_then_silence()
        );
        assert_eq!(parsed("close=true"), Fault::close());
        assert_eq!(
            parsed(r"raw=HTTP/1.1 200\r\n"),
            Fault::raw("HTTP/1.1 200\r\n")
        );
        assert_eq!(parsed("raw_base64=/w=="), Fault::raw([0xff]));
    }

    #[test]
    fn an_unknown_key_is_named_with_a_suggestion_and_the_list() {
        let error = refused("staus=503");
        assert!(
            error.starts_with("unknown key `staus`; did you mean `status`?"),
            "{error}"
        );
        assert!(error.contains("the keys are path, times, skip,"), "{error}");
        assert!(refused("nonsense").starts_with("unknown key `nonsense` the keys"));
        assert!(refused("").starts_with("the fault is empty; the keys"));
    }

    #[test]
    fn a_bad_value_is_explained_and_not_repeated() {
        for (text, expected) in [
            (
                "status=CANARY",
                "`status` takes a status code from 100 to 999",
            ),
            ("status=99", "`status` takes a status code from 100 to 999"),
            ("status", "`status` takes a status code from 100 to 999"),
            ("times=-1", "`times` takes a whole number, 0 for ever"),
            (
                "delay=5",
                "`delay` takes a time like 250ms or 2s, at most a day",
            ),
            (
                "delay=2days",
                "`delay` takes a time like 250ms or 2s, at most a day",
            ),
            ("header=CANARY", "`header` takes `Name: value`"),
            ("path=token", "`path` takes a path that starts with /"),
            (
                "reset=CANARY",
                "`reset` takes accept, request, headers or body",
            ),
            ("drip=0/1s", "`drip` takes bytes and a time like 1/100ms"),
            ("silence=no", "`silence` takes no value, or true"),
            ("raw_base64=?", "`raw_base64` takes base64 with padding"),
            (
                "status=500,status=501",
                "`status` is given twice; give it once",
            ),
            (
                "silence,close",
                "`silence` and `close` exclude each other; give one of them",
            ),
            (
                "raw=x,status=500",
                "`raw` and `status` exclude each other; give one of them",
            ),
            (
                r"body=\q",
                r"unknown escape; after a backslash comes , \ n r or t",
            ),
            (
                "{\"CANARY",
                "the fault is not valid JSON at line 1, column 8",
            ),
        ] {
            assert_eq!(refused(text), expected, "{text}");
        }
    }

    #[test]
    fn json_goes_both_ways() {
        let faults = [
            json!({}),
            json!({ "status": 503, "times": 0, "skip": 1, "header": ["Retry-After: 1", "Retry-After: 2"] }),
            json!({ "body_base64": "/w==", "delay": "1m 30s", "path": "/v3" }),
            json!({ "raw": "HTTP/1.1 200 OK\r\n\r\n", "hold": true, "revoke_all": true }),
            json!({ "token_member": { "expires_in": null, "x": { "y": [1] } }, "without_token_member": ["z"] }),
            json!({ "drip": "1/100ms" }),
            json!({ "reset": "headers" }),
            json!({ "headers_then_silence": true }),
            json!({ "silence": true }),
            json!({ "close": true }),
        ];
        for value in faults {
            let fault: Fault = serde_json::from_value(value.clone()).unwrap();
            assert_eq!(serde_json::to_value(&fault).unwrap(), value);
            assert_eq!(parsed(&value.to_string()), fault);
        }
    }

    #[test]
    fn a_json_body_of_another_type_is_sent_as_json() {
        let fault: Fault = serde_json::from_value(json!({ "body": { "a": 1 } })).unwrap();
        assert_eq!(fault, Fault::default().json(&json!({ "a": 1 })));
    }

    #[test]
    fn json_of_the_wrong_type_is_refused() {
        for value in [
            json!({ "status": "503" }),
            json!({ "status": 503.5 }),
            json!({ "silence": false }),
            json!({ "silence": "true" }),
            json!({ "header": [1] }),
            json!({ "token_member": "expires_in=1" }),
            json!({ "unknown": 1 }),
            json!([]),
        ] {
            assert!(
                serde_json::from_value::<Fault>(value.clone()).is_err(),
                "{value}"
            );
        }
    }

    #[test]
    fn debug_shows_what_it_does_and_no_value() {
        let fault = Fault::status(200)
            .body("CANARY")
            .header("Authorization", "CANARY")
            .and(Fault::token_member("access_token", "CANARY"));
        let text = format!("{fault:?}");
        assert!(text.contains("status=200,header,token_member"), "{text}");
        assert!(!text.contains("CANARY"));
    }
}
