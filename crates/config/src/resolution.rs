//! From layers to a profile: flags over the profile over its preset, checked.

use std::path::PathBuf;

use prove_token::{AccessTokenRequest, Environment, RequestBudget};

use crate::address::{Address, Target};
use crate::cache::{self, Store};
use crate::credential::credentials;
use crate::document::without_value;
use crate::duration::{TIMEOUT_RANGE, out_of_range};
use crate::env::{self, Env};
use crate::error::{Error, Problem};
use crate::file::Config;
use crate::overrides::Overrides;
use crate::profile::{Profile, Sources};
use crate::selection::{self, Selection};
use crate::setting::{EnvironmentName, Origin, Setting, Settings};

/// Requests a second to one of Prove's environments, unless the profile says another
/// number: Prove allows 25.
const PROVE_RATE: u32 = 24;

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
        if !Self::reads_file(overrides, env) {
            return Self::from_config(overrides, env, None);
        }
        let config = match Config::find(overrides.config.as_deref(), env)? {
            Some(path) => Some(Config::load(&path)?),
            None => None,
        };
        Self::from_config(overrides, env, config.as_ref())
    }

    /// Whether [`resolve`](Profile::resolve) reads a file, if it finds one.
    pub fn reads_file(overrides: &Overrides, env: &Env) -> bool {
        !selection::is_emulator_alone(overrides, env)
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
/// so does everything that is about the issuer. The proxy, the time-outs and the
/// patience are of the network, and are kept.
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
        settings.rate_limit = given.rate_limit;
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
    let budget = budget(&settings, &address, &mut problems);
    if !problems.is_empty() {
        return Err(Error::configuration(None, problems));
    }
    let wanted = config.and_then(|config| config.store.clone());
    let kept = Kept::resolve(wanted, &address, env);
    Ok(Profile {
        name: selection.name,
        chosen_by: selection.origin,
        token_endpoint: value(&address.token_endpoint),
        api_base: value(&address.api_base),
        target: address.target.clone(),
        credentials,
        timeouts: settings.timeouts(),
        client_authentication: value(&settings.client_authentication).unwrap_or_default(),
        request,
        accept_narrower_scope: value(&settings.accept_narrower_scope).unwrap_or_default(),
        ca_file: value(&settings.ca_file),
        proxy: value(&settings.proxy),
        renewal: settings.renewal.policy(),
        retry: settings.renewal.retry_policy(settings.timeouts()),
        budget,
        store: kept.store,
        cache_folder: kept.folder,
        store_problem: kept.problem,
        sources: Sources {
            settings,
            address,
            store: kept.origin,
        },
    })
}

fn budget(settings: &Settings, address: &Address, problems: &mut Vec<Problem>) -> RequestBudget {
    let Some(requests) = rate(settings, address).0 else {
        return RequestBudget::unlimited();
    };
    RequestBudget::per_second(requests).unwrap_or_else(|error| {
        problems.push(without_value(&error).with_key("rate_limit"));
        RequestBudget::unlimited()
    })
}

/// Requests a second, and who says so; `None` is without limit.
pub(crate) fn rate(settings: &Settings, address: &Address) -> (Option<u32>, Origin) {
    if let Some(setting) = &settings.rate_limit {
        return (Some(setting.value), setting.origin.clone());
    }
    let prove = match (&address.target, &address.token_endpoint) {
        (Target::Environment(environment), _) => Some(*environment),
        (_, Some(endpoint)) => Environment::of(&endpoint.value),
        (_, None) => None,
    };
    match prove {
        Some(environment) => (Some(PROVE_RATE), Origin::Preset(environment.as_str())),
        None => (None, Origin::Default),
    }
}

/// Where tokens are kept, decided.
struct Kept {
    store: Store,
    origin: Origin,
    folder: Option<PathBuf>,
    problem: Option<Problem>,
}

impl Kept {
    fn resolve(wanted: Option<Setting<Store>>, address: &Address, env: &Env) -> Self {
        let wanted = wanted.unwrap_or_else(|| Setting::new(Store::default(), Origin::Default));
        let mut kept = Self {
            store: wanted.value,
            origin: wanted.origin,
            folder: None,
            problem: None,
        };
        if kept.store != Store::File {
            return kept;
        }
        if matches!(address.target, Target::Emulator { url: None }) {
            // The next run starts another one, which does not know this one's tokens.
            kept.store = Store::Memory;
            kept.origin = Origin::Preset(EnvironmentName::Emulator.as_str());
            return kept;
        }
        match cache::folder(env) {
            Ok(folder) => kept.folder = Some(folder.value),
            Err(problem) => {
                kept.store = Store::Memory;
                kept.problem = Some(problem);
            }
        }
        kept
    }
}

fn value<T: Clone>(setting: &Option<Setting<T>>) -> Option<T> {
    setting.as_ref().map(|setting| setting.value.clone())
}

/// The ranges that the file's reader checks for the file, checked for the flags.
fn durations(settings: &Settings, problems: &mut Vec<Problem>) {
    for (key, setting) in [
        ("connect_timeout", &settings.connect_timeout),
        ("attempt_timeout", &settings.attempt_timeout),
        ("flight_timeout", &settings.flight_timeout),
    ] {
        let out_of_range = setting
            .iter()
            .filter_map(|setting| out_of_range(setting.value, &TIMEOUT_RANGE));
        problems.extend(out_of_range.map(|problem| problem.with_key(key)));
    }
    let renewal = settings.renewal.problems().into_iter();
    problems.extend(renewal.map(|(key, problem)| problem.with_key(key)));
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
