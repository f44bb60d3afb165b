//! The token endpoint's language: requests encoded, answers decoded. Pure; no
//! clock, no network.

mod answer;
mod form;
mod member;
mod refusal;

pub(crate) use answer::{Asked, Granted, decode};
pub(crate) use form::encode;

#[cfg(test)]
mod tests;
