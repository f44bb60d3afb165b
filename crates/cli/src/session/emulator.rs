//! The emulator as the provider of a profile.

use std::sync::Arc;

use prove_token::{ClientId, ClientSecret, ErrorKind};
use prove_token_config::{Profile, Target};
use prove_token_emulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Emulator};

use super::stage::check_room;
use crate::console::Console;

use crate::failure::Failure;
use crate::report;

/// A profile whose provider is the emulator gets its addresses and its public
/// credentials here; one is started if none is running.
pub(crate) fn with_emulator(
    profile: Profile,
    console: &Arc<Console>,
) -> Result<(Profile, Option<Emulator>), Failure> {
    let Target::Emulator { url } = &profile.target else {
        return Ok((profile, None));
    };
    let (url, emulator) = match url {
        // A running one may have a client of its own, and was then given one.
        Some(_) if profile.credentials.is_some() => return Ok((profile, None)),
        Some(url) => (url.clone(), None),
        None => {
            if profile.credentials.is_some() {
                console.notice(
                    "the built-in emulator has its own public credentials; those of the profile \
                     are not used",
                );
            }
            let emulator = start_emulator(console)?;
            (emulator.url().parse()?, Some(emulator))
        }
    };
    let id = ClientId::new(DEFAULT_CLIENT_ID)?;
    let secret = ClientSecret::new(DEFAULT_CLIENT_SECRET)?;
    Ok((profile.at_emulator(&url, id, secret)?, emulator))
}

fn start_emulator(console: &Arc<Console>) -> Result<Emulator, Failure> {
    check_room()?;
    let log = Arc::clone(console);
    let emulator = Emulator::builder()
        .log(move |request| report::note(&log, "emulator_request", &format!("emulator: {request}")))
        .start()
        .map_err(|error| {
            Failure::new(
                ErrorKind::Internal,
                format!("cannot start the emulator: {error}"),
            )
        })?;
    let note = format!("emulator started at {}", emulator.url());
    report::note(console, "emulator_started", &note);
    Ok(emulator)
}
