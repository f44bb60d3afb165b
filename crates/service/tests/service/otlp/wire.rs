//! What a collector gets, read by hand: whatever wrote it does not read it as well.

use std::collections::BTreeMap;

use crate::upstream::Seen;

/// A span, as far as the tests look.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) trace: String,
    pub(super) id: String,
    pub(super) parent: String,
    pub(super) state: String,
    pub(super) name: String,
    pub(super) kind: u64,
    pub(super) is_error: bool,
    pub(super) attributes: BTreeMap<String, String>,
}

pub(super) const INTERNAL: u64 = 1;
pub(super) const SERVER: u64 = 2;
pub(super) const CLIENT: u64 = 3;

impl Span {
    /// The value of an attribute; empty if there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// All spans of these exports (`ExportTraceServiceRequest`).
pub(super) fn spans(exports: &[Seen]) -> Vec<Span> {
    let scopes = exports.iter().flat_map(|export| {
        let resources = Message(&export.body).all(1);
        resources.into_iter().flat_map(|resource| resource.all(2))
    });
    let spans = scopes.flat_map(|scope| scope.all(2));
    spans.map(span).collect()
}

/// The attributes of the first resource (`Resource`).
pub(super) fn resource(exports: &[Seen]) -> BTreeMap<String, String> {
    let resource = Message(&exports[0].body).all(1)[0].all(1)[0];
    attributes(resource.all(1))
}

fn span(span: Message<'_>) -> Span {
    let status = span.all(15);
    Span {
        trace: hex(span.bytes(1)),
        id: hex(span.bytes(2)),
        state: text(span.bytes(3)),
        parent: hex(span.bytes(4)),
        name: text(span.bytes(5)),
        kind: span.number(6),
        is_error: status.first().is_some_and(|status| status.number(3) == 2),
        attributes: attributes(span.all(9)),
    }
}

fn attributes(pairs: Vec<Message<'_>>) -> BTreeMap<String, String> {
    let value = |value: Message<'_>| match value.bytes(1) {
        [] => value.number(3).to_string(),
        words => text(words),
    };
    let pair = |pair: Message<'_>| (text(pair.bytes(1)), value(pair.all(2)[0]));
    pairs.into_iter().map(pair).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A message of Protocol Buffers.
#[derive(Clone, Copy, Debug)]
struct Message<'b>(&'b [u8]);

#[derive(Clone, Copy, Debug)]
enum Value<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

impl<'b> Message<'b> {
    fn values(self, field: u64) -> Vec<Value<'b>> {
        let (mut rest, mut values) = (self.0, Vec::new());
        while !rest.is_empty() {
            let tag = varint(&mut rest);
            let value = match tag & 7 {
                0 => Value::Number(varint(&mut rest)),
                1 => Value::Bytes(rest.split_off(..8).unwrap()),
                2 => {
                    let length = usize::try_from(varint(&mut rest)).unwrap();
                    Value::Bytes(rest.split_off(..length).unwrap())
                }
                5 => Value::Bytes(rest.split_off(..4).unwrap()),
                other => panic!("wire type {other}"),
            };
            if tag >> 3 == field {
                values.push(value);
            }
        }
        values
    }

    fn all(self, field: u64) -> Vec<Self> {
        let message = |value| match value {
            Value::Bytes(bytes) => Self(bytes),
            Value::Number(number) => panic!("{number} is no message"),
        };
        self.values(field).into_iter().map(message).collect()
    }

    fn bytes(self, field: u64) -> &'b [u8] {
        self.all(field).first().map_or(&[], |message| message.0)
    }

    fn number(self, field: u64) -> u64 {
        match self.values(field).first() {
            Some(Value::Number(number)) => *number,
            _ => 0,
        }
    }
}

fn varint(rest: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let byte = *rest.split_off_first().unwrap();
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    number
}
