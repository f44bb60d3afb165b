//! What tells one cached token from another.

use std::hash::{Hash, Hasher};

use aws_lc_rs::digest::{SHA256, digest};
use zeroize::Zeroizing;

use crate::credentials::{ClientAuthentication, ClientId, Credentials};
use crate::endpoint::Endpoint;
use crate::request::AccessTokenRequest;

/// The SHA-256 of everything that could make the server answer with another token:
/// the endpoint, who asks and how, and what for. The secret enters by the identity
/// of its source only; parameters, which may be secrets, leave no copy behind.
///
/// In words, and compared word by word: a look-up moves and compares it, and a processor
/// that has just written pieces of it waits before it can read them together.
#[derive(Clone, Copy, Eq)]
pub(crate) struct Key([u64; 4]);

impl Key {
    /// A key that a request remembers.
    pub(crate) fn from_words(words: [u64; 4]) -> Self {
        Self(words)
    }

    pub(crate) fn words(&self) -> [u64; 4] {
        self.0
    }

    /// Which of so many shards it belongs to; by another word than its hash.
    pub(super) fn shard(&self, shards: usize) -> usize {
        let [.., last] = self.0;
        // Its upper half as a fraction of all shards: a division would cost more.
        (((last >> 32) * shards as u64) >> 32) as usize
    }

    pub(crate) fn new(
        endpoint: &Endpoint,
        authentication: ClientAuthentication,
        credentials: &Credentials,
        request: &AccessTokenRequest,
    ) -> Self {
        let identity = credentials.identity();
        let id = credentials.client_id();
        let source = Some(&*identity);
        let digest = digest_of(endpoint, authentication, id, source, request);
        let (words, _) = digest.as_chunks();
        Self(std::array::from_fn(|word| u64::from_le_bytes(words[word])))
    }

    /// What a store knows the slot by: the same, but for the secret and where it is,
    /// so that processes that keep it in different places share a token.
    pub(crate) fn digest_for_store(
        endpoint: &Endpoint,
        authentication: ClientAuthentication,
        client_id: &ClientId,
        request: &AccessTokenRequest,
    ) -> [u8; 32] {
        digest_of(endpoint, authentication, client_id, None, request)
    }
}

fn digest_of(
    endpoint: &Endpoint,
    authentication: ClientAuthentication,
    client_id: &ClientId,
    source: Option<&str>,
    request: &AccessTokenRequest,
) -> [u8; 32] {
    let mut fields = Fields::default();
    fields.push(endpoint.as_str());
    fields.push(authentication.as_str());
    fields.push(client_id.as_str());
    fields.push_option(source);
    fields.count(request.scope.iter().count());
    request.scope.iter().for_each(|token| fields.push(token));
    fields.push_option(request.audience.as_deref());
    fields.push_option(request.resource.as_deref());
    fields.count(request.parameters.len());
    for (name, value) in &request.parameters {
        fields.push(name);
        fields.push(value);
    }
    let digest = digest(&SHA256, &fields.0);
    digest.as_ref().try_into().expect("a SHA-256 has 32 bytes")
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        pairs.fold(0, |difference, (one, other)| difference | (one ^ other)) == 0
    }
}

/// Any word of a digest is a hash.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[0]);
    }
}

/// Short secrets could be guessed from it.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key([redacted])")
    }
}

/// Each field with its length before it, so that no two lists of fields are
/// written alike.
#[derive(Default)]
struct Fields(Zeroizing<Vec<u8>>);

impl Fields {
    fn push(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn push_option(&mut self, text: Option<&str>) {
        self.count(usize::from(text.is_some()));
        if let Some(text) = text {
            self.push(text);
        }
    }

    fn count(&mut self, count: usize) {
        self.0.extend_from_slice(&(count as u64).to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::credentials::ClientSecret;

    fn credentials(id: &str, secret: &str) -> Credentials {
        Credentials::new(
            ClientId::new(id).unwrap(),
            ClientSecret::new(secret).unwrap(),
        )
    }

    fn key(id: &str, secret: &str, request: &AccessTokenRequest) -> Key {
        let endpoint = "https://example.com/token".parse().unwrap();
        Key::new(
            &endpoint,
            ClientAuthentication::Basic,
            &credentials(id, secret),
            request,
        )
    }

    #[test]
    fn any_difference_makes_another_key() {
        let new = AccessTokenRequest::new;
        let requests = [
            new(),
            new().scope("a b".parse().unwrap()),
            new().scope("ab".parse().unwrap()),
            new().audience("x"),
            new().resource("x"),
            new().audience(""),
            new().parameter("a", "bc").unwrap(),
            new().parameter("ab", "c").unwrap(),
        ];
        let mut keys: HashSet<_> = requests
            .iter()
            .map(|request| key("id", "secret", request))
            .collect();
        keys.insert(key("id2", "secret", &new()));
        keys.insert(key("id", "secret2", &new()));
        let other: Endpoint = "https://example.com/token2".parse().unwrap();
        keys.insert(Key::new(
            &other,
            ClientAuthentication::Basic,
            &credentials("id", "secret"),
            &new(),
        ));
        let endpoint: Endpoint = "https://example.com/token".parse().unwrap();
        keys.insert(Key::new(
            &endpoint,
            ClientAuthentication::BasicRaw,
            &credentials("id", "secret"),
            &new(),
        ));
        assert_eq!(keys.len(), requests.len() + 4);
    }

    #[test]
    fn order_of_scopes_makes_no_difference() {
        let request = |scope: &str| AccessTokenRequest::new().scope(scope.parse().unwrap());
        assert!(key("id", "s", &request("a b")) == key("id", "s", &request("b a")));
    }

    #[test]
    fn keys_are_spread_over_all_shards() {
        let request = |number: usize| AccessTokenRequest::new().audience(number.to_string());
        // Their hashes are drawn anew in each process. Of 2000, one run in ten left out a
        // shard; of 10,000, none in 10^14 does.
        let keys: Vec<_> = (0..10_000).map(|n| key("id", "s", &request(n))).collect();
        for shards in [1, 3, 256] {
            let used: HashSet<_> = keys.iter().map(|key| key.shard(shards)).collect();
            assert_eq!(used.len(), shards);
            assert!(used.iter().all(|shard| *shard < shards));
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let request = AccessTokenRequest::new()
            .parameter("pin", "canary")
            .unwrap();
        assert_eq!(
            format!("{:?}", key("id", "canary", &request)),
            "Key([redacted])"
        );
    }
}
