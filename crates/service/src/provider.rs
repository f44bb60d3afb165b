//! The emulator as the provider of profiles: one for all of them, started if none is
//! running.

use prove_token::{ClientId, ClientSecret, Endpoint, ErrorKind};
use prove_token_config::{Profile, Target};
use prove_token_emulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Emulator};

use crate::failure::Failure;

/// Gives the profiles of the emulator its address and its public credentials. The
/// emulator that was started for that ends with the returned value.
pub(crate) fn settle(profiles: Vec<Profile>) -> Result<(Vec<Profile>, Option<Emulator>), Failure> {
    let mut started: Option<Emulator> = None;
    let mut settled = Vec::with_capacity(profiles.len());
    for profile in profiles {
        let url: Endpoint = match &profile.target {
            // A running one may have a client of its own, and was then given one.
            Target::Emulator { url: Some(_) } if profile.credentials.is_some() => {
                settled.push(profile);
                continue;
            }
            Target::Emulator { url: Some(url) } => url.clone(),
            Target::Emulator { url: None } => {
                let emulator = match started.take() {
                    Some(emulator) => emulator,
                    None => start()?,
                };
                started.insert(emulator).url().parse()?
            }
            _ => {
                settled.push(profile);
                continue;
            }
        };
        let id = ClientId::new(DEFAULT_CLIENT_ID)?;
        let secret = ClientSecret::new(DEFAULT_CLIENT_SECRET)?;
        settled.push(profile.at_emulator(&url, id, secret)?);
    }
    Ok((settled, started))
}

fn start() -> Result<Emulator, Failure> {
    Emulator::builder().start().map_err(|error| {
        Failure::new(
            ErrorKind::Internal,
            format!("cannot start the emulator: {error}"),
        )
    })
}
