//! From layers to a profile: flags over the profile over its preset, checked.

use prove_token::AccessTokenRequest;

use crate::address::Address;
use crate::credential::credentials;
use crate::duration::{DEFAULT_LIFETIME, LIFETIME_RANGE, TIMEOUT_RANGE, out_of_range};
use crate::env::{self, Env};
use crate::error::{Error, Problem};
use crate::explanation;
use crate::file::Config;
use crate::overrides::Overrides;
use crate::profile::Profile;
use crate::selection::{self, Selection};
use crate::setting::{Origin, Setting, Settings};

impl Profile {
    /// Finds the file, chooses a profile and resolves it: what a front end does
    /// at its start. With the emulator as the environment, and neither a profile
    /// nor a file named, no file is read.
    ///
    /// # Errors
    ///
    /// `Configuration`, with everything that is wrong with the file, or with the
    /// profile. The client secret is not read here.
    pub fn resolve(overrides: &Overrides, env: &Env) -> Result<Self, Error> {
        if selection::is_emulator_alone(overrides, env) {
            return Self::from_config(overrides, env, None);
        }
        let config = match Config::find(overrides.config.as_deref(), env)? {
            Some(path) => Some(Config::load(&path)?),
            None => None,
        };
        Self::from_config(overrides, env, config.as_ref())
    }

    /// As [`resolve`](Profile::resolve), with a file that was read before.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Profile::resolve).
    pub fn from_config(
        overrides: &Overrides,
        env: &Env,
        config: Option<&Config>,
    ) -> Result<Self, Error> {
        let config = config.filter(|_| !selection::is_emulator_alone(overrides, env));
        if let Some(config) = config.filter(|config| !config.problems().is_empty()) {
            return Err(config.to_error());
        }
        let selection = selection::select(overrides, env, config)?;
        let flags = overrides.settings();
        check_flags(&flags)?;
        let (settings, address) = merge(flags, &selection, env)?;
        finish(selection, settings, address, env, config)
    }
}

/// What is wrong with the flags alone.
fn check_flags(flags: &Settings) -> Result<(), Problem> {
    if flags.environment.is_some() && flags.token_endpoint.is_some() {
        return Err(
            Problem::new("an environment and a token endpoint are given together")
                .with_hint("give the one that says where the tokens come from"),
        );
    }
    Ok(())
}

/// Lays the flags over the profile.
fn merge(
    flags: Settings,
    selection: &Selection,
    env: &Env,
) -> Result<(Settings, Address), Problem> {
    let given = flags.clone();
    let mut settings = flags.over(selection.settings.clone());
    let Some(mut address) = Address::of(&settings, env)? else {
        return Err(Problem::new(format!(
            "the profile \"{}\" does not say where its tokens come from",
            selection.name
        ))
        .with_hint("give an environment or a token endpoint"));
    };
    if given.leads_elsewhere() {
        // An address that cannot be told is another one.
        let home = Address::of(&selection.settings, env).ok().flatten();
        if let Some(home) = home.as_ref().filter(|_| given.token_endpoint.is_some()) {
            address.stay_at(home);
        }
        leave_behind(&mut settings, given, home, &address)?;
    }
    if address.target.is_emulator() {
        // Both are for the way to the real place.
        settings.ca_file = None;
        settings.proxy = None;
    } else if settings.ca_file.is_none() {
        settings.ca_file = env
            .conventional_path(env::CERTIFICATES)
            .map(|path| Setting::new(path, Origin::Variable(env::CERTIFICATES)));
    }
    Ok((settings, address))
}

/// A secret goes only to the place it was given for, and trust in one issuer
/// says nothing about another. If the flags `given` lead away from `home`, the
/// client secret of the profile stays behind; if they lead to another issuer,
/// so does everything that is about the issuer. The proxy and the time-outs are
/// of the network, and are kept.
fn leave_behind(
    settings: &mut Settings,
    given: Settings,
    home: Option<Address>,
    address: &Address,
) -> Result<(), Problem> {
    if address.target.is_emulator() && given.api_base.is_some() {
        return Err(Problem::new("an API base has no effect with the emulator"));
    }
    if !home.as_ref().is_some_and(|home| home.is_same(address)) {
        settings.client_secret = given.client_secret;
    }
    if !home.is_some_and(|home| home.has_same_issuer(address)) {
        settings.client_id = given.client_id;
        settings.client_authentication = given.client_authentication;
        settings.scope = given.scope;
        settings.accept_narrower_scope = given.accept_narrower_scope;
        settings.audience = given.audience;
        settings.resource = given.resource;
        // They may be secrets as well.
        settings.parameters = given.parameters;
        settings.ca_file = given.ca_file;
    }
    Ok(())
}

fn finish(
    selection: Selection,
    settings: Settings,
    address: Address,
    env: &Env,
    config: Option<&Config>,
) -> Result<Profile, Error> {
    let mut problems = Vec::new();
    let credentials = credentials(&selection, &settings, &address, env, config, &mut problems);
    durations(&settings, &mut problems);
    let request = request(&settings, &mut problems);
    if !problems.is_empty() {
        return Err(Error::configuration(None, problems));
    }
    let store = config.and_then(|config| config.store.clone());
    let rows = explanation::rows(&selection, &settings, &address, store.as_ref());
    Ok(Profile {
        name: selection.name,
        chosen_by: selection.origin,
        token_endpoint: address.token_endpoint.map(|setting| setting.value),
        api_base: address.api_base.map(|setting| setting.value),
        target: address.target,
        credentials,
        timeouts: settings.timeouts(),
        client_authentication: value_or_default(settings.client_authentication),
        request,
        accept_narrower_scope: value_or_default(settings.accept_narrower_scope),
        ca_file: settings.ca_file.map(|setting| setting.value),
        proxy: settings.proxy.map(|setting| setting.value),
        default_lifetime: settings
            .default_lifetime
            .map_or(DEFAULT_LIFETIME, |setting| setting.value),
        store: value_or_default(store),
        rows,
    })
}

fn value_or_default<T: Default>(setting: Option<Setting<T>>) -> T {
    setting.map(|setting| setting.value).unwrap_or_default()
}

/// The ranges that the file's reader checks for the file, checked for the flags.
fn durations(settings: &Settings, problems: &mut Vec<Problem>) {
    let lifetime = settings.default_lifetime.iter();
    let timeouts = [
        ("connect_timeout", &settings.connect_timeout),
        ("attempt_timeout", &settings.attempt_timeout),
        ("flight_timeout", &settings.flight_timeout),
    ];
    let given = timeouts
        .into_iter()
        .filter_map(|(key, setting)| Some((key, setting.as_ref()?, TIMEOUT_RANGE)))
        .chain(lifetime.map(|setting| ("default_lifetime", setting, LIFETIME_RANGE)));
    for (key, setting, range) in given {
        problems.extend(out_of_range(setting.value, &range).map(|problem| problem.with_key(key)));
    }
    problems.extend(settings.time_problem());
}

fn request(settings: &Settings, problems: &mut Vec<Problem>) -> AccessTokenRequest {
    let mut request = AccessTokenRequest::new();
    if let Some(scope) = &settings.scope {
        request = request.scope(scope.value.clone());
    }
    if let Some(audience) = &settings.audience {
        request = request.audience(&audience.value);
    }
    if let Some(resource) = &settings.resource {
        request = request.resource(&resource.value);
    }
    let parameters = settings
        .parameters
        .iter()
        .flat_map(|setting| &setting.value);
    for (name, value) in parameters {
        match request.clone().parameter(name, value.expose_secret()) {
            Ok(longer) => request = longer,
            Err(error) => {
                // It quotes the name alone.
                let problem = Problem::new(error.to_string());
                problems.push(problem.with_key("parameters"));
            }
        }
    }
    for (key, text) in [
        ("audience", &settings.audience),
        ("resource", &settings.resource),
    ] {
        if let Some(text) = text
            && (text.value.is_empty() || text.value.chars().any(char::is_control))
        {
            let problem = Problem::new("is empty or holds control characters");
            problems.push(problem.with_key(key));
        }
    }
    request
}

#[cfg(test)]
mod tests;
