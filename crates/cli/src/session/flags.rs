//! What the flags of a command say about a profile.

use std::io::{IsTerminal, Read};

use prove_token::{ClientSecret, ErrorKind, Scope};
use prove_token_config::{Overrides, SecretOverride};
use zeroize::Zeroizing;

use crate::args::{ProfileFlags, TokenFlags};
use crate::command::Context;
use crate::failure::Failure;

/// The most that is read of a secret on standard input, in bytes.
const LONGEST_SECRET: usize = 64 * 1024;

/// The layer that `flags` make.
pub(crate) fn overrides(flags: &ProfileFlags, context: &Context) -> Result<Overrides, Failure> {
    Ok(Overrides {
        api_base: flags.api_base.clone(),
        client_secret: secret(flags)?,
        ca_file: flags.ca_file.clone(),
        proxy: flags.proxy.clone(),
        ..of_token(&flags.token, context)?
    })
}

/// The part of it that tells one token from another.
pub(super) fn of_token(flags: &TokenFlags, context: &Context) -> Result<Overrides, Failure> {
    Ok(Overrides {
        config: context.global.config.clone(),
        profile: context.global.profile.clone(),
        environment: context.global.environment,
        token_endpoint: flags.token_endpoint.clone(),
        client_id: flags.client_id.clone(),
        client_authentication: flags.client_authentication,
        scope: scope(&flags.scope)?,
        audience: flags.audience.clone(),
        resource: flags.resource.clone(),
        ..Overrides::default()
    })
}

/// `--scope "read write"` is the same as `--scope read --scope write`.
fn scope(given: &[String]) -> Result<Option<Scope>, Failure> {
    if given.is_empty() {
        return Ok(None);
    }
    Ok(Some(given.join(" ").parse()?))
}

fn secret(flags: &ProfileFlags) -> Result<Option<SecretOverride>, Failure> {
    if flags.client_secret_stdin {
        return Ok(Some(SecretOverride::Value(secret_from_stdin()?)));
    }
    Ok(flags.client_secret_file.clone().map(SecretOverride::File))
}

/// The secret that a pipe brings.
pub(crate) fn secret_from_stdin() -> Result<ClientSecret, Failure> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err(Failure::usage("--client-secret-stdin reads a pipe, and this is a terminal")
            .hint("pipe the secret in, such as: pass show prove | prove-token … --client-secret-stdin"));
    }
    secret_from(stdin.lock())
}

/// Read into one buffer that never moves and is wiped: a copy left behind by a
/// buffer that grew would not be.
fn secret_from(source: impl Read) -> Result<ClientSecret, Failure> {
    let refuse = |problem: &str| {
        Failure::new(
            ErrorKind::SecretSource,
            format!("the client secret on standard input {problem}"),
        )
        .hint("pipe in the secret alone, on one line, as UTF-8")
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_SECRET + 64));
    source
        .take(LONGEST_SECRET as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| refuse(&format!("cannot be read: {}", error.kind())))?;
    if bytes.len() > LONGEST_SECRET {
        return Err(refuse("is longer than 64 KiB"));
    }
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return Err(refuse("is not valid UTF-8"));
    };
    Ok(ClientSecret::new(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_taken_whole_or_not_at_all() {
        let longest = "x".repeat(LONGEST_SECRET);
        let taken = secret_from(longest.as_bytes()).ok().unwrap();
        assert_eq!(taken.expose_secret(), longest);
        for (given, problem) in [
            (
                format!("canary{longest}").into_bytes(),
                "longer than 64 KiB",
            ),
            (b"canary\xff".to_vec(), "not valid UTF-8"),
        ] {
            let failure = secret_from(&given[..]).err().unwrap();
            assert_eq!(failure.exit_code(), 5);
            assert!(failure.message().contains(problem), "{failure:?}");
            assert!(!failure.hints().is_empty(), "{failure:?}");
            assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
        }
    }
}
