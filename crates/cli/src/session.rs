//! From flags to a token client: the profile resolved, the emulator started if
//! it is the provider, the events wired to the console.

use std::future::Future;
use std::io::{IsTerminal, Read};
use std::sync::Arc;
use std::time::Duration;

use prove_token::transport::HttpTransport;
use prove_token::{AccessToken, ClientId, ClientSecret, ErrorKind, Scope, TokenClient};
use prove_token_config::{Overrides, Profile, SecretOverride, Target};
use prove_token_emulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Emulator};
use tokio::runtime::{Builder, Runtime};
use zeroize::Zeroizing;

use crate::args::ProfileFlags;
use crate::command::Context;
use crate::console::Console;
use crate::failure::Failure;
use crate::interrupt;
use crate::report;

/// The most that is read of a secret on standard input, in bytes.
const LONGEST_SECRET: usize = 64 * 1024;

/// Everything that is set up for one command.
pub(crate) struct Session {
    pub(crate) client: TokenClient,
    pub(crate) profile: Profile,
    /// Shared with the client, so that a call to the same host reuses the
    /// connection that brought the token.
    pub(crate) transport: Arc<HttpTransport>,
    runtime: Runtime,
    limit: Option<Duration>,
    /// Whether `PROVE_EMULATOR` says that one is running.
    needs_emulator: bool,
    /// Ends with the session.
    _emulator: Option<Emulator>,
}

impl Session {
    /// Resolves the profile that `flags` and the environment ask for. Nothing is
    /// sent yet; what is sent later has to end within `limit`.
    pub(crate) fn start(
        flags: &ProfileFlags,
        limit: Option<Duration>,
        context: &Context,
    ) -> Result<Self, Failure> {
        let profile = resolve(flags, context)?;
        explain(&profile, &context.console);
        let needs_emulator = matches!(profile.target, Target::Emulator { url: Some(_) });
        let (profile, emulator) = with_emulator(profile, &context.console)?;
        let transport = profile.transport()?.build();
        let transport = Arc::new(transport);
        let console = Arc::clone(&context.console);
        let client = profile
            .client_builder(Arc::clone(&transport))?
            .on_event(move |event| report::event(&console, event))
            .build()?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| {
                Failure::new(
                    ErrorKind::Internal,
                    format!("cannot start the runtime: {}", error.kind()),
                )
            })?;
        Ok(Self {
            client,
            profile,
            transport,
            runtime,
            limit,
            needs_emulator,
            _emulator: emulator,
        })
    }

    /// A token for what the profile asks for.
    pub(crate) fn access_token(&self) -> Result<AccessToken, Failure> {
        self.run(async { Ok(self.client.access_token().await?) })
    }

    /// Runs `work` to its end or to the limit.
    pub(crate) fn run<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let limited = async {
            match self.limit {
                None => work.await,
                Some(limit) => tokio::time::timeout(limit, work)
                    .await
                    .unwrap_or_else(|_| Err(timed_out(limit))),
            }
        };
        let ended = self.runtime.block_on(interrupt::or_signal(limited));
        let done = ended.unwrap_or_else(|signal| Err(Failure::interrupted(signal)));
        done.map_err(|failure| match failure.kind() {
            ErrorKind::Connect if self.needs_emulator => failure.hint(
                "no emulator listens there: start prove-token emulator, or unset PROVE_EMULATOR",
            ),
            _ => failure,
        })
    }
}

fn timed_out(limit: Duration) -> Failure {
    let limit = humantime::format_duration(limit);
    Failure::new(ErrorKind::Timeout, format!("no result within {limit}"))
        .hint("raise --timeout; --verbose shows where the time goes")
}

/// The profile that `flags`, the environment and the configuration file make.
pub(crate) fn resolve(flags: &ProfileFlags, context: &Context) -> Result<Profile, Failure> {
    let overrides = overrides(flags, context)?;
    Ok(Profile::resolve(&overrides, &context.env)?)
}

fn overrides(flags: &ProfileFlags, context: &Context) -> Result<Overrides, Failure> {
    Ok(Overrides {
        config: context.config.clone(),
        profile: flags.profile.clone(),
        environment: flags.environment,
        token_endpoint: flags.token_endpoint.clone(),
        api_base: flags.api_base.clone(),
        client_id: flags.client_id.clone(),
        client_secret: secret(flags)?,
        client_authentication: flags.client_authentication,
        scope: scope(&flags.scope)?,
        audience: flags.audience.clone(),
        resource: flags.resource.clone(),
        ca_file: flags.ca_file.clone(),
        proxy: flags.proxy.clone(),
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

/// A profile whose provider is the emulator gets its addresses and its public
/// credentials here; one is started if none is running.
fn with_emulator(
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

fn explain(profile: &Profile, console: &Console) {
    for row in profile.explain() {
        report::note(
            console,
            "setting",
            &format!("{} = {} ({})", row.key, row.value, row.origin),
        );
    }
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
