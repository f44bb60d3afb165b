//! A profile that is to be written.

use std::path::{Path, PathBuf};

use prove_token::{ClientAuthentication, ClientId, Endpoint, ProxyAddress, Scope, Secret};
use toml_edit::{Array, InlineTable, Item, Table, Value};

use crate::error::Problem;
use crate::place::printable;
use crate::secret::SecretPlace;
use crate::setting::EnvironmentName;

/// Where the tokens of a new profile come from.
#[derive(Clone, Debug)]
pub enum Issuer {
    /// One of Prove's environments, or the emulator.
    Environment(EnvironmentName),
    /// The token endpoint of another provider.
    TokenEndpoint(Endpoint),
}

/// The keys of a new profile; see the configuration file for their meaning. What is
/// `None` is not written, and has its default.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewProfile {
    /// `environment` or `token_endpoint`.
    pub issuer: Issuer,
    /// `api_base`.
    pub api_base: Option<Endpoint>,
    /// `client_id`.
    pub client_id: Option<ClientId>,
    /// `client_secret`.
    pub client_secret: Option<SecretPlace>,
    /// `client_authentication`.
    pub client_authentication: Option<ClientAuthentication>,
    /// `scope`.
    pub scope: Option<Scope>,
    /// `audience`.
    pub audience: Option<String>,
    /// `resource`.
    pub resource: Option<String>,
    /// `ca_file`; a relative path starts at the current folder.
    pub ca_file: Option<PathBuf>,
    /// `proxy`.
    pub proxy: Option<ProxyAddress>,
}

impl NewProfile {
    /// A profile that says where its tokens come from, and nothing else.
    pub fn new(issuer: Issuer) -> Self {
        Self {
            issuer,
            api_base: None,
            client_id: None,
            client_secret: None,
            client_authentication: None,
            scope: None,
            audience: None,
            resource: None,
            ca_file: None,
            proxy: None,
        }
    }

    /// Its table, in the order of the documentation.
    pub(super) fn table(&self) -> Result<Table, Problem> {
        let mut table = Table::new();
        let mut add = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                table.insert(key, Item::Value(value));
            }
        };
        match &self.issuer {
            Issuer::Environment(name) => add("environment", Some(name.as_str().into())),
            Issuer::TokenEndpoint(url) => add("token_endpoint", Some(url.as_str().into())),
        }
        add(
            "api_base",
            text(self.api_base.as_ref().map(Endpoint::as_str)),
        );
        add(
            "client_id",
            text(self.client_id.as_ref().map(ClientId::as_str)),
        );
        let secret = self.client_secret.as_ref().map(secret).transpose()?;
        add("client_secret", secret.map(Value::InlineTable));
        let authentication = self.client_authentication.map(ClientAuthentication::as_str);
        add("client_authentication", text(authentication));
        let scope = self
            .scope
            .as_ref()
            .map(|scope| scope.iter().collect::<Array>());
        add("scope", scope.map(Value::Array));
        add("audience", text(self.audience.as_deref()));
        add("resource", text(self.resource.as_deref()));
        let ca_file = self.ca_file.as_deref().map(|file| path("ca_file", file));
        add("ca_file", ca_file.transpose()?);
        add("proxy", text(self.proxy.as_ref().map(ProxyAddress::as_str)));
        Ok(table)
    }
}

fn text(value: Option<&str>) -> Option<Value> {
    value.map(Value::from)
}

fn secret(place: &SecretPlace) -> Result<InlineTable, Problem> {
    let mut table = InlineTable::new();
    match place {
        SecretPlace::Env(name) => {
            table.insert("env", name.as_str().into());
        }
        SecretPlace::File(file) => {
            table.insert("file", path("client_secret.file", file)?);
        }
        SecretPlace::Command(words) => {
            let words: Array = words.iter().map(Secret::expose_secret).collect();
            table.insert("command", Value::Array(words));
        }
        SecretPlace::Keyring { name, until_reboot } => {
            table.insert("keyring", name.as_str().into());
            if *until_reboot {
                table.insert("until_reboot", true.into());
            }
        }
        SecretPlace::Credential(name) => {
            table.insert("credential", name.as_str().into());
        }
    }
    Ok(table)
}

/// In the file a relative path would start at the file's folder.
fn path(key: &str, path: &Path) -> Result<Value, Problem> {
    let refuse = |problem: &str| {
        Problem::new(format!("the path {} {problem}", printable(path))).with_key(key)
    };
    let whole = std::path::absolute(path).map_err(|_| refuse("does not say where it starts"))?;
    match whole.to_str() {
        Some(text) => Ok(text.into()),
        None => Err(refuse("is not valid UTF-8")),
    }
}
