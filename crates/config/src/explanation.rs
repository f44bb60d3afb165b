//! A resolved profile in words, for `config show`: no secret among them.

use std::time::Duration;

use prove_token::Endpoint;

use crate::address::Address;
use crate::duration::{DEFAULT_COMMAND, DEFAULT_KEYRING, Timeouts};
use crate::place::printable;
use crate::profile::{Profile, Row, Sources};
use crate::resolution;
use crate::setting::{ClientIdSetting, Origin, SecretSetting, Setting, Settings};

/// What stands for a value that may be a secret.
const REDACTED: &str = "[redacted]";

/// The rows of a profile, in the order of the documentation.
pub(crate) fn rows(profile: &Profile) -> Vec<Row> {
    let Sources {
        settings, address, ..
    } = &profile.sources;
    let mut rows = Rows(Vec::new());
    rows.add("profile", profile.name.clone(), profile.chosen_by.clone());
    rows.target(settings, address);
    rows.credentials(settings);
    rows.request(settings);
    rows.transport(settings);
    rows.rate_limit(settings, address);
    for (key, value, origin) in settings.renewal.rows() {
        rows.add(format!("renewal.{key}"), value, origin);
    }
    rows.store(profile);
    rows.0
}

struct Rows(Vec<Row>);

impl Rows {
    fn add(&mut self, key: impl Into<String>, value: impl Into<String>, origin: Origin) {
        self.0.push(Row {
            key: key.into(),
            value: value.into(),
            origin,
        });
    }

    fn given<T>(
        &mut self,
        key: &str,
        setting: &Option<Setting<T>>,
        show: impl FnOnce(&T) -> String,
    ) {
        if let Some(setting) = setting {
            self.add(key, show(&setting.value), setting.origin.clone());
        }
    }

    fn or_default<T: Default>(
        &mut self,
        key: &str,
        setting: Option<&Setting<T>>,
        show: impl FnOnce(&T) -> String,
    ) {
        match setting {
            Some(setting) => self.add(key, show(&setting.value), setting.origin.clone()),
            None => self.add(key, show(&T::default()), Origin::Default),
        }
    }

    fn duration(&mut self, key: &str, setting: &Option<Setting<Duration>>, default: Duration) {
        let (value, origin) = match setting {
            Some(setting) => (setting.value, setting.origin.clone()),
            None => (default, Origin::Default),
        };
        self.add(key, humantime::format_duration(value).to_string(), origin);
    }

    fn target(&mut self, settings: &Settings, address: &Address) {
        self.given("environment", &settings.environment, |name| {
            name.to_string()
        });
        self.given(
            "token_endpoint",
            &address.token_endpoint,
            Endpoint::to_string,
        );
        self.given("api_base", &address.api_base, Endpoint::to_string);
    }

    fn credentials(&mut self, settings: &Settings) {
        self.given("client_id", &settings.client_id, |id| match id {
            ClientIdSetting::Literal(id) => id.to_string(),
            ClientIdSetting::Env(name) => format!("in the environment variable {name}"),
            ClientIdSetting::File(path) => format!("in the file {}", printable(path)),
        });
        self.given("client_secret", &settings.client_secret, secret);
        let method = settings.client_authentication.as_ref();
        self.or_default("client_authentication", method, |method| {
            method.as_str().to_owned()
        });
    }

    fn request(&mut self, settings: &Settings) {
        self.given("scope", &settings.scope, ToString::to_string);
        let accept = settings.accept_narrower_scope.as_ref();
        self.or_default("accept_narrower_scope", accept, bool::to_string);
        self.given("audience", &settings.audience, Clone::clone);
        self.given("resource", &settings.resource, Clone::clone);
        if let Some(parameters) = &settings.parameters {
            for name in parameters.value.keys() {
                let key = format!("parameters.{}", name.escape_debug());
                self.add(key, REDACTED, parameters.origin.clone());
            }
        }
    }

    fn transport(&mut self, settings: &Settings) {
        self.given("ca_file", &settings.ca_file, |path| printable(path));
        self.given("proxy", &settings.proxy, |proxy| proxy.as_str().to_owned());
        let default = Timeouts::default();
        self.duration(
            "connect_timeout",
            &settings.connect_timeout,
            default.connect,
        );
        self.duration(
            "attempt_timeout",
            &settings.attempt_timeout,
            default.attempt,
        );
        self.duration("flight_timeout", &settings.flight_timeout, default.flight);
    }
}

impl Rows {
    fn rate_limit(&mut self, settings: &Settings, address: &Address) {
        let (rate, origin) = resolution::rate(settings, address);
        let rate = rate.map_or("none".to_owned(), |rate| rate.to_string());
        self.add("rate_limit", rate, origin);
    }

    fn store(&mut self, profile: &Profile) {
        let name = profile.store.as_str();
        let value = match (&profile.cache_folder, &profile.store_problem) {
            (Some(folder), _) => format!("{name}, in {}", printable(folder)),
            (None, Some(problem)) => format!("{name}: {problem}"),
            (None, None) => name.to_owned(),
        };
        self.add("cache.store", value, profile.sources.store.clone());
    }
}

/// Where a secret is kept, in words.
fn secret(setting: &SecretSetting) -> String {
    match setting {
        SecretSetting::Given(_) => REDACTED.to_owned(),
        SecretSetting::None => "not looked for".to_owned(),
        SecretSetting::Env(name) => format!("in the environment variable {name}"),
        SecretSetting::File {
            path,
            allow_insecure_mode,
        } => match allow_insecure_mode {
            Some(true) => format!("in the file {}, whatever its mode", printable(path)),
            _ => format!("in the file {}", printable(path)),
        },
        SecretSetting::Command {
            program,
            time_limit,
            ..
        } => {
            let limit = humantime::format_duration(time_limit.unwrap_or(DEFAULT_COMMAND));
            let program = program.escape_debug();
            format!("printed by the command {program} within {limit}")
        }
        SecretSetting::Credential(name) => format!("in the credential {name}"),
        SecretSetting::Keyring {
            name,
            until_reboot: true,
            ..
        } => format!("in the kernel's keyring, as {name}, until the machine restarts"),
        SecretSetting::Keyring {
            name, time_limit, ..
        } => {
            let limit = humantime::format_duration(time_limit.unwrap_or(DEFAULT_KEYRING));
            format!("in the keyring, as {name}, to be read within {limit}")
        }
    }
}
