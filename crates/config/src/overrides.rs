//! What the caller itself says: the flags of a command, the arguments of a
//! function.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use prove_token::{
    ClientAuthentication, ClientId, ClientSecret, Endpoint, ProxyAddress, Scope, Secret,
};

use crate::renewal::Renewal;
use crate::setting::{ClientIdSetting, EnvironmentName, Origin, SecretSetting, Setting, Settings};

/// The uppermost layer. What is `None` is left to the profile.
///
/// Giving `environment`, `token_endpoint` or `api_base` another value than the
/// profile's needs a `client_secret` here too: a secret goes only to the place
/// that it was given for. Another issuer needs its own `client_id` as well, and
/// whatever else the profile says about its issuer is left behind.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The configuration file (`--config`).
    pub config: Option<PathBuf>,
    /// The name of the profile (`--profile`).
    pub profile: Option<String>,
    /// The environment (`--environment`). Excludes `token_endpoint`.
    pub environment: Option<EnvironmentName>,
    /// Where tokens come from (`--token-endpoint`).
    pub token_endpoint: Option<Endpoint>,
    /// Where the API's operations are (`--api-base`).
    pub api_base: Option<Endpoint>,
    /// The client id (`--client-id`).
    pub client_id: Option<ClientId>,
    /// Where the client secret is (`--client-secret-file`, `--client-secret-stdin`).
    pub client_secret: Option<SecretOverride>,
    /// How the client authenticates (`--client-authentication`).
    pub client_authentication: Option<ClientAuthentication>,
    /// The scope to ask for (`--scope`).
    pub scope: Option<Scope>,
    /// Whether a scope narrower than asked for will do.
    pub accept_narrower_scope: Option<bool>,
    /// The `audience` to ask for (`--audience`).
    pub audience: Option<String>,
    /// The `resource` to ask for (`--resource`).
    pub resource: Option<String>,
    /// Extra form fields; they replace the profile's as a whole.
    pub parameters: Option<BTreeMap<String, Secret>>,
    /// The certificate authorities to trust, as PEM (`--ca-file`).
    pub ca_file: Option<PathBuf>,
    /// The proxy to use (`--proxy`).
    pub proxy: Option<ProxyAddress>,
    /// For a connection, from 10 ms to 5 min.
    pub connect_timeout: Option<Duration>,
    /// For one request and its answer, from 10 ms to 5 min.
    pub attempt_timeout: Option<Duration>,
    /// For all attempts together, from 10 ms to 5 min.
    pub flight_timeout: Option<Duration>,
    /// The lifetime of a token for which the server names none, from 1 s to 24 h.
    pub default_lifetime: Option<Duration>,
}

/// A client secret that the caller gives.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SecretOverride {
    /// The secret itself; a front end reads it from standard input, never from
    /// its arguments.
    Value(ClientSecret),
    /// A file with the secret. A relative path starts at the current folder.
    File(PathBuf),
    /// None: for what obtains no token, such as forgetting one. The profile's own
    /// secret is not looked for.
    None,
}

impl Overrides {
    /// This layer as settings.
    pub(crate) fn settings(&self) -> Settings {
        fn flag<T>(value: Option<T>) -> Option<Setting<T>> {
            value.map(|value| Setting::new(value, Origin::Flag))
        }
        let secret = |given| match given {
            SecretOverride::Value(secret) => SecretSetting::Given(secret),
            SecretOverride::File(path) => SecretSetting::File {
                path,
                allow_insecure_mode: None,
            },
            SecretOverride::None => SecretSetting::None,
        };
        let this = self.clone();
        Settings {
            environment: flag(this.environment),
            token_endpoint: flag(this.token_endpoint),
            api_base: flag(this.api_base),
            client_id: flag(this.client_id.map(ClientIdSetting::Literal)),
            client_secret: flag(this.client_secret.map(secret)),
            client_authentication: flag(this.client_authentication),
            scope: flag(this.scope),
            accept_narrower_scope: flag(this.accept_narrower_scope),
            audience: flag(this.audience),
            resource: flag(this.resource),
            parameters: flag(this.parameters),
            ca_file: flag(this.ca_file),
            proxy: flag(this.proxy),
            connect_timeout: flag(this.connect_timeout),
            attempt_timeout: flag(this.attempt_timeout),
            flight_timeout: flag(this.flight_timeout),
            rate_limit: None,
            renewal: Renewal {
                default_lifetime: flag(this.default_lifetime),
                ..Renewal::default()
            },
        }
    }
}
