//! The commands; each is a file with its arguments and what it does.

pub(crate) mod call;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod emulator;
pub(crate) mod inspect;
pub(crate) mod profile;
pub(crate) mod purge;
pub(crate) mod token;

use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use clap::{CommandFactory, FromArgMatches};
use prove_token_config::Env;

use crate::args::{Cli, Command};
use crate::console::Console;
use crate::failure::Failure;
use crate::manner::Manner;
use crate::usage;

/// Runs the command with these arguments (the program's name first) in this
/// environment, on the process's standard streams, and returns the exit code.
pub fn main_with(args: impl IntoIterator<Item = OsString>, env: Env) -> u8 {
    let args: Vec<_> = args.into_iter().collect();
    let manner = Manner::of(&args);
    let refuse = |failure: &Failure| {
        Console::for_usage(manner).failure(failure, manner.json);
        failure.exit_code()
    };
    if args.iter().any(|arg| is_secret_flag(arg)) {
        return refuse(&secret_in_argv());
    }
    let mut command = Cli::command().color(manner.clap_color());
    let parsed = command
        .try_get_matches_from_mut(args.iter())
        .and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) if is_help(error.kind()) => {
            // Help and version are results (0); help for want of a command is not (2).
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
        Err(error) => return refuse(&usage::failure(&error, &args)),
    };
    let context = Context {
        console: Arc::new(Console::new(&cli.global)),
        config: cli.global.config.clone(),
        env,
    };
    let as_json = cli.command.wants_json();
    match cli.command.run(&context) {
        Ok(()) => 0,
        Err(failure) => {
            let failure = failure.mind_proxies(&context.env);
            context.console.failure(&failure, as_json);
            failure.exit_code()
        }
    }
}

fn is_help(kind: clap::error::ErrorKind) -> bool {
    use clap::error::ErrorKind;
    matches!(
        kind,
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

fn secret_in_argv() -> Failure {
    Failure::usage("a client secret never goes on the command line").hint(
        "other users of the machine can see arguments: use --client-secret-stdin or \
             --client-secret-file, and rotate this secret",
    )
}

/// The flag that other tools have, and that this one must not.
fn is_secret_flag(arg: &OsStr) -> bool {
    const FLAG: &[u8] = b"--client-secret";
    let arg = arg.as_encoded_bytes();
    arg.strip_prefix(FLAG)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"="))
}

/// What every command is given.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) console: Arc<Console>,
    pub(crate) config: Option<std::path::PathBuf>,
    pub(crate) env: Env,
}

impl Command {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Token(args) => token::run(args, context),
            Self::Call(args) => call::run(args, context),
            Self::Purge(args) => purge::run(args, context),
            Self::Inspect(args) => inspect::run(args, context),
            Self::Emulator(args) => emulator::run(args, context),
            Self::Config(command) => config::run(command, context),
            Self::Profile(command) => profile::run(command, context),
            Self::Completion(args) => completion::run(args, context),
        }
    }

    /// Whether a failure is to be written as JSON, like the result.
    fn wants_json(&self) -> bool {
        match self {
            Self::Token(args) => args.output == token::Format::Json,
            Self::Inspect(args) => args.output == inspect::Format::Json,
            Self::Config(command) => command.wants_json(),
            Self::Profile(command) => command.wants_json(),
            Self::Call(_) | Self::Purge(_) | Self::Emulator(_) | Self::Completion(_) => false,
        }
    }
}
