//! yup-oauth2's service account flow, with a token endpoint on loopback.

use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use yup_oauth2::authenticator::Authenticator;
use yup_oauth2::{CustomHyperClientBuilder, ServiceAccountAuthenticator, ServiceAccountKey};

use crate::figure::Outcome;
use crate::meter::at_once;
use crate::server::{Answer, Server};

const SCOPES: &[&str] = &["https://www.example.com/auth/read"];

pub struct Yup(Authenticator<HttpConnector>);

impl Yup {
    pub async fn new() -> Outcome<Self> {
        let server = Server::start(Answer::default())?;
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256)?;
        let account = ServiceAccountKey {
            key_type: None,
            project_id: None,
            private_key_id: None,
            private_key: key.serialize_pem(),
            client_email: "bench@example.com".to_owned(),
            client_id: None,
            auth_uri: None,
            token_uri: server.url(),
            auth_provider_x509_cert_url: None,
            client_x509_cert_url: None,
        };
        let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        let client = CustomHyperClientBuilder::from(client);
        let authenticator = ServiceAccountAuthenticator::with_client(account, client)
            .build()
            .await?;
        authenticator.token(SCOPES).await?;
        Ok(Self(authenticator))
    }

    pub fn take(&self, calls: u32) {
        for _ in 0..calls {
            let token = at_once(self.0.token(SCOPES)).expect("the token at hand");
            std::hint::black_box(token.token());
        }
    }
}
