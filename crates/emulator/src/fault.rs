//! What goes wrong, and when.

mod effect;
mod key;
mod parse;
pub(crate) mod play;
mod script;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

pub(crate) use effect::{Canned, Delivery};
pub use parse::FaultError;
pub(crate) use script::Script;

/// One fault of the emulator's script.
///
/// A fault applies to requests whose path starts with [`path`](Self::path)
/// (default `/token`): after letting [`skip`](Self::skip) of them pass (default
/// 0), to the next [`times`](Self::times) (default 1). Of several faults that
/// apply to a request the earliest one takes it; a request that is taken does
/// not count for the later ones. So a script reads top to bottom.
///
/// A constructor names what goes wrong; [`and`](Self::and) combines two:
///
/// ```
/// use std::time::Duration;
/// use prove_token_emulator::Fault;
///
/// let slow_failure = Fault::status(503).delay(Duration::from_secs(1)).times(2);
/// let trickle = Fault::status(500).and(Fault::drip(1, Duration::from_millis(100)));
/// let from_a_command_line: Fault = "status=503,times=2,header=Retry-After: 1".parse()?;
/// # Ok::<(), prove_token_emulator::FaultError>(())
/// ```
///
/// # As text and as JSON
///
/// The text form is `key=value` pairs with commas between them; in a value,
/// `\,` `\\` `\n` `\r` and `\t` stand for a comma, a backslash and the control
/// characters. Text that starts with `{` is read as JSON. The JSON form is an
/// object of the same keys.
///
/// | key | value (JSON type, where not a string) |
/// |---|---|
/// | `path` | prefix of the path |
/// | `times`, `skip` | how many requests (number); `times` 0 means for ever |
/// | `delay` | as in `250ms` or `2s` |
/// | `status` | status code of the answer, 100 to 999 (number) |
/// | `header` | `Name: value`, repeatable (string or array of strings) |
/// | `body` | the answer's body (in JSON any other value is sent as JSON) |
/// | `body_base64` | the same for bytes that are no text |
/// | `raw`, `raw_base64` | the whole answer, written as it is |
/// | `token_member` | `name=value`, repeatable, the value JSON or plain text (object) |
/// | `without_token_member` | name, repeatable (string or array of strings) |
/// | `drip` | `1/100ms`: one byte every 100 ms |
/// | `reset` | `accept`, `request`, `headers` or `body` |
/// | `close`, `silence`, `headers_then_silence`, `hold`, `revoke_all` | none (true) |
#[derive(Clone, PartialEq)]
pub struct Fault {
    path: String,
    times: u32,
    skip: u32,
    delay: Duration,
    revoke_all: bool,
    status: Option<u16>,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    raw: Option<Vec<u8>>,
    /// `None` removes the member.
    members: BTreeMap<String, Option<Value>>,
    delivery: Delivery,
    hold: bool,
}

/// Where in an exchange a connection is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// As soon as the connection is accepted. Such a fault counts connections,
    /// whatever their requests' paths would have been.
    Accept,
    /// After the request was read, before any byte of the answer.
    Request,
    /// After half of the answer's header section.
    Headers,
    /// After the header section and half of the body.
    Body,
}

impl Default for Fault {
    /// A fault that changes nothing, to be given a [`delay`](Self::delay) or a
    /// [`header`](Self::header).
    fn default() -> Self {
        Self {
            path: "/token".to_owned(),
            times: 1,
            skip: 0,
            delay: Duration::ZERO,
            revoke_all: false,
            status: None,
            headers: Vec::new(),
            body: None,
            raw: None,
            members: BTreeMap::new(),
            delivery: Delivery::Whole,
            hold: false,
        }
    }
}

/// What goes wrong.
impl Fault {
    /// Answers with `status` in place of what the request deserves. Without a
    /// [`body`](Self::body) it is the one Prove documents for that status.
    /// A status below 200 or above 999 is written all the same.
    pub fn status(status: u16) -> Self {
        Self {
            status: Some(status),
            ..Self::default()
        }
    }

    /// Writes `bytes` verbatim as the whole answer, then closes the connection.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            raw: Some(bytes.into()),
            ..Self::default()
        }
    }

    /// Resets the connection (a TCP RST, not a FIN) at `stage`.
    pub fn reset(stage: Stage) -> Self {
        Self::delivered(Delivery::Reset(stage))
    }

    /// Reads the request, never answers, and holds the connection until the
    /// client closes it.
    pub fn silence() -> Self {
        Self::delivered(Delivery::Silence)
    }

    /// Sends the header section of the answer and then nothing, holding the
    /// connection until the client closes it.
    pub fn headers_then_silence() -> Self {
        Self::delivered(Delivery::HeadersThenSilence)
    }

    /// Sends the answer in pieces of `bytes` (at least 1), one every `tick` of
    /// real time, then closes the connection.
    pub fn drip(bytes: usize, tick: Duration) -> Self {
        Self::delivered(Delivery::Drip {
            bytes: bytes.max(1),
            every: tick,
        })
    }

    /// Reads the request and closes the connection without an answer.
    pub fn close() -> Self {
        Self::delivered(Delivery::Close)
    }

    /// Gives a member of a normal token answer another value, of any JSON type,
    /// or adds it: `Fault::token_member("expires_in", json!("3600"))`. The token
    /// itself keeps its true life.
    pub fn token_member(name: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::member(name.into(), Some(value.into()))
    }

    /// Leaves a member out of a normal token answer.
    pub fn without_token_member(name: impl Into<String>) -> Self {
        Self::member(name.into(), None)
    }

    /// Revokes all tokens issued so far when the request arrives, which is then
    /// answered normally.
    pub fn revoke_all() -> Self {
        Self {
            revoke_all: true,
            ..Self::default()
        }
    }

    fn delivered(delivery: Delivery) -> Self {
        Self {
            delivery,
            ..Self::default()
        }
    }

    fn member(name: String, value: Option<Value>) -> Self {
        Self {
            members: BTreeMap::from([(name, value)]),
            ..Self::default()
        }
    }
}

/// How, how often and to what it applies.
impl Fault {
    /// Adds what goes wrong in `other`; where both say the same thing, `other`
    /// wins. The requests it applies to (`path`, `times`, `skip`) stay those of
    /// `self`.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.delay = self.delay.max(other.delay);
        self.revoke_all |= other.revoke_all;
        self.hold |= other.hold;
        self.status = other.status.or(self.status);
        self.body = other.body.or(self.body);
        self.raw = other.raw.or(self.raw);
        self.headers.extend(other.headers);
        self.members.extend(other.members);
        if other.delivery != Delivery::Whole {
            self.delivery = other.delivery;
        }
        self
    }

    /// Applies to `times` requests; 0 means for ever. Default 1.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// Lets `skip` requests of its path pass first. Default 0.
    #[must_use]
    pub fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// Applies to requests whose path starts with `prefix`. Default `/token`.
    #[must_use]
    pub fn path(mut self, prefix: impl Into<String>) -> Self {
        self.path = prefix.into();
        self
    }

    /// Waits this long, in real time, after the request was read. Default none.
    /// It combines with every other fault but a reset at [`Stage::Accept`].
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Adds a header, in place of the emulator's own of that name. Given twice
    /// with one name, it is sent twice. A header that HTTP forbids, or a framing
    /// one that contradicts the body, is written as it is.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Answers with this body; without a [`status`](Self::status) that is 200.
    /// It is called `application/json` unless a header says otherwise.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Answers with this JSON body, as [`body`](Self::body) does.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body(body.to_string())
    }

    /// After the last byte of the answer, holds the connection until the client
    /// closes it. With a `Content-Length` that promises more, the client waits.
    /// Default: a played answer ends with the connection, a plain one leaves it
    /// to the next request.
    #[must_use]
    pub fn hold(mut self) -> Self {
        self.hold = true;
        self
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("path", &self.path)
            .field("times", &self.times)
            .field("skip", &self.skip)
            .field("does", &self.describe())
            .finish_non_exhaustive()
    }
}
