//! Tests of how the layers come together.

mod choice;
mod elsewhere;
mod emulator;
mod store;
mod value;
mod variable;

use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use prove_token::{ClientId, ClientSecret, Endpoint, Environment, Scope, Secret};

use super::*;
use crate::overrides::SecretOverride;
use crate::profile::Row;

const CANARY: &str = "canary-7b02";

const FILE: &str = r#"version = 1
[profiles.prove]
environment = "uat-us"
client_id = "prove-id"
client_secret = { env = "FILE_SECRET" }

[profiles.acme]
token_endpoint = "https://idp.example.com/token"
api_base = "https://api.example.com"
client_id = "acme-id"
client_secret = { env = "FILE_SECRET" }
client_authentication = "client_secret_basic"
scope = ["read"]
audience = "https://api.example.com"
parameters = { pin = "canary-7b02" }
accept_narrower_scope = true
resource = "https://api.example.com/v1"
ca_file = "/acme.pem"
proxy = "https://proxy.example.com:3128"
rate_limit = 5
renewal = { attempts = 2 }

[profiles.bare]
environment = "prod-us"

[profiles.local]
environment = "emulator"
"#;

fn config(text: &str) -> Config {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.toml");
    std::fs::write(&path, text).expect("a file");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    }
    Config::load(&path).expect("a good file")
}

fn env(variables: &[(&str, &str)]) -> Env {
    variables.iter().copied().collect()
}

fn profile(name: &str) -> Overrides {
    Overrides {
        profile: Some(name.to_owned()),
        ..Overrides::default()
    }
}

fn secret(text: &str) -> Option<SecretOverride> {
    Some(SecretOverride::Value(
        ClientSecret::new(text).expect("a secret"),
    ))
}

fn endpoint(address: &str) -> Endpoint {
    address.parse().expect("an endpoint")
}

fn resolve(overrides: &Overrides, variables: &[(&str, &str)]) -> Result<Profile, Error> {
    Profile::from_config(overrides, &env(variables), Some(&config(FILE)))
}

/// The only problem of resolving.
fn problem(overrides: &Overrides, variables: &[(&str, &str)]) -> Problem {
    let error = resolve(overrides, variables).expect_err("a problem");
    assert_eq!(error.problems().len(), 1, "{error:?}");
    error.problems()[0].clone()
}

/// Whether the credentials have something to do with `name`: `Debug` of a source
/// names its variable or file.
fn names(profile: &Profile, name: &str) -> bool {
    let credentials = profile.credentials.as_ref().expect("credentials");
    format!("{credentials:?}").contains(name)
}

/// Whether the credentials hold the secret that a flag gave.
fn is_given(profile: &Profile) -> bool {
    row(profile, "client_secret").origin == Origin::Flag
        && !names(profile, "FILE_SECRET")
        && !names(profile, "PROVE_CLIENT_SECRET")
}

fn row(profile: &Profile, key: &str) -> Row {
    let mut rows = profile.explain().into_iter();
    rows.find(|row| row.key == key).expect(key)
}

const ENV_PROFILE: [(&str, &str); 2] = [
    ("PROVE_CLIENT_ID", "env-id"),
    ("PROVE_CLIENT_SECRET", "env-secret"),
];
