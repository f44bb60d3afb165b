//! The JSON object of an answer, as far as its members mean something here.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::error::Category;

use crate::transport::{Body, LARGEST_BODY};

/// The members that mean something here; others are ignored. A member given
/// twice is refused by serde, so the last one never wins.
#[derive(Deserialize)]
pub(super) struct Members {
    pub(super) access_token: Option<Value>,
    pub(super) token_type: Option<Value>,
    pub(super) expires_in: Option<Value>,
    pub(super) scope: Option<Value>,
    pub(super) refresh_token: Option<Value>,
    pub(super) refresh_expires_in: Option<Value>,
    pub(super) error: Option<Value>,
    pub(super) error_description: Option<Value>,
    pub(super) error_uri: Option<Value>,
    pub(super) code: Option<Value>,
    pub(super) message: Option<Value>,
}

impl Members {
    /// The tokens in it, which the error beside them may quote.
    pub(super) fn tokens(&self) -> impl Iterator<Item = &str> {
        let tokens = [&self.access_token, &self.refresh_token];
        tokens.into_iter().flatten().filter_map(Value::as_str)
    }

    pub(super) fn has_no_token(&self) -> bool {
        self.access_token.is_none()
    }
}

/// Why a body is not an object of members.
pub(super) enum Problem {
    TooLarge,
    Empty,
    /// Not JSON at all, from this byte on.
    NotJson(usize),
    /// JSON of the wrong shape.
    WrongShape(&'static str),
}

pub(super) fn parse(body: &Body) -> Result<Members, Problem> {
    // The second looks after transports that do not know the limit.
    if body.is_cut_off() || body.expose_secret().len() > LARGEST_BODY {
        return Err(Problem::TooLarge);
    }
    let body = body.expose_secret();
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::Empty);
    }
    // serde_json checks the encoding only of what it keeps.
    let body = std::str::from_utf8(body).map_err(|error| Problem::NotJson(error.valid_up_to()))?;
    let not_json =
        |error: serde_json::Error| Problem::NotJson(offset(body, error.line(), error.column()));
    // serde would take an array for the members in order.
    if !body.trim_ascii_start().starts_with('{') {
        serde_json::from_str::<IgnoredAny>(body).map_err(not_json)?;
        return Err(Problem::WrongShape("it is JSON, but not an object"));
    }
    serde_json::from_str(body).map_err(|error| match error.classify() {
        Category::Data => Problem::WrongShape("a member appears twice"),
        _ => not_json(error),
    })
}

/// serde_json counts lines and columns, both from 1.
fn offset(body: &str, line: usize, column: usize) -> usize {
    let lines_before: usize = body
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    lines_before + column.saturating_sub(1)
}
