//! azure_identity, with a transport inside the process.

use std::sync::Arc;

use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::headers::Headers;
use azure_core::http::{
    AsyncRawResponse, ClientOptions, HttpClient, Request, StatusCode, Transport,
};
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};

use crate::figure::Outcome;
use crate::meter::at_once;
use crate::ours;

const SCOPES: &[&str] = &["https://vault.example.com/.default"];

pub struct Azure(Arc<ClientSecretCredential>);

#[derive(Debug)]
struct Instantly;

#[async_trait::async_trait]
impl HttpClient for Instantly {
    async fn execute_request(&self, _: &Request) -> azure_core::Result<AsyncRawResponse> {
        let body = ours::answer(1);
        Ok(AsyncRawResponse::from_bytes(
            StatusCode::Ok,
            Headers::default(),
            body,
        ))
    }
}

impl Azure {
    pub async fn new() -> Outcome<Self> {
        let options = ClientSecretCredentialOptions {
            client_options: ClientOptions {
                transport: Some(Transport::new(Arc::new(Instantly))),
                ..ClientOptions::default()
            },
        };
        let secret = Secret::new("bench-secret");
        let (tenant, client) = ("bench-tenant", "bench-client".to_owned());
        let credential = ClientSecretCredential::new(tenant, client, secret, Some(options))?;
        credential.get_token(SCOPES, None).await?;
        Ok(Self(credential))
    }

    pub fn take(&self, calls: u32) {
        for _ in 0..calls {
            let token = at_once(self.0.get_token(SCOPES, None)).expect("the token at hand");
            std::hint::black_box(token.token.secret());
        }
    }
}
