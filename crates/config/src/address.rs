//! Where a profile's tokens come from, and where they go.

use prove_token::{Endpoint, Environment};

use crate::document::without_value;
use crate::env::{self, Env};
use crate::error::Problem;
use crate::setting::{EnvironmentName, Origin, Setting, Settings};

/// What kind of place a profile points to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// One of Prove's environments.
    Environment(Environment),
    /// A token endpoint of somebody else.
    Custom,
    /// The emulator.
    Emulator {
        /// The address of the running one that `PROVE_EMULATOR` names. `None`:
        /// the front end starts one in its own process.
        url: Option<Endpoint>,
    },
}

impl Target {
    /// Whether it is the emulator.
    pub fn is_emulator(&self) -> bool {
        matches!(self, Self::Emulator { .. })
    }
}

/// A target, and its two addresses as far as they are known.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) target: Target,
    pub(crate) token_endpoint: Option<Setting<Endpoint>>,
    pub(crate) api_base: Option<Setting<Endpoint>>,
}

impl Address {
    /// The address that `settings` give; `None` if they give none.
    pub(crate) fn of(settings: &Settings, env: &Env) -> Result<Option<Self>, Problem> {
        let Some(environment) = &settings.environment else {
            return Ok(settings.token_endpoint.as_ref().map(|endpoint| Self {
                target: Target::Custom,
                token_endpoint: Some(endpoint.clone()),
                api_base: settings.api_base.clone(),
            }));
        };
        match environment.value {
            EnvironmentName::Prove(environment) => {
                let preset =
                    |endpoint| Setting::new(endpoint, Origin::Preset(environment.as_str()));
                let api_base = settings.api_base.clone();
                Ok(Some(Self {
                    target: Target::Environment(environment),
                    token_endpoint: Some(preset(environment.token_endpoint())),
                    api_base: Some(api_base.unwrap_or_else(|| preset(environment.api_base()))),
                }))
            }
            EnvironmentName::Emulator => Self::emulator(env).map(Some),
        }
    }

    /// Whether tokens come from the same place and go to the same place.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let text = |endpoint: &Option<Setting<Endpoint>>| {
            endpoint
                .as_ref()
                .map(|setting| setting.value.as_str().to_owned())
        };
        self.has_same_issuer(other) && text(&self.api_base) == text(&other.api_base)
    }

    /// Whether tokens come from the same place.
    pub(crate) fn has_same_issuer(&self, other: &Self) -> bool {
        let endpoint = |address: &Self| {
            address
                .token_endpoint
                .as_ref()
                .map(|setting| setting.value.clone())
        };
        self.target.is_emulator() == other.target.is_emulator() && endpoint(self) == endpoint(other)
    }

    /// A token endpoint that is the one of `home` is no other place: what `home`
    /// knows about it holds, less what is given here.
    pub(crate) fn stay_at(&mut self, home: &Self) {
        if self.has_same_issuer(home) {
            self.target = home.target.clone();
            self.api_base = self.api_base.take().or_else(|| home.api_base.clone());
        }
    }

    fn emulator(env: &Env) -> Result<Self, Problem> {
        let url = match env.text(env::EMULATOR)? {
            None => None,
            Some(address) => Some(running_emulator(address)?),
        };
        let from_variable = |endpoint| Setting::new(endpoint, Origin::Variable(env::EMULATOR));
        let token_endpoint = match &url {
            None => None,
            Some(url) => Some(from_variable(
                url.join("token").map_err(|error| without_value(&error))?,
            )),
        };
        Ok(Self {
            token_endpoint,
            api_base: url.clone().map(from_variable),
            target: Target::Emulator { url },
        })
    }
}

/// The emulator's credentials are public, but what is sent to it looks like the
/// real thing: it stays on this machine.
fn running_emulator(address: &str) -> Result<Endpoint, Problem> {
    let url = address.parse::<Endpoint>().ok();
    // Plain http is accepted for loopback addresses alone.
    url.filter(|url| !url.is_https() && url.path().is_empty())
        .ok_or_else(|| {
            Problem::new(format!(
                "{} is not the loopback address of an emulator",
                env::EMULATOR
            ))
            .with_hint("copy the line that prove-token emulator prints: http://127.0.0.1:PORT")
        })
}
