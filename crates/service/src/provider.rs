//! The emulator as the provider of profiles: one for all of them, started if none is
//! running.

use prove_token::{ClientId, ClientSecret, Endpoint, ErrorKind};
use prove_token_config::{Profile, Target};
use prove_token_emulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Emulator};

use crate::failure::Failure;

/// `profile` with an address: the emulator's are given that of `emulator`, which is
/// started if it is needed and does not run, and its public credentials.
pub(crate) fn settle(
    profile: &Profile,
    emulator: &mut Option<Emulator>,
) -> Result<Profile, Failure> {
    let url: Endpoint = match &profile.target {
        // A running one may have a client of its own, and was then given one.
        Target::Emulator { url: Some(_) } if profile.credentials.is_some() => {
            return Ok(profile.clone());
        }
        Target::Emulator { url: Some(url) } => url.clone(),
        Target::Emulator { url: None } => {
            let running = match emulator.take() {
                Some(running) => running,
                None => start()?,
            };
            emulator.insert(running).url().parse()?
        }
        _ => return Ok(profile.clone()),
    };
    let id = ClientId::new(DEFAULT_CLIENT_ID)?;
    let secret = ClientSecret::new(DEFAULT_CLIENT_SECRET)?;
    Ok(profile.clone().at_emulator(&url, id, secret)?)
}

fn start() -> Result<Emulator, Failure> {
    Emulator::builder().start().map_err(|error| {
        Failure::new(
            ErrorKind::Internal,
            format!("cannot start the emulator: {error}"),
        )
    })
}
