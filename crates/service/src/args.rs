//! The command line of `prove-tokend`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory as _, Parser, Subcommand, ValueEnum};
use prove_token_config::{Env, HandsOut};

use crate::command;
use crate::failure::Failure;
use crate::log::{Log, LogFormat};

/// What the environment says beside the configuration.
const TRACES: &str = "\
Traces by OpenTelemetry, in a build with the feature otlp: the standard variables say where \
they go, by HTTP with Protocol Buffers.
  OTEL_EXPORTER_OTLP_ENDPOINT     Where the collector is: http://127.0.0.1:4318; unset: no traces
  OTEL_EXPORTER_OTLP_HEADERS      What it is told with each export: NAME=VALUE,…
  OTEL_EXPORTER_OTLP_TIMEOUT      How many milliseconds it may take [default: 10000]
  OTEL_SERVICE_NAME               Who traces [default: prove-tokend]
  OTEL_RESOURCE_ATTRIBUTES        What else is known of it: NAME=VALUE,…
  OTEL_TRACES_SAMPLER             Which traces [default: parentbased_always_on]
  OTEL_TRACES_SAMPLER_ARG         Of those that go by a ratio: from 0 to 1
  OTEL_TRACES_EXPORTER            none: no traces
  OTEL_SDK_DISABLED               true: no traces
OTEL_EXPORTER_OTLP_TRACES_… goes before OTEL_EXPORTER_OTLP_…; its ENDPOINT is the whole URL.";

/// One place that holds the secret, for everything on the machine.
///
/// Serves access tokens to local programs until it is asked to end: SIGTERM lets requests
/// come to their end, SIGHUP reads the configuration anew.
#[derive(Debug, Parser)]
#[command(name = "prove-tokend", version, max_term_width = 100, after_long_help = TRACES)]
struct Args {
    #[command(flatten)]
    common: Common,

    /// Say whether the service would start with this configuration, and end
    #[arg(long)]
    check_config: bool,

    #[command(flatten)]
    logging: Logging,

    #[command(subcommand)]
    subcommand: Option<Sub>,
}

/// What the service writes to standard error while it runs.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Logging {
    /// How log lines are written [default: text]
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        conflicts_with = "check_config"
    )]
    pub log_format: Option<LogFormat>,

    /// Log more: -v each request, -vv everything
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "check_config")]
    pub verbose: u8,

    /// Log less: -q warnings and errors, -qq errors
    #[arg(short, long, action = ArgAction::Count, conflicts_with_all = ["check_config", "verbose"])]
    pub quiet: u8,
}

/// What goes for every command.
#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// The configuration file [default: the one that prove-token finds]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Sub {
    /// Ask a running service whether it is alive; for exec probes
    Healthcheck(Healthcheck),
    /// The programs that may use the service, each with its key
    #[command(subcommand)]
    Caller(Caller),
}

/// Exit code 0: alive (with --ready: and holds a token); 1: not, or not reached.
#[derive(Debug, clap::Args)]
pub(crate) struct Healthcheck {
    /// Ask at this address instead of the configuration's: http://HOST:PORT[/PATH]
    #[arg(long, conflicts_with = "socket")]
    pub(crate) url: Option<String>,

    /// Ask at this Unix socket instead
    #[arg(long, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,

    /// Ask whether it holds a usable token, and not only whether it is alive
    #[arg(long)]
    pub(crate) ready: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Caller {
    /// Add a caller to the configuration file, and print its key, which is shown once
    Add(Add),
    /// List the callers of the configuration file
    List(List),
    /// Remove a caller: its key, and what it was given for the proxy, end
    Remove(Remove),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Add {
    /// Its name, for logs and as the client id of OAuth programs
    pub(crate) name: String,

    /// A profile whose tokens it gets; the first is the default of POST /token
    #[arg(long = "profile", value_name = "PROFILE", required = true)]
    pub(crate) profiles: Vec<String>,

    /// What an OAuth program is given: the access token, or a local one that /proxy takes
    #[arg(long, value_enum, default_value = "token")]
    pub(crate) hands_out: HandsOutArg,

    /// Leave the file alone, and write the lines for it to standard error; the key goes to
    /// standard output as ever
    #[arg(long)]
    pub(crate) print: bool,
}

/// What a caller is given, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HandsOutArg {
    /// The access token
    Token,
    /// A local bearer that /proxy takes, and nothing else
    Proxy,
}

impl From<HandsOutArg> for HandsOut {
    fn from(arg: HandsOutArg) -> Self {
        match arg {
            HandsOutArg::Token => Self::Token,
            HandsOutArg::Proxy => Self::Proxy,
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// How to print them
    #[arg(short, long, value_enum, default_value = "table")]
    pub(crate) output: Output,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Output {
    Table,
    Json,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Remove {
    /// Its name
    pub(crate) name: String,
}

impl Args {
    fn checked(self) -> Result<Self, clap::Error> {
        let logging = &self.logging;
        let for_the_service = [
            ("--check-config", self.check_config),
            ("--log-format", logging.log_format.is_some()),
            ("--verbose", logging.verbose > 0),
            ("--quiet", logging.quiet > 0),
        ];
        let given = for_the_service.iter().find(|(_, is_given)| *is_given);
        match given.filter(|_| self.subcommand.is_some()) {
            Some((name, _)) => Err(Self::command().error(
                ErrorKind::ArgumentConflict,
                format!("{name} cannot be used with a subcommand"),
            )),
            None => Ok(self),
        }
    }
}

/// Runs the command with these arguments (the program's name first) in this environment
/// to its end, and returns the exit code.
pub fn main_with(args: impl IntoIterator<Item = OsString>, env: Env) -> u8 {
    let args = match Args::try_parse_from(args).and_then(Args::checked) {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    let log = args.logging.begin(&env);
    let common = &args.common;
    let done = match &args.subcommand {
        None if args.check_config => command::check::run(common, env).map(|()| 0),
        None => command::serve::run(args.common.config, log, env),
        Some(Sub::Healthcheck(args)) => command::healthcheck::run(common, args, &env).map(|()| 0),
        Some(Sub::Caller(Caller::Add(args))) => {
            command::caller::add(common, args, &env).map(|()| 0)
        }
        Some(Sub::Caller(Caller::List(args))) => {
            command::caller::list(common, args, &env).map(|()| 0)
        }
        Some(Sub::Caller(Caller::Remove(args))) => {
            command::caller::remove(common, args, &env).map(|()| 0)
        }
    };
    ended(done, log)
}

/// Runs the service as `prove-tokend` does, to its end, and returns the exit code. All
/// that there is to say has been said then. `config` is the configuration file, if not
/// the one that is found.
///
/// The process is the service's from now on: its log, its signals, its limits and its
/// file mode mask are.
pub fn serve(config: Option<PathBuf>, logging: Logging, env: Env) -> u8 {
    let log = logging.begin(&env);
    ended(command::serve::run(config, log, env), log)
}

/// The exit code; a failure is said.
fn ended(done: Result<u8, Failure>, log: Log) -> u8 {
    done.unwrap_or_else(|failure| {
        log.failure(&failure);
        failure.exit_code()
    })
}

impl Logging {
    /// Begins to write, for the whole process: panics as well, without what they say.
    pub fn install(self, env: &Env) {
        self.begin(env);
    }

    fn begin(self, env: &Env) -> Log {
        let format = self.log_format.unwrap_or_default();
        let log = Log::new(format, self.verbose, self.quiet, env);
        log.install();
        log
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_holds_together() {
        Args::command().debug_assert();
    }
}
