//! What a token is asked for (RFC 6749 §4.4.2 and its extensions).

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::scope::Scope;
use crate::text;

/// Form fields that this crate writes itself; a parameter must not repeat them.
const RESERVED: [&str; 6] = [
    "grant_type",
    "client_id",
    "client_secret",
    "scope",
    "audience",
    "resource",
];

/// What to ask the token endpoint for. The default asks for nothing in
/// particular, which is what Prove wants.
///
/// Requests that differ in any field have tokens of their own in the cache.
///
/// ```
/// use prove_token::AccessTokenRequest;
/// let request = AccessTokenRequest::new()
///     .scope("read".parse()?)
///     .audience("https://api.example.com");
/// # Ok::<(), prove_token::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct AccessTokenRequest {
    pub(crate) credentials: Option<Credentials>,
    pub(crate) scope: Scope,
    pub(crate) audience: Option<String>,
    pub(crate) resource: Option<String>,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) key: KeyMemo,
}

/// What a client's cache knows the request by, with the number of that client. A request
/// that is changed forgets it.
///
/// It is written once. Neither a lock guards it, which a forked child could find taken,
/// nor a pointer, which each look-up would have to follow.
#[derive(Default)]
pub(crate) struct KeyMemo {
    /// Zero while there is no key, [`WRITING`] while there is one in part.
    client: AtomicU64,
    key: [AtomicU64; 4],
}

/// In the place of a client's number. A child that was forked meanwhile finds it for
/// ever, and computes the key each time.
const WRITING: u64 = u64::MAX;

impl KeyMemo {
    pub(crate) fn known_to(&self, client: NonZeroU64) -> Option<[u64; 4]> {
        // Acquire: whoever sees the number sees the whole key.
        let is_known = self.client.load(Ordering::Acquire) == client.get();
        is_known.then(|| self.key.each_ref().map(|word| word.load(Ordering::Relaxed)))
    }

    /// For the first client that asks: of several, the others would take turns.
    pub(crate) fn remember(&self, client: NonZeroU64, key: [u64; 4]) {
        let claim = self
            .client
            .compare_exchange(0, WRITING, Ordering::Relaxed, Ordering::Relaxed);
        if claim.is_ok() {
            for (place, word) in self.key.iter().zip(key) {
                place.store(word, Ordering::Relaxed);
            }
            self.client.store(client.get(), Ordering::Release);
        }
    }
}

impl Clone for KeyMemo {
    fn clone(&self) -> Self {
        let copy = Self::default();
        let client = NonZeroU64::new(self.client.load(Ordering::Acquire));
        if let Some(client) = client.filter(|client| client.get() != WRITING)
            && let Some(key) = self.known_to(client)
        {
            copy.remember(client, key);
        }
        copy
    }
}

impl AccessTokenRequest {
    /// A request without scope, audience, resource and parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks in another client's name than the [`TokenClient`](crate::TokenClient)'s:
    /// one tenant of many, say.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self.changed()
    }

    /// The scope to ask for (RFC 6749 §3.3). Default: none, so the server's.
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self.changed()
    }

    /// The scope that is asked for; empty if none is.
    pub fn requested_scope(&self) -> &Scope {
        &self.scope
    }

    /// The `audience` field that some providers want. Default: not sent.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self.changed()
    }

    /// The `resource` field (RFC 8707). Default: not sent.
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(resource.into());
        self.changed()
    }

    /// An extra form field. Its value is sent, but shown nowhere.
    ///
    /// # Errors
    ///
    /// `Configuration` if the name is empty, is given twice, or is one that this
    /// crate writes itself (`grant_type`, `client_id`, `client_secret`, `scope`,
    /// `audience`, `resource`).
    pub fn parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Self, Error> {
        let name = name.into();
        let shown = text::line(&name, 60);
        let refuse = |problem: String| Err(Error::new(ErrorKind::Configuration, problem));
        if name.is_empty() {
            return refuse("a request parameter has no name".to_owned());
        }
        if RESERVED.contains(&name.as_str()) {
            return refuse(format!("\"{shown}\" cannot be an extra request parameter"))
                .map_err(|error| error.with_hint("it is a setting of its own"));
        }
        if self.parameters.insert(name, value.into()).is_some() {
            return refuse(format!("the request parameter \"{shown}\" is given twice"));
        }
        Ok(self.changed())
    }

    fn changed(mut self) -> Self {
        self.key = KeyMemo::default();
        self
    }
}

/// Parameter values may be secrets (a second password, say): names only.
impl fmt::Debug for AccessTokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokenRequest")
            .field("credentials", &self.credentials)
            .field("scope", &self.scope)
            .field("audience", &self.audience)
            .field("resource", &self.resource)
            .field("parameters", &self.parameters.keys())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_sent_once() {
        for name in RESERVED {
            let error = AccessTokenRequest::new().parameter(name, "x").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
        }
        let once = AccessTokenRequest::new().parameter("a", "1").unwrap();
        assert!(once.parameter("a", "2").is_err());
        assert!(AccessTokenRequest::new().parameter("", "x").is_err());
    }

    #[test]
    fn what_is_remembered_is_of_one_client_and_one_request() {
        let [one, two] = [1, 2].map(|client| NonZeroU64::new(client).unwrap());
        let request = AccessTokenRequest::new().audience("a");
        assert_eq!(request.clone().key.known_to(one), None);
        request.key.remember(one, [7, 6, 5, 4]);
        request.key.remember(two, [8; 4]);
        let copy = request.clone();
        assert_eq!(copy.key.known_to(one), Some([7, 6, 5, 4]));
        assert_eq!(copy.key.known_to(two), None);
        let forgetful = |changed: AccessTokenRequest| changed.key.known_to(one).is_none();
        assert!(forgetful(copy.clone().audience("b")));
        assert!(forgetful(copy.clone().resource("b")));
        assert!(forgetful(copy.clone().scope("b".parse().unwrap())));
        assert!(forgetful(copy.parameter("b", "c").unwrap()));
    }

    /// As a child finds it that was forked while another thread wrote.
    #[test]
    fn half_a_key_is_none() {
        let [one, two] = [1, 2].map(|client| NonZeroU64::new(client).unwrap());
        let request = AccessTokenRequest::new();
        request.key.client.store(WRITING, Ordering::Relaxed);
        request.key.remember(one, [7; 4]);
        assert_eq!(request.key.known_to(one), None);
        let copy = request.clone();
        copy.key.remember(two, [8; 4]);
        assert_eq!(copy.key.known_to(two), Some([8; 4]), "a copy begins anew");
    }

    #[test]
    fn of_many_clients_at_once_one_is_remembered_with_its_own_key() {
        let clients: Vec<_> = (1..=4).filter_map(NonZeroU64::new).collect();
        for _ in 0..200 {
            let request = AccessTokenRequest::new();
            let start = std::sync::Barrier::new(clients.len());
            std::thread::scope(|scope| {
                for client in &clients {
                    scope.spawn(|| {
                        start.wait();
                        request.key.remember(*client, [client.get(); 4]);
                    });
                }
            });
            let known = clients.iter().filter_map(|client| {
                let key = request.key.known_to(*client)?;
                assert_eq!(key, [client.get(); 4]);
                Some(client)
            });
            assert_eq!(known.count(), 1);
        }
    }

    #[test]
    fn debug_shows_no_parameter_value() {
        let request = AccessTokenRequest::new()
            .parameter("pin", "canary-11")
            .unwrap();
        let shown = format!("{request:?}");
        assert!(
            shown.contains("pin") && !shown.contains("canary"),
            "{shown}"
        );
    }
}
