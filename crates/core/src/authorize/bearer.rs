//! Whose token goes where: what both integrations are made of.

use crate::authorize::may_carry_token;
use crate::client::TokenClient;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::request::AccessTokenRequest;
use crate::token::AccessToken;

#[derive(Clone, Debug)]
pub(super) struct Bearer {
    client: TokenClient,
    /// `None` for the client's own.
    request: Option<AccessTokenRequest>,
    api: Endpoint,
}

impl Bearer {
    pub(super) fn new(client: TokenClient, api: Endpoint) -> Self {
        Self {
            client,
            request: None,
            api,
        }
    }

    pub(super) fn ask_for(&mut self, request: AccessTokenRequest) {
        self.request = Some(request);
    }

    pub(super) fn is_for(&self, target: &http::Uri) -> bool {
        may_carry_token(&self.api, target)
    }

    pub(super) async fn token(&self) -> Result<AccessToken, Error> {
        match &self.request {
            None => self.client.access_token().await,
            Some(request) => self.client.access_token_with(request).await,
        }
    }

    pub(super) fn reject(&self, token: &AccessToken) {
        self.client.invalidate(token);
    }

    /// The token to try in place of one that was rejected; `None` if it is the same.
    pub(super) async fn replacement(
        &self,
        rejected: &AccessToken,
    ) -> Result<Option<AccessToken>, Error> {
        let token = self.token().await?;
        Ok((token.value() != rejected.value()).then_some(token))
    }
}
