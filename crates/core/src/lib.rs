//! Obtain, cache and renew OAuth 2.0 bearer tokens with the client credentials grant.
#![forbid(unsafe_code)]

mod cache;
mod client;
mod clock;
mod credentials;
mod endpoint;
mod environment;
mod error;
mod event;
mod obtain;
mod random;
mod request;
mod retry;
mod scope;
mod secret;
#[cfg(test)]
mod testing;
mod text;
mod token;
pub mod transport;
mod wire;

pub use client::{TokenClient, TokenClientBuilder};
pub use clock::{Clock, Now, Sleep, SystemClock};
pub use credentials::{ClientAuthentication, ClientId, ClientSecret, Credentials, SecretSource};
pub use endpoint::{Endpoint, ProxyAddress};
pub use environment::Environment;
pub use error::{Error, ErrorKind, ErrorResponse};
pub use event::Event;
pub use request::AccessTokenRequest;
pub use retry::RetryPolicy;
pub use scope::Scope;
pub use secret::Secret;
pub use token::AccessToken;
