//! What a fault does to the request it takes.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::{Fault, Stage};
use crate::answer::Answer;

/// How an answer reaches, or does not reach, the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Delivery {
    #[default]
    Whole,
    Drip {
        bytes: usize,
        every: Duration,
    },
    HeadersThenSilence,
    Silence,
    Close,
    Reset(Stage),
}

impl Fault {
    pub(crate) fn is_at_accept(&self) -> bool {
        self.delivery == Delivery::Reset(Stage::Accept)
    }

    pub(crate) fn matches(&self, path: &str) -> bool {
        !self.is_at_accept() && path.starts_with(&self.path)
    }

    pub(crate) fn delay_time(&self) -> Duration {
        self.delay
    }

    pub(crate) fn revokes(&self) -> bool {
        self.revoke_all
    }

    /// The bytes of the answer, or the answer itself, or neither if the request
    /// shall get what it deserves.
    pub(crate) fn canned(&self) -> Option<Canned> {
        if let Some(raw) = &self.raw {
            return Some(Canned::Raw(raw.clone().into()));
        }
        let mut answer = match (self.status, &self.body) {
            (None, None) => return None,
            (Some(status), None) => Answer::documented(status),
            (status, Some(body)) => Answer::bytes(status.unwrap_or(200), body.clone().into()),
        };
        answer.override_headers(&self.headers);
        Some(Canned::Answer(answer))
    }

    /// Bends a normal answer: headers, and members if it is a token answer.
    pub(crate) fn bend(&self, answer: &mut Answer) {
        answer.override_headers(&self.headers);
        if self.members.is_empty() || answer.status != 200 {
            return;
        }
        let Ok(Value::Object(mut object)) = serde_json::from_slice(&answer.body) else {
            return;
        };
        if !object.contains_key("access_token") {
            return;
        }
        for (name, value) in &self.members {
            match value {
                Some(value) => object.insert(name.clone(), value.clone()),
                None => object.remove(name),
            };
        }
        answer.body = Value::Object(object).to_string().into();
    }

    pub(crate) fn delivery(&self) -> Delivery {
        self.delivery
    }

    pub(crate) fn holds(&self) -> bool {
        self.hold
    }

    /// What went wrong in a few words for a log line; values stay out, because
    /// a scripted body may well hold a token.
    pub(crate) fn describe(&self) -> String {
        let mut words = Vec::new();
        if !self.delay.is_zero() {
            words.push(format!("delay={}", humantime::format_duration(self.delay)));
        }
        if self.revoke_all {
            words.push("revoke_all".to_owned());
        }
        if let Some(status) = self.status {
            words.push(format!("status={status}"));
        }
        words.extend(self.raw.iter().map(|_| "raw".to_owned()));
        if self.status.is_none() {
            words.extend(self.body.iter().map(|_| "body".to_owned()));
        }
        words.extend((!self.headers.is_empty()).then(|| "header".to_owned()));
        words.extend((!self.members.is_empty()).then(|| "token_member".to_owned()));
        words.extend(self.delivery.name().map(str::to_owned));
        words.join(",")
    }
}

/// A scripted answer.
pub(crate) enum Canned {
    Raw(Bytes),
    Answer(Answer),
}

impl Delivery {
    pub(crate) fn sends_nothing(self) -> bool {
        matches!(
            self,
            Self::Silence | Self::Close | Self::Reset(Stage::Accept | Stage::Request)
        )
    }

    fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Whole => return None,
            Self::Drip { .. } => "drip",
            Self::HeadersThenSilence => "headers_then_silence",
            Self::Silence => "silence",
            Self::Close => "close",
            Self::Reset(Stage::Accept) => "reset=accept",
            Self::Reset(Stage::Request) => "reset=request",
            Self::Reset(Stage::Headers) => "reset=headers",
            Self::Reset(Stage::Body) => "reset=body",
        })
    }
}
