//! Obtain, cache and renew OAuth 2.0 bearer tokens with the client credentials grant.
#![forbid(unsafe_code)]

mod clock;
mod credentials;
mod endpoint;
mod environment;
mod error;
mod request;
mod scope;
mod secret;
mod text;

pub use clock::{Clock, Now, Sleep, SystemClock};
pub use credentials::{ClientAuthentication, ClientId, ClientSecret, Credentials, SecretSource};
pub use endpoint::Endpoint;
pub use environment::Environment;
pub use error::{Error, ErrorKind, ErrorResponse};
pub use request::AccessTokenRequest;
pub use scope::Scope;
pub use secret::Secret;
