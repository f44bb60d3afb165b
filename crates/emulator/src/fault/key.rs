//! The keys of a fault's text and JSON forms, and what their values mean.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::{Delivery, Fault, Stage};

/// One key; the table in the documentation of [`Fault`] lists them in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Path,
    Times,
    Skip,
    Delay,
    Status,
    Header,
    Body,
    BodyBase64,
    Raw,
    RawBase64,
    TokenMember,
    WithoutTokenMember,
    Drip,
    Reset,
    Close,
    Silence,
    HeadersThenSilence,
    Hold,
    RevokeAll,
}

impl Key {
    pub(super) const ALL: [(Self, &'static str); 19] = [
        (Self::Path, "path"),
        (Self::Times, "times"),
        (Self::Skip, "skip"),
        (Self::Delay, "delay"),
        (Self::Status, "status"),
        (Self::Header, "header"),
        (Self::Body, "body"),
        (Self::BodyBase64, "body_base64"),
        (Self::Raw, "raw"),
        (Self::RawBase64, "raw_base64"),
        (Self::TokenMember, "token_member"),
        (Self::WithoutTokenMember, "without_token_member"),
        (Self::Drip, "drip"),
        (Self::Reset, "reset"),
        (Self::Close, "close"),
        (Self::Silence, "silence"),
        (Self::HeadersThenSilence, "headers_then_silence"),
        (Self::Hold, "hold"),
        (Self::RevokeAll, "revoke_all"),
    ];

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|(_, known)| *known == name)
            .map(|(key, _)| key)
    }

    pub(super) fn name(self) -> &'static str {
        Self::ALL
            .into_iter()
            .find(|(key, _)| *key == self)
            .map_or("", |(_, name)| name)
    }

    /// Whether a fault may have this key more than once in its text form.
    pub(super) fn repeats(self) -> bool {
        matches!(
            self,
            Self::Header | Self::TokenMember | Self::WithoutTokenMember
        )
    }

    /// What a value of this key looks like, for errors.
    pub(super) fn expects(self) -> &'static str {
        match self {
            Self::Path => "a path that starts with /",
            Self::Times => "a whole number, 0 for ever",
            Self::Skip => "a whole number",
            Self::Delay => "a time like 250ms or 2s, at most a day",
            Self::Status => "a status code from 100 to 999",
            Self::Header => "`Name: value`",
            Self::Body | Self::Raw => "text",
            Self::BodyBase64 | Self::RawBase64 => "base64 with padding",
            Self::TokenMember => "`name=value`, or an object in JSON",
            Self::WithoutTokenMember => "a member's name",
            Self::Drip => "bytes and a time like 1/100ms",
            Self::Reset => "accept, request, headers or body",
            Self::Close
            | Self::Silence
            | Self::HeadersThenSilence
            | Self::Hold
            | Self::RevokeAll => "no value, or true",
        }
    }

    /// Applies a value of the text form.
    pub(super) fn apply_text(self, fault: &mut Fault, value: &str) -> Option<()> {
        match self {
            Self::Path => fault.path = value.starts_with('/').then(|| value.to_owned())?,
            Self::Times => fault.times = value.parse().ok()?,
            Self::Skip => fault.skip = value.parse().ok()?,
            Self::Delay => fault.delay = duration(value)?,
            Self::Status => fault.status = Some(status(value.parse().ok()?)?),
            Self::Header => fault.headers.push(header(value)?),
            Self::Body => fault.body = Some(value.into()),
            Self::BodyBase64 => fault.body = Some(BASE64_STANDARD.decode(value).ok()?),
            Self::Raw => fault.raw = Some(value.into()),
            Self::RawBase64 => fault.raw = Some(BASE64_STANDARD.decode(value).ok()?),
            Self::TokenMember => {
                let (name, value) = value.split_once('=').filter(|(name, _)| !name.is_empty())?;
                let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
                fault.members.insert(name.to_owned(), Some(value));
            }
            Self::WithoutTokenMember => {
                let name = Some(value).filter(|name| !name.is_empty())?;
                fault.members.insert(name.to_owned(), None);
            }
            Self::Drip => fault.delivery = drip(value)?,
            Self::Reset => fault.delivery = Delivery::Reset(stage(value)?),
            _ if !matches!(value, "" | "true") => return None,
            Self::Close => fault.delivery = Delivery::Close,
            Self::Silence => fault.delivery = Delivery::Silence,
            Self::HeadersThenSilence => fault.delivery = Delivery::HeadersThenSilence,
            Self::Hold => fault.hold = true,
            Self::RevokeAll => fault.revoke_all = true,
        }
        Some(())
    }

    /// Applies a value of the JSON form.
    pub(super) fn apply_json(self, fault: &mut Fault, value: &Value) -> Option<()> {
        match (self, value) {
            (Self::Times | Self::Skip | Self::Status, Value::Number(number)) => {
                self.apply_text(fault, &number.to_string())
            }
            (Self::Times | Self::Skip | Self::Status, _) => None,
            (Self::TokenMember, Value::Object(members)) => {
                let members = members
                    .iter()
                    .map(|(name, value)| (name.clone(), Some(value.clone())));
                fault.members.extend(members);
                Some(())
            }
            (Self::TokenMember, _) => None,
            (Self::Header | Self::WithoutTokenMember, Value::Array(values)) => values
                .iter()
                .try_for_each(|value| self.apply_text(fault, value.as_str()?)),
            (Self::Body, value) if !value.is_string() => {
                fault.body = Some(value.to_string().into());
                Some(())
            }
            (_, Value::String(text)) if !self.is_switch() => self.apply_text(fault, text),
            (_, Value::Bool(true)) if self.is_switch() => self.apply_text(fault, ""),
            _ => None,
        }
    }

    pub(super) fn is_switch(self) -> bool {
        matches!(
            self,
            Self::Close | Self::Silence | Self::HeadersThenSilence | Self::Hold | Self::RevokeAll
        )
    }

    /// Whether this key says how the answer is delivered; only one may.
    pub(super) fn is_delivery(self) -> bool {
        matches!(
            self,
            Self::Drip | Self::Reset | Self::Close | Self::Silence | Self::HeadersThenSilence
        )
    }
}

pub(super) fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Accept => "accept",
        Stage::Request => "request",
        Stage::Headers => "headers",
        Stage::Body => "body",
    }
}

fn stage(text: &str) -> Option<Stage> {
    [Stage::Accept, Stage::Request, Stage::Headers, Stage::Body]
        .into_iter()
        .find(|stage| stage_name(*stage) == text)
}

fn status(status: u16) -> Option<u16> {
    (100..=999).contains(&status).then_some(status)
}

fn duration(text: &str) -> Option<Duration> {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    humantime::parse_duration(text)
        .ok()
        .filter(|duration| *duration <= DAY)
}

fn header(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once(':').filter(|(name, _)| !name.is_empty())?;
    Some((name.to_owned(), value.trim_start().to_owned()))
}

fn drip(text: &str) -> Option<Delivery> {
    let (bytes, every) = text.split_once('/')?;
    Some(Delivery::Drip {
        bytes: bytes.parse().ok().filter(|bytes| *bytes > 0)?,
        every: duration(every)?,
    })
}
