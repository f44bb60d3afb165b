//! Prove's environments.

use std::fmt;
use std::str::FromStr;

use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};
use crate::text;

/// One of Prove's four environments. Credentials belong to exactly one of them.
///
/// Source: Prove's API reference, "Servers".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Environment {
    /// `uat-us`: Sandbox, United States. The default.
    #[default]
    UatUs,
    /// `prod-us`: Production, United States.
    ProdUs,
    /// `uat-eu`: Sandbox, Europe ("International").
    UatEu,
    /// `prod-eu`: Production, Europe ("International").
    ProdEu,
}

impl Environment {
    /// Every environment.
    pub const ALL: [Self; 4] = [Self::UatUs, Self::ProdUs, Self::UatEu, Self::ProdEu];

    /// The name in configuration: `uat-us`, `prod-us`, `uat-eu` or `prod-eu`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UatUs => "uat-us",
            Self::ProdUs => "prod-us",
            Self::UatEu => "uat-eu",
            Self::ProdEu => "prod-eu",
        }
    }

    /// The region and tier in words: `US, Sandbox`.
    pub fn description(self) -> &'static str {
        match self {
            Self::UatUs => "US, Sandbox",
            Self::ProdUs => "US, Production",
            Self::UatEu => "EU, Sandbox",
            Self::ProdEu => "EU, Production",
        }
    }

    /// Where the API's operations are, such as `https://platform.uat.proveapis.com`.
    pub fn api_base(self) -> Endpoint {
        self.endpoint("")
    }

    /// Where tokens come from: the API base and `/token`, without `/v3`.
    pub fn token_endpoint(self) -> Endpoint {
        self.endpoint("/token")
    }

    /// The environment that `endpoint` belongs to, judged by its origin.
    pub fn of(endpoint: &Endpoint) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|environment| environment.api_base().origin() == endpoint.origin())
    }

    fn endpoint(self, path: &str) -> Endpoint {
        let host = match self {
            Self::UatUs => "platform.uat.proveapis.com",
            Self::ProdUs => "platform.proveapis.com",
            Self::UatEu => "platform.uat.eu.proveapis.com",
            Self::ProdEu => "platform.eu.proveapis.com",
        };
        format!("https://{host}{path}")
            .parse()
            .expect("the four addresses above are valid, as a test proves")
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Environment {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|environment| environment.as_str() == name)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Configuration,
                    format!("\"{}\" is not an environment", text::line(name, 60)),
                )
                .with_hint("use uat-us, prod-us, uat-eu or prod-eu")
            })
    }
}

impl From<Environment> for Endpoint {
    /// The environment's token endpoint.
    fn from(environment: Environment) -> Self {
        environment.token_endpoint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_go_round() {
        for environment in Environment::ALL {
            assert_eq!(
                environment.as_str().parse::<Environment>().unwrap(),
                environment
            );
            assert_eq!(
                Environment::of(&environment.token_endpoint()),
                Some(environment)
            );
            assert_eq!(environment.token_endpoint().path(), "/token");
        }
        assert_eq!(
            "prod".parse::<Environment>().unwrap_err().kind(),
            ErrorKind::Configuration
        );
    }
}
