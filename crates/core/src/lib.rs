//! Obtain, cache and hand out OAuth 2.0 bearer tokens with the client credentials
//! grant (RFC 6749 §4.4): for Prove's APIs, and for any provider with that grant.
//!
//! ```no_run
//! use prove_token::{ClientSecret, Environment, TokenClient};
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let secret = ClientSecret::new(std::fs::read_to_string("/run/secrets/prove")?)?;
//! let client = TokenClient::builder(Environment::UatUs)
//!     .credentials("my-client-id", secret)
//!     .build()?;
//! let token = client.access_token().await?; // from the cache, or else from Prove
//! let header = token.authorization_header(); // Authorization: Bearer …
//! # Ok(()) }
//! ```
//!
//! Another provider is an [`Endpoint`], with [`ClientAuthentication`] and an
//! [`AccessTokenRequest`] for scope, audience, resource and extra parameters:
//!
//! ```no_run
//! use prove_token::{AccessTokenRequest, ClientAuthentication, Endpoint, TokenClient};
//! # fn example(secret: prove_token::ClientSecret) -> Result<(), prove_token::Error> {
//! let endpoint: Endpoint = "https://idp.example.com/oauth2/token".parse()?;
//! let client = TokenClient::builder(endpoint)
//!     .credentials("me", secret)
//!     .client_authentication(ClientAuthentication::Basic)
//!     .request(AccessTokenRequest::new().scope("read write".parse()?))
//!     .build()?;
//! # Ok(()) }
//! ```
//!
//! # What it promises
//!
//! - **One request per token**, for any number of callers; success and failure are
//!   shared by all who waited. Requests run on a thread of this crate's own
//!   ([`TokenClientBuilder::runtime`] chooses another place), so callers come from any
//!   async runtime, and one that goes away takes nothing from the others.
//! - **Renewed before it ends** ([`RenewalPolicy`]): in the background first, with a short
//!   wait later. A live token is handed out through any failure of the server, and
//!   failures set the pace of further requests. Renewal is driven by calls;
//!   [`TokenClient::watch`] keeps a token warm that nobody asks for.
//! - **No token past its end**, by either of two clocks, nor in its last seconds, which
//!   belong to the request it is used for. Its life is counted from before it was asked
//!   for.
//! - **Polite**: at most 4 token requests at the same time, and for Prove's environments
//!   24 requests in any second ([`RequestBudget`]).
//! - **The secret goes to one place**: the endpoint it was given for, over verified TLS
//!   (plain http for loopback only). Redirects are not followed and proxy variables are
//!   not read.
//! - **Nothing shows it**: no `Debug`, error or event holds a secret or a token.
//! - **Strict about answers**: a 200 without exactly one usable bearer token is an
//!   [`Error`], never an empty token.
//!
//! # Calling an API
//!
//! [`authorize`] puts tokens into the requests of a reqwest client (feature
//! `reqwest-middleware`) or through a tower service (feature `tower`), for one origin,
//! and replays a request whose token the API rejects. By hand: when an API
//! [rejects a token](authorize::rejects_token), tell [`TokenClient::invalidate`] and
//! ask again. Threads without an async runtime use [`blocking::TokenClient`].
//!
//! # More than one process
//!
//! With a [store](TokenClientBuilder::store) tokens outlive the process, and all
//! processes that have the client secret share them: one of them asks for the next
//! token, and leaves it, or its failure, for the others. Entries are sealed with the
//! secret, so the folder is worthless to whoever has not got that anyway.
//!
//! ```no_run
//! use prove_token::{Environment, TokenClient, store::FileStore};
//! # fn example(secret: prove_token::ClientSecret) -> Result<(), prove_token::Error> {
//! let client = TokenClient::builder(Environment::UatUs)
//!     .credentials("my-client-id", secret)
//!     .store(FileStore::new("/var/cache/my-app/tokens"))
//!     .build()?;
//! # Ok(()) }
//! ```
//!
//! # Errors
//!
//! Everything fails with one [`Error`], whose [`kind`](Error::kind) is made for
//! decisions, whose text is safe to log, and whose [`hint`](Error::hint) says what to do.
#![forbid(unsafe_code)]

pub mod authorize;
pub mod blocking;
mod budget;
mod cache;
mod client;
mod clock;
mod credentials;
mod endpoint;
mod environment;
mod error;
mod event;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod obtain;
mod options;
mod process;
mod random;
mod redactor;
mod renewal;
mod request;
mod retry;
mod scope;
mod secret;
pub mod store;
#[cfg(test)]
mod testing;
mod text;
mod token;
pub mod transport;
mod wire;

pub use budget::RequestBudget;
pub use client::{TokenClient, TokenClientBuilder, TokenStatus, TokenWatch};
pub use clock::{BootId, Clock, Coarse, Now, Sleep, SystemClock};
pub use credentials::{ClientAuthentication, ClientId, ClientSecret, Credentials, SecretSource};
pub use endpoint::{Endpoint, ProxyAddress};
pub use environment::Environment;
pub use error::{Error, ErrorKind, ErrorResponse};
pub use event::Event;
pub use options::CallOptions;
pub use renewal::RenewalPolicy;
pub use request::AccessTokenRequest;
pub use retry::RetryPolicy;
pub use scope::Scope;
pub use secret::Secret;
pub use token::AccessToken;
