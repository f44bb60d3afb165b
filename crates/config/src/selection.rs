//! Which profile: named, made of variables, the default one, or made of flags.

use std::path::Path;

use prove_token::{ClientId, Environment};

use crate::document::{suggestion, without_value};
use crate::env::{self, Env};
use crate::error::Problem;
use crate::file::Config;
use crate::overrides::{Overrides, SecretOverride};
use crate::place::printable;
use crate::schema;
use crate::setting::{ClientIdSetting, EnvironmentName, Origin, SecretSetting, Setting, Settings};

/// The implicit profile of variables.
pub(crate) const ENV: &str = "env";
/// The implicit profile of flags.
pub(crate) const FLAGS: &str = "flags";

/// A profile before flags and presets.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) name: String,
    /// Who chose it.
    pub(crate) origin: Origin,
    pub(crate) settings: Settings,
}

/// Whether the flags ask for the emulator and nothing names a profile or a file:
/// that must work for somebody who has neither, or broken ones.
pub(crate) fn is_emulator_alone(overrides: &Overrides, env: &Env) -> bool {
    overrides.environment == Some(EnvironmentName::Emulator)
        && overrides.profile.is_none()
        && overrides.config.is_none()
        && env.var_os(env::PROFILE).is_none()
}

/// Chooses: `flags` for the emulator alone; the flag, else `PROVE_TOKEN_PROFILE`,
/// else `env` if `PROVE_CLIENT_ID` is set, else `default_profile`, else `flags`
/// if the flags say where tokens come from.
pub(crate) fn select(
    overrides: &Overrides,
    env: &Env,
    config: Option<&Config>,
) -> Result<Selection, Problem> {
    if is_emulator_alone(overrides, env) {
        return Ok(flags());
    }
    if let Some(name) = &overrides.profile {
        return named(name, Origin::Flag, env, config);
    }
    if let Some(name) = env.text(env::PROFILE)? {
        return named(name, Origin::Variable(env::PROFILE), env, config)
            .map_err(|problem| problem.with_key(env::PROFILE));
    }
    if env.var_os(env::CLIENT_ID).is_some() {
        return named(ENV, Origin::Variable(env::CLIENT_ID), env, config);
    }
    if let Some(config) = config
        && let Some(default) = &config.default_profile
    {
        return named(&default.value, default.origin.clone(), env, Some(config));
    }
    if overrides.environment.is_some() || overrides.token_endpoint.is_some() {
        return Ok(flags());
    }
    Err(nothing_selected(overrides, env, config))
}

/// The profile of flags: a layer without anything, below them.
fn flags() -> Selection {
    Selection {
        name: FLAGS.to_owned(),
        origin: Origin::Flag,
        settings: Settings::default(),
    }
}

fn named(
    name: &str,
    origin: Origin,
    env: &Env,
    config: Option<&Config>,
) -> Result<Selection, Problem> {
    let settings = if name == ENV {
        variables(env)?
    } else if let Some(table) = config.and_then(|config| config.profiles.get(name)) {
        table.settings.clone()
    } else {
        return Err(unknown(name, config));
    };
    Ok(Selection {
        name: name.to_owned(),
        origin,
        settings,
    })
}

/// The profile `env`. Its variables are read here and nowhere else, so they
/// never touch another profile.
fn variables(env: &Env) -> Result<Settings, Problem> {
    let environment = match env.text(env::ENVIRONMENT)? {
        None => Setting::new(
            EnvironmentName::Prove(Environment::default()),
            Origin::Default,
        ),
        Some(name) => {
            let parsed = name.parse().map_err(|error| {
                let near = suggestion(name, EnvironmentName::NAMES);
                let problem = without_value(&error).with_key(env::ENVIRONMENT);
                match near {
                    Some(near) => problem.with_hint(format!("did you mean {near}?")),
                    None => problem,
                }
            })?;
            Setting::new(parsed, Origin::Variable(env::ENVIRONMENT))
        }
    };
    let client_id = match env.text(env::CLIENT_ID)? {
        None => None,
        Some(id) => {
            let id = ClientId::new(id)
                .map_err(|error| without_value(&error).with_key(env::CLIENT_ID))?;
            let origin = Origin::Variable(env::CLIENT_ID);
            Some(Setting::new(ClientIdSetting::Literal(id), origin))
        }
    };
    Ok(Settings {
        environment: Some(environment),
        client_id,
        client_secret: secret_variable(env)?,
        ..Settings::default()
    })
}

fn secret_variable(env: &Env) -> Result<Option<Setting<SecretSetting>>, Problem> {
    // Whether the value is good shows when the secret is read; that it is not
    // empty is checked now, like every variable of ours.
    let value = env.path(env::CLIENT_SECRET)?;
    let file = env.path(env::CLIENT_SECRET_FILE)?;
    let (value, name) = match (value, file) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(Problem::new(
                "PROVE_CLIENT_SECRET and PROVE_CLIENT_SECRET_FILE are both set",
            )
            .with_hint("unset the one that is not meant"));
        }
        (Some(_), None) => (
            SecretSetting::Env(env::CLIENT_SECRET.to_owned()),
            env::CLIENT_SECRET,
        ),
        (None, Some(path)) => (
            SecretSetting::File {
                path: path.to_owned(),
                allow_insecure_mode: None,
            },
            env::CLIENT_SECRET_FILE,
        ),
    };
    Ok(Some(Setting::new(value, Origin::Variable(name))))
}

fn unknown(name: &str, config: Option<&Config>) -> Problem {
    if !schema::is_profile_name(name) {
        return Problem::new("this is not a name for a profile")
            .with_hint("names are made of a-z, 0-9, -, _ and .");
    }
    let problem = Problem::new(format!("there is no profile \"{name}\""));
    match config {
        Some(config) => {
            let hint = schema::name_hint(name, config.names());
            problem.with_hint(format!("{hint} (in {})", printable(config.path())))
        }
        None => problem.with_hint(
            "there is no configuration file; prove-token config path shows where it is looked for",
        ),
    }
}

/// The first run of somebody new, most likely: says what there is, and what
/// works without an account.
fn nothing_selected(overrides: &Overrides, env: &Env, config: Option<&Config>) -> Problem {
    const TRY: &str = "to try it without an account: prove-token token --environment emulator";
    let has_secret = !matches!(overrides.client_secret, None | Some(SecretOverride::None));
    if overrides.client_id.is_some() || has_secret {
        // Only half of a profile is given. The other half is not guessed: a
        // secret must not go where nobody sent it.
        return Problem::new("no profile is chosen, and no flag says where the tokens come from")
            .with_hint("add --environment uat-us (or --token-endpoint URL)");
    }
    let stray = [
        env::ENVIRONMENT,
        env::CLIENT_SECRET,
        env::CLIENT_SECRET_FILE,
    ]
    .into_iter()
    .find(|name| env.var_os(name).is_some());
    if let Some(name) = stray {
        return Problem::new(format!(
            "no profile is chosen: {name} is set, but PROVE_CLIENT_ID is not"
        ))
        .with_hint("set PROVE_CLIENT_ID as well, or name a profile with --profile");
    }
    let names: Vec<&str> = config.into_iter().flat_map(Config::names).collect();
    let path = config.map_or(Path::new(""), Config::path);
    match names.is_empty() {
        true => Problem::new("no profile is chosen, and none is configured").with_hint(format!(
            "let prove-token init ask for what it takes, or set PROVE_CLIENT_ID and PROVE_CLIENT_SECRET; {TRY}"
        )),
        false => Problem::new("no profile is chosen").with_hint(format!(
            "name one with --profile, or as default_profile in {}: {}",
            printable(path),
            names.join(", ")
        )),
    }
}
