//! Events as lines for people.

use prove_token::Event;

use crate::times::brief;

/// The line of `event`; `None` if there is nothing to say.
pub(super) fn text(event: &Event) -> Option<String> {
    attempt(event).or_else(|| token(event))
}

fn attempt(event: &Event) -> Option<String> {
    Some(match event {
        Event::AttemptStarted {
            endpoint, attempt, ..
        } => format!("> POST {endpoint} (attempt {attempt})"),
        Event::AttemptFailed {
            error,
            took,
            retry_in,
            ..
        } => {
            let next = match retry_in {
                Some(pause) => format!("trying again in {}", brief(*pause)),
                None => "giving up".to_owned(),
            };
            format!("< {error}, after {}; {next}", brief(*took))
        }
        Event::TokenObtained {
            attempts,
            took,
            lifetime,
            ..
        } => {
            let plural = if *attempts == 1 { "" } else { "s" };
            format!(
                "< access token [redacted], lives {}; {} for {attempts} request{plural}",
                brief(*lifetime),
                brief(*took),
            )
        }
        _ => return None,
    })
}

fn token(event: &Event) -> Option<String> {
    Some(match event {
        Event::RenewalFailed {
            error, valid_for, ..
        } => {
            let left = brief(*valid_for);
            format!("* {error}; the token at hand is valid for {left}")
        }
        Event::TokenRejected { .. } => "* the API rejected the token".to_owned(),
        Event::CoolDownEntered { wait, .. } => {
            format!("* the server asks for a pause of {}", brief(*wait))
        }
        Event::TokenRestored { expires_in, .. } => {
            let left = brief(*expires_in);
            format!("* the token that was kept [redacted] lives {left}")
        }
        Event::StoreMissed { reason, .. } => {
            format!("* no token that is kept can be used: {}", reason.as_str())
        }
        _ => return None,
    })
}
