//! The token endpoint's language: requests encoded, answers decoded. Pure; no
//! clock, no network.

mod answer;
mod body;
mod form;
mod member;
mod refusal;

use std::time::Duration;

pub(crate) use answer::{Granted, decode};
pub(crate) use form::encode;

use crate::endpoint::Endpoint;
use crate::redactor::Redactor;
use crate::scope::Scope;

/// What the answer is judged by.
pub(crate) struct Asked<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) scope: &'a Scope,
    pub(crate) accept_narrower_scope: bool,
    /// Cuts what was sent out of what the server says.
    pub(crate) redactor: &'a Redactor<'a>,
    /// Wall time since 1970, for a `Retry-After` that is a date.
    pub(crate) wall: Duration,
}

#[cfg(test)]
mod tests;
