//! One layer of a profile: what flags, the environment or a file say about it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use prove_token::{
    ClientAuthentication, ClientId, ClientSecret, Endpoint, Environment, Error, ProxyAddress,
    Scope, Secret,
};

use crate::duration::Timeouts;
use crate::error::Problem;
use crate::place::Place;
use crate::renewal::Renewal;

/// Where a value came from; `Display` is for people: `flag`, the variable's
/// name, `path:line:column`, `preset uat-us` or `default`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// A flag of the command, or an argument of a function.
    Flag,
    /// This environment variable.
    Variable(&'static str),
    /// A configuration file.
    File(Place),
    /// The environment of this name fixes it.
    Preset(&'static str),
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Variable(name) => f.write_str(name),
            Self::File(place) => place.fmt(f),
            Self::Preset(name) => write!(f, "preset {name}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// What `environment` may name: one of Prove's, or the built-in emulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EnvironmentName {
    /// `uat-us`, `prod-us`, `uat-eu` or `prod-eu`.
    Prove(Environment),
    /// `emulator`.
    Emulator,
}

impl EnvironmentName {
    /// Every name, as it is written.
    pub const NAMES: [&str; 5] = ["uat-us", "prod-us", "uat-eu", "prod-eu", "emulator"];

    /// The name as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prove(environment) => environment.as_str(),
            Self::Emulator => "emulator",
        }
    }
}

impl FromStr for EnvironmentName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "emulator" => Ok(Self::Emulator),
            name => name.parse().map(Self::Prove).map_err(|error: Error| {
                error.with_hint("use uat-us, prod-us, uat-eu, prod-eu or emulator")
            }),
        }
    }
}

impl fmt::Display for EnvironmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A value and where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

impl<T> Setting<T> {
    pub(crate) fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }
}

/// Where a client id is.
#[derive(Clone, Debug)]
pub(crate) enum ClientIdSetting {
    Literal(ClientId),
    Env(String),
    File(PathBuf),
}

/// Where a client secret is.
#[derive(Clone, Debug)]
pub(crate) enum SecretSetting {
    /// Given by the caller, who read it from standard input, say.
    Given(ClientSecret),
    /// Nowhere: none will be needed.
    None,
    Env(String),
    File {
        path: PathBuf,
        /// `None` where it cannot be said: beside a flag or a variable.
        allow_insecure_mode: Option<bool>,
    },
    Command {
        program: String,
        /// Not shown: somebody will put a secret among them.
        arguments: Vec<Secret>,
        time_limit: Option<Duration>,
    },
    /// A credential of systemd.
    Credential(String),
    Keyring {
        name: String,
        until_reboot: bool,
        time_limit: Option<Duration>,
    },
}

impl SecretSetting {
    /// How long reading it may take at most, if somebody says so.
    fn time_limit(&self) -> Option<Duration> {
        match self {
            Self::Command { time_limit, .. } | Self::Keyring { time_limit, .. } => *time_limit,
            _ => None,
        }
    }
}

/// The settings of a profile that one layer gives. Each key of the file is one
/// field; what no layer gives comes from the preset or is a default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) environment: Option<Setting<EnvironmentName>>,
    pub(crate) token_endpoint: Option<Setting<Endpoint>>,
    pub(crate) api_base: Option<Setting<Endpoint>>,
    pub(crate) client_id: Option<Setting<ClientIdSetting>>,
    pub(crate) client_secret: Option<Setting<SecretSetting>>,
    pub(crate) client_authentication: Option<Setting<ClientAuthentication>>,
    pub(crate) scope: Option<Setting<Scope>>,
    pub(crate) accept_narrower_scope: Option<Setting<bool>>,
    pub(crate) audience: Option<Setting<String>>,
    pub(crate) resource: Option<Setting<String>>,
    pub(crate) parameters: Option<Setting<BTreeMap<String, Secret>>>,
    pub(crate) ca_file: Option<Setting<PathBuf>>,
    pub(crate) proxy: Option<Setting<ProxyAddress>>,
    pub(crate) connect_timeout: Option<Setting<Duration>>,
    pub(crate) attempt_timeout: Option<Setting<Duration>>,
    pub(crate) flight_timeout: Option<Setting<Duration>>,
    pub(crate) rate_limit: Option<Setting<u32>>,
    pub(crate) renewal: Renewal,
}

impl Settings {
    /// The time-outs, those that are not given by their defaults.
    pub(crate) fn timeouts(&self) -> Timeouts {
        let or = |setting: &Option<Setting<Duration>>, default| {
            setting.as_ref().map_or(default, |setting| setting.value)
        };
        let default = Timeouts::default();
        Timeouts {
            connect: or(&self.connect_timeout, default.connect),
            attempt: or(&self.attempt_timeout, default.attempt),
            flight: or(&self.flight_timeout, default.flight),
        }
    }

    /// Whether a time is longer than what it is a part of.
    pub(crate) fn time_problem(&self) -> Option<Problem> {
        let timeouts = self.timeouts();
        timeouts.problem().or_else(|| {
            let source = self.client_secret.as_ref()?.value.time_limit();
            let source = source.filter(|limit| *limit > timeouts.flight)?;
            let shown = humantime::format_duration;
            let (source, flight) = (shown(source), shown(timeouts.flight));
            Some(
                Problem::new("client_secret.timeout is longer than flight_timeout").with_hint(
                    format!(
                        "reading the secret has {source}, and the whole token request, of which it is \
                         a part, {flight}: raise flight_timeout as well"
                    ),
                ),
            )
        })
    }

    /// Whether this layer, laid over another, says where tokens come from or go.
    pub(crate) fn leads_elsewhere(&self) -> bool {
        self.environment.is_some() || self.token_endpoint.is_some() || self.api_base.is_some()
    }

    /// This layer on top of `below`: each key from the upper one that gives it.
    ///
    /// The keys that say where tokens come from are one choice: a layer that
    /// names an environment or a token endpoint hides all three of the layer
    /// below, so that no half of an address is left over.
    pub(crate) fn over(self, mut below: Self) -> Self {
        if self.environment.is_some() || self.token_endpoint.is_some() {
            below.environment = None;
            below.token_endpoint = None;
            below.api_base = None;
        }
        Self {
            environment: self.environment.or(below.environment),
            token_endpoint: self.token_endpoint.or(below.token_endpoint),
            api_base: self.api_base.or(below.api_base),
            client_id: self.client_id.or(below.client_id),
            client_secret: self.client_secret.or(below.client_secret),
            client_authentication: self.client_authentication.or(below.client_authentication),
            scope: self.scope.or(below.scope),
            accept_narrower_scope: self.accept_narrower_scope.or(below.accept_narrower_scope),
            audience: self.audience.or(below.audience),
            resource: self.resource.or(below.resource),
            parameters: self.parameters.or(below.parameters),
            ca_file: self.ca_file.or(below.ca_file),
            proxy: self.proxy.or(below.proxy),
            connect_timeout: self.connect_timeout.or(below.connect_timeout),
            attempt_timeout: self.attempt_timeout.or(below.attempt_timeout),
            flight_timeout: self.flight_timeout.or(below.flight_timeout),
            rate_limit: self.rate_limit.or(below.rate_limit),
            renewal: self.renewal.over(below.renewal),
        }
    }
}
