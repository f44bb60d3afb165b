//! What can be typed.

mod deferred;
pub(crate) mod narrow;
mod output;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use prove_token::{ClientAuthentication, ClientId, Endpoint, ProxyAddress};
use prove_token_config::EnvironmentName;

pub(crate) use self::deferred::Deferred;
pub(crate) use self::output::OutputFlags;
use crate::command;

const AFTER_HELP: &str = "\
Without an account:
  prove-token token --environment emulator

With a Prove client id and secret (kept out of the command line):
  export PROVE_CLIENT_ID=… PROVE_CLIENT_SECRET=… PROVE_ENVIRONMENT=uat-us
  prove-token token";

/// Client credentials in, bearer token out: for Prove, and any OAuth 2.0 server
/// with the client credentials grant.
#[derive(Debug, Parser)]
#[command(name = "prove-token", version, after_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print an access token
    Token(Deferred<command::token::TokenArgs>),
    /// Call an API operation with the token
    Call(Deferred<command::call::CallArgs>),
    /// Show how each profile stands: life left, next renewal, last failure
    Status(Deferred<command::status::StatusArgs>),
    /// Run a program with the token in its environment
    Exec(Deferred<command::exec::ExecArgs>),
    /// Keep a file with the token fresh
    Watch(Deferred<command::watch::WatchArgs>),
    /// Forget tokens that are kept on disk
    Purge(Deferred<command::purge::PurgeArgs>),
    /// Decode a JWT offline: header, claims, times in words
    Inspect(Deferred<command::inspect::InspectArgs>),
    /// Run the local Prove on a loopback port
    Emulator(Deferred<command::emulator::EmulatorArgs>),
    /// Set up a profile, guided: environment, client id, secret, and whether they work
    Init(Deferred<command::init::InitArgs>),
    /// Where settings come from, and whether they are right
    #[command(subcommand)]
    Config(command::config::ConfigCommand),
    /// The profiles of the configuration file
    #[command(subcommand)]
    Profile(command::profile::ProfileCommand),
    /// Look for what stands between a profile and its token
    Doctor(Deferred<command::doctor::DoctorArgs>),
    /// The client secret of a profile, where it is kept
    #[command(subcommand)]
    Secret(command::secret::SecretCommand),
    /// Print a completion script for a shell
    Completion(Deferred<command::completion::CompletionArgs>),
    /// Print the manual page of a command
    Man(Deferred<command::man::ManArgs>),
}

/// Flags of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The configuration file to read
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Say on stderr what happens; secrets are redacted
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Print no hints and no notices, only results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Colour on stderr, in help and of marks
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: When,
    /// How --verbose writes: lines for people or JSON lines for machines
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    pub(crate) log_format: LogFormat,
    /// Never ask anything: what is missing is an error
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
    /// The profile to use [env: PROVE_TOKEN_PROFILE]
    #[arg(short, long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// uat-us, prod-us, uat-eu, prod-eu or emulator
    #[arg(long, global = true, value_name = "NAME", hide_possible_values = true, value_parser = environment())]
    pub(crate) environment: Option<EnvironmentName>,
    /// Give up after this time, such as 5s
    #[arg(long, global = true, value_name = "TIME", value_parser = time_limit)]
    pub(crate) timeout: Option<Duration>,
}

/// Which of the global flags that say *what* to do mean something to a command. Given to
/// any other, they are refused: a flag without effect would mislead.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Takes {
    pub(crate) profile: bool,
    pub(crate) environment: bool,
    pub(crate) timeout: bool,
}

impl Takes {
    /// A profile, which is resolved.
    pub(crate) const PROFILE: Self = Self {
        profile: true,
        environment: true,
        timeout: false,
    };
    /// A profile, and something is sent for it.
    pub(crate) const ALL: Self = Self {
        timeout: true,
        ..Self::PROFILE
    };
    /// None of them.
    pub(crate) const NOTHING: Self = Self {
        profile: false,
        environment: false,
        timeout: false,
    };
}

impl Global {
    /// The name of a flag that was given, and that a command which takes `takes` has no
    /// use for.
    pub(crate) fn beside(&self, takes: Takes) -> Option<&'static str> {
        [
            ("--profile", self.profile.is_some() && !takes.profile),
            (
                "--environment",
                self.environment.is_some() && !takes.environment,
            ),
            ("--timeout", self.timeout.is_some() && !takes.timeout),
        ]
        .into_iter()
        .find_map(|(name, is_idle)| is_idle.then_some(name))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Which profile, and what to change in it for this call.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Profile options")]
pub(crate) struct ProfileFlags {
    #[command(flatten)]
    pub(crate) token: TokenFlags,
    /// Where the API's operations are
    #[arg(long, value_name = "URL", conflicts_with = "environment")]
    pub(crate) api_base: Option<Endpoint>,
    /// Read the client secret from standard input
    #[arg(long, conflicts_with = "client_secret_file")]
    pub(crate) client_secret_stdin: bool,
    /// Read the client secret from a file that only you can read
    #[arg(long, value_name = "FILE")]
    pub(crate) client_secret_file: Option<PathBuf>,
    /// Trust exactly the certificates in this PEM file
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Reach https servers through this proxy
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<ProxyAddress>,
}

/// What tells one token from another, but for the secret and the global flags.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Profile options")]
pub(crate) struct TokenFlags {
    /// The token endpoint of another provider
    #[arg(long, value_name = "URL", conflicts_with = "environment")]
    pub(crate) token_endpoint: Option<Endpoint>,
    /// The client id
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<ClientId>,
    /// client_secret_post, client_secret_basic or client_secret_basic_raw
    #[arg(long, value_name = "METHOD", hide_possible_values = true, value_parser = authentication())]
    pub(crate) client_authentication: Option<ClientAuthentication>,
    /// A scope to ask for; may be given several times
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<String>,
    /// The audience to ask for
    #[arg(long, value_name = "URL")]
    pub(crate) audience: Option<String>,
    /// The resource to ask for (RFC 8707)
    #[arg(long, value_name = "URL")]
    pub(crate) resource: Option<String>,
}

/// Whether a token that is kept will do.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct CacheFlags {
    /// Request a new token, and keep it in place of the one that is kept
    #[arg(long, conflicts_with = "no_cache")]
    pub(crate) force: bool,
    /// Request a token for this call alone: none that is kept is used, and none is kept
    #[arg(long)]
    pub(crate) no_cache: bool,
}

/// Which token will do, for commands that hand it out.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct WishFlags {
    /// Renew first if the token has less than this to live, such as 5m; at most half of
    /// its whole life counts
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with_all = ["force", "no_cache"])]
    pub(crate) min_validity: Option<Duration>,
    /// Never request a token: take the one that is kept, or exit with code 10
    /// (exec: 125)
    #[arg(long, conflicts_with_all = ["force", "no_cache"])]
    pub(crate) cached_only: bool,
    #[command(flatten)]
    pub(crate) cache: CacheFlags,
}

/// A closed list, so that a wrong name is answered with the right ones and
/// shells can complete it.
fn environment() -> impl TypedValueParser<Value = EnvironmentName> {
    PossibleValuesParser::new(EnvironmentName::NAMES).try_map(|name| name.parse())
}

fn authentication() -> impl TypedValueParser<Value = ClientAuthentication> {
    let names = ClientAuthentication::ALL.map(ClientAuthentication::as_str);
    PossibleValuesParser::new(names).try_map(|name| name.parse())
}

fn time_limit(text: &str) -> Result<Duration, String> {
    let limit = duration(text)?;
    match limit.is_zero() {
        true => Err("it must be more than zero".to_owned()),
        false => Ok(limit),
    }
}

/// A time in words; a bare number is taken for seconds, as in curl.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let parsed = match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => humantime::parse_duration(text).ok(),
    };
    parsed.ok_or_else(|| "write a time as 500ms, 5s or 2m".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times() {
        assert_eq!(time_limit("5"), Ok(Duration::from_secs(5)));
        assert_eq!(time_limit("500ms"), Ok(Duration::from_millis(500)));
        for bad in ["", "0", "-1", "soon", "5 parsecs"] {
            assert!(time_limit(bad).is_err(), "{bad}");
        }
        assert_eq!(duration("0"), Ok(Duration::ZERO));
    }
}
