//! Access tokens: minted, verified, revoked, without a list of them.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::random;

/// Mints and judges the emulator's tokens.
///
/// A token carries in its signed `jti` what its judgement needs: the
/// generation, which ends when all tokens are revoked, and its end by the
/// monotonic clock. So nothing has to be remembered, and no number of tokens
/// makes the emulator grow.
pub(crate) struct Tokens {
    signing: EncodingKey,
    verifying: DecodingKey,
    lifetime: Duration,
    generation: AtomicU64,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iat: u64,
    exp: u64,
    jti: String,
    client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

/// The one-time token that the flow hands to the client-side SDK. It has no
/// `jti` and no `client_id`, so no operation takes it for an access token.
#[derive(Serialize)]
struct FlowClaims<'a> {
    iat: u64,
    exp: u64,
    sub: &'a str,
}

impl Tokens {
    /// A new key, known to this emulator alone.
    pub(crate) fn new(lifetime: Duration) -> Self {
        // The emulator depends on this provider; a process that already chose
        // one keeps its choice.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let key = random::bytes::<32>();
        Self {
            signing: EncodingKey::from_secret(&key),
            verifying: DecodingKey::from_secret(&key),
            lifetime,
            generation: AtomicU64::new(0),
        }
    }

    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    pub(crate) fn mint(&self, client_id: &str, scope: Option<&str>, clock: &Clock) -> String {
        let iat = clock.epoch_seconds();
        self.sign(&Claims {
            iat,
            exp: iat.saturating_add(self.lifetime.as_secs()),
            jti: Identifier {
                generation: self.generation.load(Ordering::Acquire),
                ends: clock.now().saturating_add(self.lifetime),
            }
            .encode(),
            client_id: client_id.to_owned(),
            scope: scope.map(str::to_owned),
        })
    }

    /// The `authToken` of the flow `correlation_id`.
    pub(crate) fn mint_for_flow(&self, correlation_id: &str, clock: &Clock) -> String {
        let iat = clock.epoch_seconds();
        self.sign(&FlowClaims {
            iat,
            exp: iat.saturating_add(self.lifetime.as_secs()),
            sub: correlation_id,
        })
    }

    /// The client a live access token was issued to.
    pub(crate) fn verify(&self, token: &[u8], clock: &Clock) -> Option<String> {
        let mut validation = Validation::new(Algorithm::HS256);
        // `exp` is in wall time; the token ends by the monotonic clock.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        let claims = decode::<Claims>(token, &self.verifying, &validation)
            .ok()?
            .claims;
        let identifier = Identifier::decode(&claims.jti)?;
        let current = self.generation.load(Ordering::Acquire);
        let live = identifier.generation == current && clock.now() < identifier.ends;
        live.then_some(claims.client_id)
    }

    /// Revokes every token minted so far.
    pub(crate) fn revoke_all(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    fn sign(&self, claims: &impl Serialize) -> String {
        encode(&Header::new(Algorithm::HS256), claims, &self.signing)
            .expect("an HMAC over claims of strings and integers cannot fail")
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("lifetime", &self.lifetime)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// The readable part of a `jti`; random digits after it keep every token
/// unique.
struct Identifier {
    generation: u64,
    ends: Duration,
}

impl Identifier {
    fn encode(&self) -> String {
        let ends = u64::try_from(self.ends.as_nanos()).unwrap_or(u64::MAX);
        let unique = random::hex(&random::bytes::<8>());
        format!("{:x}-{ends:x}-{unique}", self.generation)
    }

    fn decode(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut number = || u64::from_str_radix(parts.next()?, 16).ok();
        Some(Self {
            generation: number()?,
            ends: Duration::from_nanos(number()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_token_lives_until_its_end() {
        let (tokens, clock) = (Tokens::new(HOUR), Clock::start());
        let token = tokens.mint("id", None, &clock);
        assert_eq!(tokens.verify(token.as_bytes(), &clock), Some("id".into()));
        clock.advance(HOUR - Duration::from_secs(60));
        assert!(tokens.verify(token.as_bytes(), &clock).is_some());
        clock.advance(Duration::from_secs(60));
        assert!(tokens.verify(token.as_bytes(), &clock).is_none());
    }

    #[test]
    fn revoking_ends_old_tokens_and_not_new_ones() {
        let (tokens, clock) = (Tokens::new(HOUR), Clock::start());
        let old = tokens.mint("id", None, &clock);
        tokens.revoke_all();
        assert!(tokens.verify(old.as_bytes(), &clock).is_none());
        let new = tokens.mint("id", None, &clock);
        assert!(tokens.verify(new.as_bytes(), &clock).is_some());
    }

    #[test]
    fn tokens_differ_and_belong_to_one_emulator() {
        let (tokens, other, clock) = (Tokens::new(HOUR), Tokens::new(HOUR), Clock::start());
        let token = tokens.mint("id", None, &clock);
        assert_ne!(token, tokens.mint("id", None, &clock));
        assert!(other.verify(token.as_bytes(), &clock).is_none());
    }

    #[test]
    fn a_changed_token_is_refused() {
        let (tokens, clock) = (Tokens::new(HOUR), Clock::start());
        let token = tokens.mint("id", None, &clock);
        for index in 0..token.len() - 1 {
            let mut changed = token.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            assert!(tokens.verify(&changed, &clock).is_none(), "byte {index}");
        }
        assert!(tokens.verify(b"", &clock).is_none());
        assert!(tokens.verify(b"\xff.\xff.\xff", &clock).is_none());
    }

    #[test]
    fn a_flow_token_is_no_access_token() {
        let (tokens, clock) = (Tokens::new(HOUR), Clock::start());
        let token = tokens.mint_for_flow("id", &clock);
        assert!(tokens.verify(token.as_bytes(), &clock).is_none());
    }

    #[test]
    fn the_claims_are_the_documented_ones() {
        let (tokens, clock) = (Tokens::new(HOUR), Clock::start());
        let token = tokens.mint("id", Some("read write"), &clock);
        let claims: serde_json::Value =
            jsonwebtoken::dangerous::insecure_decode_claims(&token).unwrap();
        assert_eq!(claims["client_id"], "id");
        assert_eq!(claims["scope"], "read write");
        let (iat, exp) = (claims["iat"].as_u64(), claims["exp"].as_u64());
        assert_eq!(iat.map(|iat| iat + 3600), exp);
        assert!(claims["jti"].is_string());
    }

    #[test]
    fn debug_shows_no_key() {
        let text = format!("{:?}", Tokens::new(HOUR));
        assert!(text.ends_with(".. }"), "{text}");
    }
}
