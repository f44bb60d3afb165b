//! A profile that is served: its client, and its token as a ready answer.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::HeaderValue;
use prove_token::{AccessToken, Clock as _, Endpoint, Scope, SystemClock, TokenClient};
use prove_token_config::Profile;
use serde_json::json;
use tokio::sync::watch;

use crate::chronicle::Chronicle;
use crate::failure::Failure;
use crate::proxy::Gateway;

/// Callers may have the token renewed before its time at most so often.
const BETWEEN_FORCED: Duration = Duration::from_secs(30);

/// One profile.
pub(crate) struct Desk {
    pub(crate) name: String,
    pub(crate) client: TokenClient,
    /// Where it is written down how the token fares.
    chronicle: Arc<Chronicle>,
    /// What the profile allows though it is not safe.
    pub(crate) insecure: Vec<&'static str>,
    /// Whether a first token, or the failure to get one, was there.
    pub(crate) has_begun: AtomicBool,
    /// Where the proxy leads.
    pub(crate) api_base: Option<Endpoint>,
    /// The way there.
    pub(crate) gateway: Option<Gateway>,
    /// The scope that is asked for.
    scope: Scope,
    /// The last answer: it is good for one token and one second.
    ready: ArcSwapOption<Ready>,
    /// The id of the token that was last renewed.
    renewed: watch::Sender<Option<Arc<str>>>,
    /// When a caller last had it renewed before its time, since the machine's start.
    forced: Mutex<Option<Duration>>,
}

/// A token as it is handed out.
pub(crate) struct Ready {
    token: AccessToken,
    /// The second for which it was written.
    second: u64,
    pub(crate) id: Arc<str>,
    /// The id, in quotes.
    pub(crate) etag: HeaderValue,
    pub(crate) json: Bytes,
}

impl Desk {
    /// The desk of `profile`, whose tokens `client` obtains.
    ///
    /// # Errors
    ///
    /// `Configuration` if TLS to the API cannot be set up.
    pub(crate) fn new(
        profile: &Profile,
        client: TokenClient,
        chronicle: Arc<Chronicle>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            gateway: Gateway::new(profile, &client)?,
            chronicle,
            insecure: profile.insecure_settings(),
            name: profile.name.clone(),
            client,
            api_base: profile.api_base.clone(),
            scope: profile.request.requested_scope().clone(),
            ready: ArcSwapOption::empty(),
            has_begun: AtomicBool::new(false),
            renewed: watch::Sender::new(None),
            forced: Mutex::default(),
        })
    }

    /// `token` as it is handed out now.
    pub(crate) fn ready(&self, token: &AccessToken) -> Arc<Ready> {
        let second = SystemClock.coarse().wall.as_secs();
        let last = self.ready.load();
        if let Some(last) = &*last {
            let is_same = std::ptr::eq(last.token.value(), token.value());
            if is_same && last.second == second {
                return Arc::clone(last);
            }
        }
        let id = match &*last {
            Some(last) if last.token.value() == token.value() => Arc::clone(&last.id),
            _ => token_id(token.value()),
        };
        let ready = Arc::new(Ready {
            json: self.json(token, &id),
            etag: etag(&id),
            token: token.clone(),
            second,
            id,
        });
        self.ready.store(Some(Arc::clone(&ready)));
        ready
    }

    /// Whether a token of this profile has all of `scope`, as far as it was asked for.
    pub(crate) fn grants(&self, scope: &str) -> bool {
        let asked = self.scope.to_string();
        let has = |word: &str| asked.split(' ').any(|asked| asked == word);
        scope.split(' ').filter(|word| !word.is_empty()).all(has)
    }

    /// The scope of `token`, if it is known: what the server does not say is what was
    /// asked for.
    pub(crate) fn scope_of(&self, token: &AccessToken) -> Option<String> {
        let scope = token.scope().unwrap_or(&self.scope).to_string();
        (!scope.is_empty()).then_some(scope)
    }

    /// Whether a caller may have the token renewed before its time now; it is then taken
    /// that it does. All callers share this: one in a loop must not use up what the
    /// provider grants to all.
    pub(crate) fn may_force(&self) -> bool {
        let now = SystemClock.now().boot;
        let mut forced = self.forced.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = forced.is_none_or(|at| now.saturating_sub(at) >= BETWEEN_FORCED);
        if is_due {
            *forced = Some(now);
        }
        is_due
    }

    /// Ends when there is another token than `token`, and when the service ends or has
    /// another configuration.
    pub(crate) async fn another_than(&self, token: &AccessToken) {
        let known = token_id(token.value());
        let mut renewed = self.renewed.subscribe();
        tokio::select! {
            _ = renewed.wait_for(|id| id.as_ref().is_some_and(|id| *id != known)) => {}
            () = self.chronicle.over() => {}
        }
    }

    fn json(&self, token: &AccessToken, id: &str) -> Bytes {
        let ends = token.expires_at().duration_since(std::time::UNIX_EPOCH);
        let mut object = json!({
            "access_token": token.value(),
            "token_type": token.token_type(),
            "expires_in": token.expires_in().as_secs(),
            "expires_at": ends.map_or(0, |ends| ends.as_secs()),
            "profile": self.name,
            "token_id": id,
            "source": if token.is_from_store() { "cache" } else { "server" },
        });
        if let Some(scope) = token.scope() {
            object["scope"] = json!(scope.to_string());
        }
        object.to_string().into()
    }

    /// Follows the token for as long as the service runs, so that it is renewed on time
    /// whether anybody asks or not.
    pub(crate) async fn keep(&self) {
        let mut watch = self.client.watch(None);
        loop {
            match watch.next().await {
                Ok(token) => {
                    let id = Arc::clone(&self.ready(&token).id);
                    self.chronicle.renewed(&token, &id);
                    self.renewed.send_replace(Some(id));
                }
                // The watch goes on.
                Err(error) => {
                    let failure = self
                        .client
                        .status(None)
                        .ok()
                        .and_then(|status| status.failure);
                    let retry_in = failure.and_then(|failure| failure.retry_after());
                    self.chronicle.without_token(&error, retry_in);
                }
            }
            self.has_begun.store(true, Ordering::Relaxed);
        }
    }
}

/// Names a token without giving it away: the first half of its SHA-256.
pub(crate) fn token_id(token: &str) -> Arc<str> {
    let hash = digest(&SHA256, token.as_bytes());
    let half = hash.as_ref().iter().take(16);
    half.map(|byte| format!("{byte:02x}"))
        .collect::<String>()
        .into()
}

fn etag(id: &str) -> HeaderValue {
    let quoted = format!("\"{id}\"");
    HeaderValue::try_from(quoted).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Neither the token nor the answer that holds it.
impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
