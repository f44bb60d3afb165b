//! What is known of a token, for people and for monitoring: nobody is asked for it.

use std::time::{Duration, SystemTime};

use super::TokenClient;
use crate::cache::Slot;
use crate::error::Error;
use crate::request::AccessTokenRequest;
use crate::store::{MissReason, Remembered};
use crate::token::AccessToken;

/// What is known of a request's token; see [`TokenClient::status`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TokenStatus {
    /// The token that callers would get. `None` if none that is held or kept may be
    /// handed out.
    pub token: Option<AccessToken>,
    /// Until a running program that is asked for the token, or that
    /// [watches](TokenClient::watch) it, would renew it; zero if that is due. `None`
    /// without a token.
    pub renewal_in: Option<Duration>,
    /// The last failure, if nothing has succeeded since and it still counts. Its
    /// [`retry_after`](Error::retry_after) is what is left of the pause before the next
    /// request, zero if that is over.
    pub failure: Option<Error>,
    /// Why nothing that the store keeps could be used. `None` if something could, if it
    /// was not looked at, and without a store.
    pub missed: Option<MissReason>,
}

impl TokenClient {
    /// The token of [`access_token`](Self::access_token), if it is in memory and not yet to
    /// be renewed. Nothing is started, read or waited for; `None` means no more than that
    /// [`access_token`](Self::access_token) may take longer. For bindings to other
    /// languages, which have to prepare for a wait.
    #[inline]
    pub fn fresh_access_token(&self) -> Option<AccessToken> {
        let inner = &self.0;
        inner.slot.fresh(inner.obtainer.clock.coarse())
    }

    /// What is known of the token of `request` (`None`: what
    /// [`access_token`](Self::access_token) asks for) from memory. Nothing is started,
    /// nobody is asked, and nothing blocks.
    ///
    /// # Errors
    ///
    /// `Configuration` if there are no credentials.
    pub fn status(&self, request: Option<&AccessTokenRequest>) -> Result<TokenStatus, Error> {
        let slot = self.slot(request.unwrap_or(&self.0.request))?;
        Ok(self.seen(&slot, None))
    }

    /// As [`status`](Self::status), from the store as well where there is no usable token
    /// in memory: for who has just begun. It may block, to read the secret and two small
    /// files.
    ///
    /// # Errors
    ///
    /// `SecretSource` if the secret cannot be read, without which the store cannot be;
    /// `Configuration` if there are no credentials.
    pub fn stored_status(
        &self,
        request: Option<&AccessTokenRequest>,
    ) -> Result<TokenStatus, Error> {
        let request = request.unwrap_or(&self.0.request);
        let slot = self.slot(request)?;
        let seen = self.seen(&slot, None);
        if seen.token.is_some() {
            return Ok(seen);
        }
        let (missed, remembered) = self.gate(&slot, request).voyage().look_up()?;
        Ok(TokenStatus {
            missed,
            ..self.seen(&slot, remembered)
        })
    }

    /// What `slot` knows. A failure that is `remembered` by the store is the later one.
    fn seen(&self, slot: &Slot, remembered: Option<Remembered>) -> TokenStatus {
        let now = self.0.obtainer.clock.now();
        let token = slot.current().filter(|token| token.is_usable(now));
        let has_token = token.is_some();
        let failure = remembered
            .map(|failure| failure.told(has_token))
            .or_else(|| slot.last_failure(has_token, now));
        let paused = failure.as_ref().and_then(Error::retry_after);
        let renewal_in = token.as_ref().map(|token| {
            let due = slot.due_in(now).unwrap_or_default();
            due.max(paused.unwrap_or_default())
                .min(token.life().usable_for(now))
        });
        TokenStatus {
            token: token.map(AccessToken::new),
            renewal_in,
            failure,
            missed: None,
        }
    }

    /// When the token that the store keeps for `request` (`None`: what
    /// [`access_token`](Self::access_token) asks for) ends, as its entry says. It needs
    /// no secret, and so cannot tell whether somebody changed the entry, nor whether
    /// this client could open it: it informs. It blocks for a moment.
    ///
    /// # Errors
    ///
    /// `Configuration` if there are no credentials.
    pub fn stored_until(
        &self,
        request: Option<&AccessTokenRequest>,
    ) -> Result<Option<SystemTime>, Error> {
        let Some(vault) = &self.0.vault else {
            return Ok(None);
        };
        let key = self.store_key(request.unwrap_or(&self.0.request))?;
        let ends = vault.ends(&key);
        Ok(ends.and_then(|wall| SystemTime::UNIX_EPOCH.checked_add(wall)))
    }
}
