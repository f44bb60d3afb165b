//! From arguments to a profile, by the same rules as the command's flags.

use prove_token::{ClientId, ClientSecret, Credentials, Error, ErrorKind};
use prove_token_config::{Env, EnvironmentName, Overrides, Profile, Target};
use prove_token_emulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Emulator};
use pyo3::exceptions::PyRuntimeWarning;
use pyo3::prelude::*;

use crate::arguments::{Settings, missing};
use crate::emulator::OwnEmulator;
use crate::error::{exception, wrong_settings};
use crate::secret::CallableSecret;

/// What a client made of arguments takes from the environment: where to find a running
/// emulator, and whom to trust. No variable names a profile or brings credentials, nor
/// names a folder for tokens: they are kept in memory.
const VARIABLES: [&str; 2] = ["PROVE_EMULATOR", "SSL_CERT_FILE"];

/// The profile that the arguments make.
pub(crate) fn of_arguments(py: Python<'_>, settings: &Settings) -> PyResult<Profile> {
    check(py, settings)?;
    let process = Env::from_process();
    let env = process
        .iter()
        .filter(|(name, _)| VARIABLES.iter().any(|known| name == known));
    let env: Env = env.collect();
    let profile = Profile::from_config(&settings.overrides, &env, None);
    let mut profile = profile.map_err(|error| wrong_settings(py, error))?;
    if let (Some(read), Some(given)) = (&settings.secret, &profile.credentials) {
        let source = CallableSecret::new(read.clone_ref(py));
        let id = given.client_id().clone();
        profile.credentials = Some(Credentials::from_source(id, source));
    }
    Ok(profile)
}

/// What is missing is told in Python's words.
fn check(py: Python<'_>, settings: &Settings) -> PyResult<()> {
    let given = &settings.overrides;
    if given.environment.is_none() && given.token_endpoint.is_none() {
        return Err(missing(
            py,
            "environment",
            "give environment or token_endpoint, or use from_env or from_profile",
        ));
    }
    if given.environment == Some(EnvironmentName::Emulator) {
        return Ok(());
    }
    match (&given.client_id, &given.client_secret) {
        (None, _) => Err(missing(
            py,
            "client_id",
            "give client_id, as the provider names it",
        )),
        (_, None) => Err(missing(
            py,
            "client_secret",
            "give client_secret, a str or a callable that returns one",
        )),
        _ => Ok(()),
    }
}

/// The profile that `overrides` and the environment lead to.
pub(crate) fn resolve(py: Python<'_>, overrides: &Overrides, env: &Env) -> PyResult<Profile> {
    let profile = py.detach(|| Profile::resolve(overrides, env));
    let profile = profile.map_err(|error| wrong_settings(py, error))?;
    if let Some(problem) = &profile.store_problem {
        warn(py, &format!("{}; tokens are not kept", problem.message))?;
    }
    Ok(profile)
}

/// `profile` with an address: the emulator's gets that of the running one, or of one that
/// is started here, and its public credentials.
pub(crate) fn settle(py: Python<'_>, profile: Profile) -> PyResult<(Profile, Option<OwnEmulator>)> {
    let has_own = profile.credentials.is_some();
    match &profile.target {
        Target::Emulator { url: Some(url) } if !has_own => {
            let url = url.to_string();
            Ok((at(py, profile, &url)?, None))
        }
        Target::Emulator { url: None } => {
            if has_own {
                warn(
                    py,
                    "the built-in emulator has its own public credentials; those that were given are not used",
                )?;
            }
            let emulator = py.detach(|| Emulator::builder().start());
            let emulator = emulator.map_err(|error| {
                let text = format!("cannot start the emulator: {error}");
                exception(py, &Error::new(ErrorKind::Internal, text))
            })?;
            let profile = at(py, profile, emulator.url())?;
            Ok((profile, Some(OwnEmulator::new(emulator))))
        }
        _ => Ok((profile, None)),
    }
}

fn at(py: Python<'_>, profile: Profile, url: &str) -> PyResult<Profile> {
    let settled = || -> Result<Profile, Error> {
        let id = ClientId::new(DEFAULT_CLIENT_ID)?;
        let secret = ClientSecret::new(DEFAULT_CLIENT_SECRET)?;
        Ok(profile.at_emulator(&url.parse()?, id, secret)?)
    };
    settled().map_err(|error| exception(py, &error))
}

fn warn(py: Python<'_>, text: &str) -> PyResult<()> {
    let category = py.get_type::<PyRuntimeWarning>();
    py.import("warnings")?
        .call_method1("warn", (text, category))
        .map(drop)
}
