//! Who asks for a token, and how it proves it (RFC 6749 §2.3).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::error::{Error, ErrorKind};
use crate::secret::Secret;
use crate::text;

/// A client identifier (RFC 6749 §2.2). It is not a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientId(String);

impl ClientId {
    /// The identifier as it was given.
    ///
    /// # Errors
    ///
    /// `Configuration` if it is empty, or holds control characters or outer
    /// white space (a copying slip that servers answer with a bare 401).
    pub fn new(id: impl Into<String>) -> Result<Self, Error> {
        let id = id.into();
        let problem = match fault_of(&id) {
            None => return Ok(Self(id)),
            Some(problem) => problem,
        };
        Err(
            Error::new(ErrorKind::Configuration, format!("the client id {problem}"))
                .with_hint("copy the client id once more, without spaces or line breaks around it"),
        )
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        id.0
    }
}

impl FromStr for ClientId {
    type Err = Error;

    fn from_str(id: &str) -> Result<Self, Error> {
        Self::new(id)
    }
}

/// A client secret (RFC 6749 §2.3.1): redacted, wiped on drop.
#[derive(Clone)]
pub struct ClientSecret(Secret);

impl ClientSecret {
    /// The secret as it is kept. Exactly one trailing newline (`\n` or `\r\n`)
    /// is dropped, because editors and `echo` add one.
    ///
    /// # Errors
    ///
    /// `SecretSource` if nothing is left, or if it holds control characters.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let mut text = text.into();
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        // Wrapped before it is judged, so that a refused text is wiped as well.
        let secret = Secret::new(text);
        let problem = if secret.expose_secret().is_empty() {
            "is empty"
        } else if secret.expose_secret().chars().any(char::is_control) {
            "holds control characters"
        } else {
            return Ok(Self(secret));
        };
        Err(Error::new(
            ErrorKind::SecretSource,
            format!("the client secret {problem}"),
        )
        .with_hint(
            "store the secret alone, as UTF-8 on one line: a line break is a control character",
        ))
    }

    /// The secret itself. The name is long so that every use can be found.
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret([redacted])")
    }
}

/// How the client authenticates at the token endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// `client_secret_post`: id and secret as form fields. The default, and what
    /// Prove documents.
    #[default]
    RequestBody,
    /// `client_secret_basic`: HTTP Basic, id and secret form-encoded first, as
    /// RFC 6749 §2.3.1 demands.
    Basic,
    /// `client_secret_basic_raw`: HTTP Basic with id and secret as they are, for
    /// servers that do not decode. Not in the RFC; never tried on its own.
    BasicRaw,
}

impl ClientAuthentication {
    /// Every method.
    pub const ALL: [Self; 3] = [Self::RequestBody, Self::Basic, Self::BasicRaw];

    /// The registered name, as in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RequestBody => "client_secret_post",
            Self::Basic => "client_secret_basic",
            Self::BasicRaw => "client_secret_basic_raw",
        }
    }
}

impl FromStr for ClientAuthentication {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|method| method.as_str() == name)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Configuration,
                    format!(
                        "\"{}\" is not a client authentication method",
                        text::line(name, 60)
                    ),
                )
                .with_hint("use client_secret_post, client_secret_basic or client_secret_basic_raw")
            })
    }
}

/// Where a client secret is kept.
///
/// It is read when a request for a token starts, never while a cached token is
/// handed out, so a rotated secret is picked up without a restart.
pub trait SecretSource: fmt::Debug + Send + Sync + 'static {
    /// Names the source: two sources with the same identity share cached
    /// tokens. It must not contain the secret; `file:/run/secrets/prove`, say.
    fn identity(&self) -> String;

    /// Reads the secret. It may block: it runs on a thread for blocking work.
    ///
    /// # Errors
    ///
    /// `SecretSource`, with a text that names the source and not its content.
    fn read(&self) -> Result<ClientSecret, Error>;
}

/// A client id and where its secret is.
#[derive(Clone, Debug)]
pub struct Credentials {
    client_id: ClientId,
    secret: SecretOrigin,
}

/// A literal needs no thread for blocking work.
#[derive(Clone)]
enum SecretOrigin {
    Literal(ClientSecret),
    Source(Arc<dyn SecretSource>),
}

impl fmt::Debug for SecretOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(secret) => f.debug_tuple("Literal").field(secret).finish(),
            Self::Source(source) => source.fmt(f),
        }
    }
}

impl Credentials {
    /// Credentials whose secret is known now.
    pub fn new(client_id: ClientId, secret: ClientSecret) -> Self {
        Self {
            client_id,
            secret: SecretOrigin::Literal(secret),
        }
    }

    /// Credentials whose secret is read when it is needed.
    pub fn from_source(client_id: ClientId, source: impl SecretSource) -> Self {
        Self {
            client_id,
            secret: SecretOrigin::Source(Arc::new(source)),
        }
    }

    /// The client identifier.
    pub fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// Names where the secret comes from, for the cache's key.
    pub(crate) fn identity(&self) -> String {
        match &self.secret {
            SecretOrigin::Literal(secret) => literal_identity(secret),
            SecretOrigin::Source(source) => format!("source:{}", source.identity()),
        }
    }

    /// Reads the secret, which may block. For looking at it, as a check of one's set-up
    /// does; a [`TokenClient`](crate::TokenClient) reads it by itself.
    ///
    /// # Errors
    ///
    /// `SecretSource` if it cannot be read, or is none.
    pub fn read_secret_blocking(&self) -> Result<ClientSecret, Error> {
        match &self.secret {
            SecretOrigin::Literal(secret) => Ok(secret.clone()),
            SecretOrigin::Source(source) => source.read(),
        }
    }

    /// Reads the secret. Must be called on a Tokio runtime.
    pub(crate) async fn read_secret(&self) -> Result<ClientSecret, Error> {
        let source = match &self.secret {
            SecretOrigin::Literal(secret) => return Ok(secret.clone()),
            SecretOrigin::Source(source) => Arc::clone(source),
        };
        tokio::task::spawn_blocking(move || source.read())
            .await
            .unwrap_or_else(|_| {
                Err(Error::new(
                    ErrorKind::Internal,
                    "the secret source panicked or was cut off",
                ))
            })
    }
}

/// The identity of a secret that the caller gave: a hash under a key that only
/// this process knows, so that another secret never finds this one's token and
/// the identity is worthless elsewhere.
fn literal_identity(secret: &ClientSecret) -> String {
    use aws_lc_rs::hmac;
    // Not a `OnceLock`, which a child forked while it is being filled would wait
    // for in vain.
    static KEY: ArcSwapOption<hmac::Key> = ArcSwapOption::const_empty();
    if KEY.load().is_none() {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &random)
            .expect("the operating system gives random bytes");
        KEY.compare_and_swap(&None::<Arc<hmac::Key>>, Some(Arc::new(key)));
    }
    let key = KEY.load_full().expect("set above, and never taken away");
    let tag = hmac::sign(&key, secret.expose_secret().as_bytes());
    let hex: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("literal:{hex}")
}

fn fault_of(id: &str) -> Option<&'static str> {
    if id.is_empty() {
        Some("is empty")
    } else if id.chars().any(char::is_control) {
        Some("holds control characters")
    } else if id.trim() != id {
        Some("has white space around it")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_trailing_newline_is_dropped() {
        for (given, kept) in [
            ("s", "s"),
            ("s\n", "s"),
            ("s\r\n", "s"),
            (" s ", " s "),
            ("ü+&= %", "ü+&= %"),
        ] {
            assert_eq!(ClientSecret::new(given).unwrap().expose_secret(), kept);
        }
        for bad in ["", "\n", "\r\n", "s\n\n", "a\tb", "a\0b", "s\r"] {
            let error = ClientSecret::new(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::SecretSource, "{bad:?}");
        }
    }

    #[test]
    fn ids_are_checked() {
        assert_eq!(ClientId::new("abc 1").unwrap().as_str(), "abc 1");
        for bad in ["", " a", "a\n", "a\u{0}b"] {
            assert_eq!(
                ClientId::new(bad).unwrap_err().kind(),
                ErrorKind::Configuration
            );
        }
    }

    #[test]
    fn no_debug_shows_the_secret() {
        let secret = ClientSecret::new("canary-9b1e").unwrap();
        let id = ClientId::new("id").unwrap();
        let credentials = Credentials::new(id, secret.clone());
        let shown = format!("{secret:?} {credentials:?} {}", credentials.identity());
        assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn the_identity_of_a_literal_follows_the_secret() {
        let identity = |secret: &str| literal_identity(&ClientSecret::new(secret).unwrap());
        assert_eq!(identity("a"), identity("a"));
        assert_ne!(identity("a"), identity("b"));
    }

    #[test]
    fn authentication_names_go_round() {
        for method in ClientAuthentication::ALL {
            assert_eq!(
                method.as_str().parse::<ClientAuthentication>().unwrap(),
                method
            );
        }
        assert!("basic".parse::<ClientAuthentication>().is_err());
    }
}
