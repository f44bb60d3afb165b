//! The token endpoint: its address, and what it says to a real request.

mod address;

use std::sync::Arc;
use std::time::Duration;

use prove_token::{
    AccessToken, ClientAuthentication, ClientSecret, Credentials, Environment, Error, ErrorKind,
};
use prove_token_config::Profile;

pub(super) use self::address::examine as address;
use super::Terms;
use super::finding::{Check, Finding};
use super::limit::Cut;
use super::witness::Witness;
use crate::report;
use crate::times::brief;

pub(super) const ADDRESS: Check = Check::new("endpoint.address", "address");
pub(super) const TOKEN: Check = Check::new("endpoint.token", "token");
const AUTHENTICATION: Check = Check::new("endpoint.authentication", "style");
const LIFETIME: Check = Check::new("endpoint.lifetime", "life");
const SCOPE: Check = Check::new("endpoint.scope", "scope");
const REPEAT: Check = Check::new("endpoint.repeat", "next token");

/// Tokens that live shorter are asked for all the time.
const SHORT: Duration = Duration::from_secs(60);

/// Asks for tokens in the name of a profile.
pub(super) struct Applicant<'a> {
    pub(super) profile: &'a Profile,
    /// Read once: each request has the same.
    pub(super) secret: &'a ClientSecret,
    /// Whether it looks like a slip.
    pub(super) is_odd: bool,
    pub(super) witness: &'a Arc<Witness>,
    pub(super) terms: &'a Terms<'a>,
}

/// Why a request brought no token.
enum Refusal {
    Error(Error),
    Cut(Cut),
}

impl From<prove_token_config::Error> for Refusal {
    fn from(error: prove_token_config::Error) -> Self {
        Self::Error(error.into())
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Applicant<'_> {
    /// One request, or two if the first is granted; where the credentials are rejected,
    /// one more for each other style.
    pub(super) async fn examine(&self) -> Vec<Finding> {
        let style = self.profile.client_authentication;
        match self.request(style).await {
            Ok((token, took)) => self.granted(style, &token, took).await,
            Err(Refusal::Cut(cut)) => {
                let remedy = "the server is there and says nothing: ask who runs it";
                vec![
                    TOKEN
                        .failed(ErrorKind::Timeout, cut.to_string())
                        .remedy(remedy),
                ]
            }
            Err(Refusal::Error(error)) if error.kind() == ErrorKind::CredentialsRejected => {
                self.rejected(style, &error).await
            }
            Err(Refusal::Error(error)) => vec![refused(&error)],
        }
    }

    /// Exactly one request: neither tried again nor from a cache.
    async fn request(
        &self,
        style: ClientAuthentication,
    ) -> Result<(AccessToken, Duration), Refusal> {
        let mut profile = self.profile.clone();
        let id = profile.credentials.as_ref();
        let id = id.map(|credentials| credentials.client_id().clone());
        profile.credentials = id.map(|id| Credentials::new(id, self.secret.clone()));
        profile.client_authentication = style;
        profile.retry = profile.retry.attempts(1);
        profile.cache_folder = None;
        let console = Arc::clone(self.terms.console);
        let client = profile
            .client_builder(Arc::clone(self.witness))?
            .background_renewal(false)
            .on_event(move |event| report::event(&console, event))
            .build()?;
        let asked = client.request_access_token(&profile.request);
        let limit = profile.timeouts.flight;
        let (outcome, took) = self
            .terms
            .limit
            .step(limit, asked)
            .await
            .map_err(Refusal::Cut)?;
        Ok((outcome?, took))
    }

    async fn granted(
        &self,
        style: ClientAuthentication,
        token: &AccessToken,
        took: Duration,
    ) -> Vec<Finding> {
        vec![
            TOKEN.good(format!("granted in {}", brief(took))),
            AUTHENTICATION.good(format!("{} works", style.as_str())),
            lifetime(token),
            self.scope(token),
            self.repeat(style, token).await,
        ]
    }

    fn scope(&self, token: &AccessToken) -> Finding {
        let rows = self.profile.explain();
        let asked = rows.iter().find(|row| row.key == "scope");
        match (token.scope(), asked) {
            (Some(granted), _) => SCOPE.good(format!("the server grants {granted}")),
            (None, Some(asked)) => {
                SCOPE.good(format!("as asked for, the server says: {}", asked.value))
            }
            (None, None) => SCOPE.idle("none is asked for, and the server names none"),
        }
    }

    /// Whether a program that keeps its token gets another one than its neighbours.
    async fn repeat(&self, style: ClientAuthentication, token: &AccessToken) -> Finding {
        match self.request(style).await {
            Ok((again, _)) if again.value() == token.value() => {
                REPEAT.good("a second request brings the same token again")
            }
            Ok(_) => REPEAT.good("a second request brings another token"),
            Err(Refusal::Error(error)) => REPEAT
                .warning(format!("a second request fails: {error}"))
                .maybe_remedy(error.hint()),
            Err(Refusal::Cut(cut)) => REPEAT.not_tried(cut.to_string()),
        }
    }

    /// A rejection may be of the style alone. Each other one costs a request, of which
    /// an account that locks may take few: those that would look the same are left out,
    /// and all of them where the server's documentation knows a single one.
    async fn rejected(&self, style: ClientAuthentication, error: &Error) -> Vec<Finding> {
        let rejected = TOKEN.failed(error.kind(), error.to_string());
        let (mut tried, mut end) = (Vec::new(), None);
        for other in self.others(style) {
            match self.request(other).await {
                Ok((token, _)) => {
                    let found = self.another_style(other, error);
                    return vec![rejected, found, lifetime(&token), self.scope(&token)];
                }
                Err(Refusal::Error(error)) if error.kind() == ErrorKind::CredentialsRejected => {
                    tried.push(other.as_str());
                }
                Err(Refusal::Error(error)) => {
                    end = Some(format!("{} fails otherwise: {error}", other.as_str()));
                    break;
                }
                Err(Refusal::Cut(cut)) => {
                    end = Some(format!("{}: {cut}", other.as_str()));
                    break;
                }
            }
        }
        let of_tried = || match tried.is_empty() {
            true => "Prove knows client_secret_post alone".to_owned(),
            false => format!(
                "rejected by {} as well: the style is not the cause",
                tried.join(" and ")
            ),
        };
        let style = AUTHENTICATION.idle(end.unwrap_or_else(of_tried));
        vec![rejected.maybe_remedy(self.hint(error)), style]
    }

    fn another_style(&self, works: ClientAuthentication, error: &Error) -> Finding {
        let fails = self.profile.client_authentication.as_str();
        let works = works.as_str();
        AUTHENTICATION
            .failed(
                error.kind(),
                format!("{works} works, and {fails} is what is used"),
            )
            .remedy(format!(
                "write client_authentication = \"{works}\" in the profile {}",
                self.profile.name
            ))
    }

    /// The styles that are worth a request.
    fn others(&self, style: ClientAuthentication) -> Vec<ClientAuthentication> {
        use ClientAuthentication::{Basic, BasicRaw, RequestBody};
        let endpoint = self.profile.token_endpoint.as_ref();
        if style == RequestBody && endpoint.and_then(Environment::of).is_some() {
            return Vec::new();
        }
        let id = self.profile.credentials.as_ref();
        let id = id.map_or("", |credentials| credentials.client_id().as_str());
        // The two forms of Basic differ where there is something to encode.
        let are_alike = is_plain(id) && is_plain(self.secret.expose_secret());
        let is_twin = |other| match style {
            BasicRaw => other == Basic,
            _ => other == BasicRaw,
        };
        let all = ClientAuthentication::ALL.into_iter();
        all.filter(|other| *other != style && !(are_alike && is_twin(*other)))
            .collect()
    }

    fn hint(&self, error: &Error) -> Option<String> {
        let hint = error.hint()?;
        Some(match self.is_odd {
            true => format!("begin with what is odd above; then {hint}"),
            false => hint.to_owned(),
        })
    }
}

/// What form encoding leaves as it is.
fn is_plain(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"*-._".contains(&byte);
    text.bytes().all(is_plain)
}

fn refused(error: &Error) -> Finding {
    TOKEN
        .failed(error.kind(), error.to_string())
        .maybe_remedy(error.hint())
}

fn lifetime(token: &AccessToken) -> Finding {
    let life = token.lifetime();
    let sentence = format!("a token lives {}", brief(life));
    match life < SHORT {
        true => LIFETIME
            .warning(sentence)
            .remedy("such tokens are asked for all the time: have the server's owner raise it"),
        false => LIFETIME.good(sentence),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_looks_the_same_encoded() {
        assert!(is_plain("aZ09*-._"));
        for text in ["a b", "a+b", "a:b", "a~b", "\u{fc}"] {
            assert!(!is_plain(text), "{text}");
        }
    }
}
