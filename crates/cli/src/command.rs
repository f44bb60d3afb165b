//! The commands; each is a file with its arguments and what it does.

pub(crate) mod call;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod emulator;
pub(crate) mod inspect;
pub(crate) mod profile;
pub(crate) mod token;

use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use clap::Parser;
use prove_token_config::Env;

use crate::args::{Cli, Command};
use crate::console::Console;
use crate::failure::Failure;

/// Runs the command with these arguments (the program's name first) in this
/// environment, on the process's standard streams, and returns the exit code.
pub fn main_with(args: impl IntoIterator<Item = OsString>, env: Env) -> u8 {
    let args: Vec<_> = args.into_iter().collect();
    // Before the parser sees it, which repeats what it does not understand.
    if args.iter().any(|arg| is_secret_flag(arg)) {
        let failure = Failure::usage("a client secret never goes on the command line").hint(
            "other users of the machine can see arguments: use --client-secret-stdin or \
             --client-secret-file, and rotate this secret",
        );
        Console::default().failure(&failure, false);
        return failure.exit_code();
    }
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are results (0), everything else is usage (2).
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
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
            Self::Call(_) | Self::Emulator(_) | Self::Completion(_) => false,
        }
    }
}
