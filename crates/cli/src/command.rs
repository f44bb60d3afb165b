//! The commands; each is a file with its arguments and what it does.

pub(crate) mod call;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod emulator;
pub(crate) mod exec;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod man;
pub(crate) mod profile;
pub(crate) mod purge;
pub(crate) mod secret;
pub(crate) mod status;
pub(crate) mod token;
pub(crate) mod watch;

use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use clap::{ArgMatches, CommandFactory, FromArgMatches};
use prove_token_config::Env;

use crate::args::{Cli, Command, Global, Takes, narrow};
use crate::console::{self, Console};
use crate::failure::Failure;
use crate::manner::Manner;
use crate::usage;

/// Runs the command with these arguments (the program's name first) in this
/// environment, on the process's standard streams, and returns the exit code.
pub fn main_with(args: impl IntoIterator<Item = OsString>, env: Env) -> u8 {
    let args: Vec<_> = args.into_iter().collect();
    match crate::completion::answered(&args, &env) {
        true => 0,
        false => run(&args, env),
    }
}

fn run(args: &[OsString], env: Env) -> u8 {
    let manner = Manner::of(args);
    let refuse = |failure: &Failure| {
        Console::for_usage(manner).failure(failure, manner.json);
        failure.exit_code()
    };
    let cli = match parse(args, manner) {
        Ok(Ok(cli)) => cli,
        Ok(Err(help)) => {
            // Help and version are results (0); help for want of a command is not (2).
            let code = u8::try_from(help.exit_code()).unwrap_or(2);
            return console::taken(help.print()).map_or_else(|failure| refuse(&failure), |()| code);
        }
        Err(failure) if usage::is_of(args, exec::NAME) => return refuse(&exec::own(failure)),
        Err(failure) => return refuse(&failure),
    };
    let command = cli.command.as_run();
    let global = match settled(cli.global, command) {
        Ok(global) => global,
        Err(failure) => return refuse(&command.failed(failure)),
    };
    let context = Context {
        console: Arc::new(Console::new(&global)),
        global,
        env,
    };
    let code = match command.run(&context) {
        Ok(()) => 0,
        Err(failure) => {
            let failure = command.failed(failure.mind_proxies(&context.env));
            context.console.failure(&failure, command.wants_json());
            failure.exit_code()
        }
    };
    context.console.finish();
    code
}

/// What was typed, or the help that it asks for.
fn parse(args: &[OsString], manner: Manner) -> Result<Result<Cli, clap::Error>, Failure> {
    if own(args).any(is_secret_flag) {
        return Err(secret_in_argv());
    }
    let (command, matches) = matched(args, manner);
    if let Ok(matches) = &matches
        && let Some(failure) = usage::conflict(&command, matches)
    {
        return Err(failure);
    }
    match matches.and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches)) {
        Ok(cli) => Ok(Ok(cli)),
        Err(error) if is_help(error.kind()) => Ok(Err(error)),
        Err(error) => Err(usage::failure(&error, args)),
    }
}

/// What a parser makes of `args`, beside that parser.
fn matched(args: &[OsString], manner: Manner) -> (clap::Command, Result<ArgMatches, clap::Error>) {
    if let Some(mut narrow) = narrow::of(own(args).skip(1))
        && let Ok(matches) = narrow.try_get_matches_from_mut(args)
    {
        return (narrow, Ok(matches));
    }
    let mut whole = Cli::command().color(manner.clap_color());
    let matches = whole.try_get_matches_from_mut(args);
    (whole, matches)
}

/// The global flags as `command` is to see them: those without a meaning to it are
/// refused, and a profile that its own argument names is the profile.
fn settled(mut global: Global, command: &dyn Run) -> Result<Global, Failure> {
    if let Some(flag) = global.beside(command.takes()) {
        return Err(Failure::usage(format!("{flag} has no effect here"))
            .hint(format!("leave out {flag}; --help says what there is")));
    }
    if let Some(name) = command.profile() {
        global.profile = Some(name.to_owned());
    }
    Ok(global)
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

/// The words that are ours: what follows is another program's.
fn own(args: &[OsString]) -> impl Iterator<Item = &OsStr> {
    let ends = |arg: &OsStr| arg == "--" || arg == "--run";
    args.iter()
        .map(OsString::as_os_str)
        .take_while(move |arg| !ends(arg))
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
    pub(crate) global: Global,
    pub(crate) env: Env,
}

/// A command, as far as all are alike.
pub(crate) trait Run {
    /// The global flags that mean something to it.
    fn takes(&self) -> Takes {
        Takes::NOTHING
    }

    /// The profile that an argument of its own names, as `--profile` does.
    fn profile(&self) -> Option<&str> {
        None
    }

    /// Whether a failure is to be written as JSON, like the result.
    fn wants_json(&self) -> bool {
        false
    }

    /// `failure` of it with the exit code that users of such commands expect.
    fn failed(&self, failure: Failure) -> Failure {
        failure
    }

    /// Does it.
    fn run(&self, context: &Context) -> Result<(), Failure>;
}

impl Command {
    fn as_run(&self) -> &dyn Run {
        match self {
            Self::Token(args) => &**args,
            Self::Call(args) => &**args,
            Self::Status(args) => &**args,
            Self::Exec(args) => &**args,
            Self::Watch(args) => &**args,
            Self::Purge(args) => &**args,
            Self::Inspect(args) => &**args,
            Self::Emulator(args) => &**args,
            Self::Init(args) => &**args,
            Self::Config(command) => command,
            Self::Profile(command) => command,
            Self::Doctor(args) => &**args,
            Self::Secret(command) => command,
            Self::Completion(args) => &**args,
            Self::Man(args) => &**args,
        }
    }
}
