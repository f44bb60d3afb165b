//! What the fuzz targets in `fuzz/` enter by. No part of the API: it may change or go
//! at any time.

use std::time::Duration;

use crate::credentials::ClientSecret;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::redactor::Redactor;
use crate::scope::Scope;
use crate::secret::Secret;
use crate::store::{Entry, StoreKey, seal};
use crate::transport::Body;
use crate::wire;

/// Judges an answer of `endpoint` to a client with `secret` that asked for `scope`.
///
/// # Errors
///
/// When there is no usable token in it.
pub fn decode(
    answer: &http::Response<Body>,
    endpoint: &Endpoint,
    secret: &ClientSecret,
    scope: &Scope,
) -> Result<Secret, Error> {
    let redactor = Redactor::new([secret.expose_secret()]);
    let asked = wire::Asked {
        endpoint,
        scope,
        accept_narrower_scope: true,
        redactor: &redactor,
        wall: Duration::from_secs(1_700_000_000),
    };
    wire::decode(answer, &asked).map(|granted| granted.access_token)
}

/// Seals an entry.
///
/// # Errors
///
/// When it would be too large.
pub fn seal(
    key: &StoreKey,
    entry: Entry,
    secret: &ClientSecret,
    ends: Duration,
    plain: &[u8],
) -> Result<Vec<u8>, Error> {
    seal::seal(key, entry, secret, ends, plain)
}

/// What was sealed, or `None` if it does not open.
pub fn open(key: &StoreKey, entry: Entry, secret: &ClientSecret, sealed: &[u8]) -> Option<Vec<u8>> {
    let plain = seal::open(key, entry, secret, sealed).ok()?;
    Some(plain.to_vec())
}
