//! Token clients with the tests' credentials and short time limits.

use std::time::Duration;

use prove_token::{
    AccessToken, ClientId, ClientSecret, Clock, Credentials, Endpoint, Error, RetryPolicy,
    SystemClock, TokenClient, TokenClientBuilder,
};

use crate::canary::{CLIENT_ID, SECRET};
use crate::{log, tls};

/// How much later than its limit a call may end.
pub const GRACE: Duration = Duration::from_millis(250);

/// Three attempts, next to no pause, and a flight of 2 s: a `Retry-After` of
/// more does not fit and ends it.
pub fn brisk() -> RetryPolicy {
    let short = Duration::from_millis(1);
    let policy = RetryPolicy::default().base(short).cap(short);
    policy.flight_timeout(Duration::from_secs(2))
}

/// A client of `endpoint`, over real connections, that trusts
/// [`tls::authority`] alone: to read the system's certificates takes longer than
/// most tests.
///
/// Whatever is logged from here on is searched for canaries.
pub fn builder(endpoint: Endpoint) -> TokenClientBuilder {
    log::watch();
    TokenClient::builder(endpoint)
        .ca_certificates(tls::authority().pem())
        .credentials(client_id(), client_secret())
        .retry(brisk())
}

/// [`CLIENT_ID`] and [`SECRET`].
pub fn credentials() -> Credentials {
    Credentials::new(client_id(), client_secret())
}

/// [`CLIENT_ID`].
pub fn client_id() -> ClientId {
    ClientId::new(CLIENT_ID).expect("the tests' client id is one")
}

/// [`SECRET`].
pub fn client_secret() -> ClientSecret {
    ClientSecret::new(SECRET).expect("the tests' secret is one")
}

/// A client of `endpoint` with all the defaults of [`builder`].
///
/// # Panics
///
/// If the client cannot be built.
pub fn client(endpoint: Endpoint) -> TokenClient {
    builder(endpoint).build().expect("the settings are valid")
}

/// The outcome of one call, and how long it took.
pub async fn timed(client: &TokenClient) -> (Result<AccessToken, Error>, Duration) {
    let start = SystemClock.now().boot;
    let outcome = client.access_token().await;
    (outcome, SystemClock.now().boot - start)
}
