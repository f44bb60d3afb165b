//! The credentials of a resolved profile.

use std::fmt;
use std::path::Path;

use prove_token::{ClientId, ClientSecret, Credentials, Error, Secret, SecretSource};

use crate::address::Address;
use crate::disk;
use crate::document::without_value;
use crate::duration::{DEFAULT_COMMAND, DEFAULT_KEYRING};
use crate::env::{self, Env};
use crate::error::Problem;
use crate::file::Config;
use crate::place::printable;
use crate::secret::{
    CommandSecret, CredentialSecret, EnvSecret, FileSecret, KeyringSecret, NoSecret,
};
use crate::selection::Selection;
use crate::setting::{ClientIdSetting, Origin, SecretSetting, Setting, Settings};

/// A client id is short; a longer file is the wrong one.
const CLIENT_ID_LIMIT: u64 = 4 * 1024;

/// Puts client id and secret source together; what is missing is noted. `None`
/// without a problem only for the emulator, which brings its own.
///
/// The client id is read now, since it is no secret and every key of the cache
/// holds it. The secret is read when a request needs it.
pub(crate) fn credentials(
    selection: &Selection,
    settings: &Settings,
    address: &Address,
    env: &Env,
    config: Option<&Config>,
    problems: &mut Vec<Problem>,
) -> Option<Credentials> {
    let (id, secret) = (&settings.client_id, &settings.client_secret);
    let is_left_out =
        |setting: &Setting<SecretSetting>| matches!(setting.value, SecretSetting::None);
    if address.target.is_emulator() && id.is_none() && secret.as_ref().is_none_or(is_left_out) {
        return None;
    }
    let id = match id {
        None => Err(missing_id(selection)),
        Some(setting) => client_id(&setting.value, env).map_err(|problem| {
            let place = match &setting.origin {
                Origin::File(place) => Some(place.clone()),
                _ => None,
            };
            problem.with_place(place)
        }),
    };
    let id = id.map_err(|problem| problems.push(problem)).ok();
    if secret.is_none() {
        problems.push(missing_secret(selection));
    }
    let (id, secret) = (id?, secret.as_ref()?);
    Some(with_source(id, &secret.value, env, config))
}

fn with_source(
    id: ClientId,
    secret: &SecretSetting,
    env: &Env,
    config: Option<&Config>,
) -> Credentials {
    match secret {
        SecretSetting::Given(secret) => Credentials::new(id, secret.clone()),
        other => Credentials::from_source(id, AnySource(source(other, env, config))),
    }
}

/// What reads the secret where `secret` says it is. One that was given is nowhere.
pub(crate) fn source(
    secret: &SecretSetting,
    env: &Env,
    config: Option<&Config>,
) -> Box<dyn SecretSource> {
    match secret {
        SecretSetting::Given(_) | SecretSetting::None => Box::new(NoSecret),
        SecretSetting::Env(name) => Box::new(EnvSecret::new(name, env)),
        SecretSetting::File {
            path,
            allow_insecure_mode,
        } => {
            let source = FileSecret::new(path, env);
            Box::new(match allow_insecure_mode {
                Some(allow) => source.allow_insecure_mode(*allow),
                None => source,
            })
        }
        SecretSetting::Command {
            program,
            arguments,
            time_limit,
        } => {
            let arguments = arguments.iter().map(Secret::expose_secret);
            let source = CommandSecret::new(program, arguments, env, withheld(config))
                .time_limit(time_limit.unwrap_or(DEFAULT_COMMAND));
            Box::new(source)
        }
        SecretSetting::Credential(name) => Box::new(CredentialSecret::new(name, env)),
        SecretSetting::Keyring {
            name,
            until_reboot,
            time_limit,
        } => {
            let source = KeyringSecret::new(name, *until_reboot)
                .time_limit(time_limit.unwrap_or(DEFAULT_KEYRING));
            Box::new(source)
        }
    }
}

/// A source whose kind does not matter.
struct AnySource(Box<dyn SecretSource>);

impl SecretSource for AnySource {
    fn identity(&self) -> String {
        self.0.identity()
    }

    fn read(&self) -> Result<ClientSecret, Error> {
        self.0.read()
    }
}

impl fmt::Debug for AnySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The variables that no program sees that we start: client secrets, also of other
/// profiles, and the token that `token -o env` exports.
pub(crate) fn withheld(config: Option<&Config>) -> impl Iterator<Item = &str> {
    let of_profiles = config.into_iter().flat_map(Config::secret_variables);
    of_profiles.chain([env::CLIENT_SECRET, env::ACCESS_TOKEN])
}

fn client_id(setting: &ClientIdSetting, env: &Env) -> Result<ClientId, Problem> {
    let named = |problem: Problem| problem.with_key("client_id");
    match setting {
        ClientIdSetting::Literal(id) => Ok(id.clone()),
        ClientIdSetting::Env(name) => {
            let value = env.var_os(name).filter(|value| !value.is_empty());
            let text = value.and_then(|value| value.to_str()).ok_or_else(|| {
                let problem = match value {
                    None => "is not set, or empty",
                    Some(_) => "is not valid UTF-8",
                };
                named(Problem::new(format!(
                    "the environment variable {name} {problem}"
                )))
                .with_hint(format!("set {name} to the client id"))
            })?;
            ClientId::new(text).map_err(|error| named(without_value(&error)))
        }
        ClientIdSetting::File(path) => read_client_id(path).map_err(named),
    }
}

/// One line; unlike a secret it may be readable by everybody.
fn read_client_id(path: &Path) -> Result<ClientId, Problem> {
    let text = disk::read_text(path, CLIENT_ID_LIMIT, disk::any).map_err(|fault| {
        Problem::new(format!("the file {} {fault}", printable(path)))
            .with_hint("name a file that holds the client id alone")
    })?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    ClientId::new(line).map_err(|error| without_value(&error))
}

fn missing_id(selection: &Selection) -> Problem {
    let name = &selection.name;
    let (message, hint) = match (&selection.settings.client_id, name.as_str()) {
        // It has one, and merging the layers took it away.
        (Some(_), _) => (
            format!("the client id of the profile \"{name}\" is for another address"),
            "a flag leads to another issuer, which does not know it: give --client-id",
        ),
        (None, name) => (
            format!("the profile \"{name}\" has no client id"),
            match name {
                crate::selection::ENV => "set PROVE_CLIENT_ID",
                crate::selection::FLAGS => "give --client-id",
                _ => "add client_id to the profile, or give --client-id",
            },
        ),
    };
    Problem::new(message).with_key("client_id").with_hint(hint)
}

fn missing_secret(selection: &Selection) -> Problem {
    let name = &selection.name;
    let problem = match selection.settings.client_secret {
        None => Problem::new(format!("the profile \"{name}\" has no client secret")),
        // It has one, and merging the layers took it away.
        Some(_) => Problem::new(format!(
            "the client secret of the profile \"{name}\" is for another address"
        )),
    };
    let hint = match (&selection.settings.client_secret, name.as_str()) {
        (None, crate::selection::ENV) => "set PROVE_CLIENT_SECRET or PROVE_CLIENT_SECRET_FILE",
        (None, crate::selection::FLAGS) => "give --client-secret-file or --client-secret-stdin",
        (None, _) => {
            "add client_secret to the profile, or give --client-secret-file or \
             --client-secret-stdin"
        }
        (Some(_), _) => {
            "a flag leads elsewhere: give the secret for that address with it, by \
             --client-secret-file or --client-secret-stdin"
        }
    };
    problem.with_key("client_secret").with_hint(hint)
}
