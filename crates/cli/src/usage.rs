//! What the parser refuses, in words that repeat nothing of what was typed.
//!
//! The parser's own messages quote it, and what is typed in the wrong place may be
//! a password. Here only names that this program defines are said.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory as _};

use crate::args::Cli;
use crate::failure::Failure;

/// `error`, which the parser made of `args`, as a failure with exit code 2.
pub(crate) fn failure(error: &Error, args: &[OsString]) -> Failure {
    let mut failure = Failure::usage(message(error, args));
    if let Some(hint) = suggestion(error) {
        failure = failure.hint(hint);
    }
    if let Some(hint) = source_hint(error) {
        failure = failure.hint(hint);
    }
    let usage = error.get(ContextKind::Usage).map(ToString::to_string);
    let usage = usage.as_deref().map(str::trim);
    failure.hint(match usage.and_then(|text| text.strip_prefix("Usage:")) {
        Some(usage) => format!(
            "usage: {}; --help says more",
            usage.split_whitespace().collect::<Vec<_>>().join(" ")
        ),
        None => "--help says what there is".to_owned(),
    })
}

/// Two flags that contradict each other, one of them before the command's name and the
/// other one behind it: the parser looks at each side alone. `command` has parsed
/// `matches`.
pub(crate) fn conflict(command: &Command, matches: &ArgMatches) -> Option<Failure> {
    let (mut command, mut matches) = (command, matches);
    while let Some((name, below)) = matches.subcommand() {
        (command, matches) = (command.find_subcommand(name)?, below);
    }
    let is_given = |arg: &&Arg| {
        let source = matches.value_source(arg.get_id().as_str());
        source == Some(ValueSource::CommandLine)
    };
    let (one, other) = command.get_arguments().filter(is_given).find_map(|arg| {
        let mut contradicting = command.get_arg_conflicts_with(arg).into_iter();
        Some((arg, contradicting.find(is_given)?))
    })?;
    let failure = Failure::usage(format!("{one} cannot be used with {other}"));
    Some(failure.hint("--help says what there is"))
}

/// Whether `args`, which the parser refuses, are for the command of this name.
pub(crate) fn is_of(args: &[OsString], name: &str) -> bool {
    let lenient = Cli::command().ignore_errors(true);
    let matches = lenient.try_get_matches_from(args);
    matches.is_ok_and(|matches| matches.subcommand_name() == Some(name))
}

fn message(error: &Error, args: &[OsString]) -> String {
    let argument = names(error, ContextKind::InvalidArg);
    let allowed = names(error, ContextKind::ValidValue);
    match error.kind() {
        ErrorKind::InvalidValue if names(error, ContextKind::InvalidValue).is_empty() => {
            format!("{argument} needs a value")
        }
        ErrorKind::InvalidValue => format!("the value of {argument} is none of {allowed}"),
        ErrorKind::ValueValidation => match reason(error) {
            Some(reason) => format!("the value of {argument} is refused: {reason}"),
            None => format!("the value of {argument} is refused"),
        },
        ErrorKind::UnknownArgument => unknown(&argument, args),
        ErrorKind::InvalidSubcommand => "there is no such command".to_owned(),
        ErrorKind::MissingSubcommand => {
            let known = names(error, ContextKind::ValidSubcommand);
            format!("a command is missing: one of {known}")
        }
        ErrorKind::NoEquals => format!("{argument} takes its value after an equals sign"),
        ErrorKind::TooManyValues => format!("{argument} was given more values than it takes"),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("{argument} was given the wrong number of values")
        }
        ErrorKind::ArgumentConflict => match names(error, ContextKind::PriorArg) {
            prior if prior.is_empty() || prior == argument => {
                format!("{argument} may be given once only")
            }
            prior => format!("{argument} cannot be used with {prior}"),
        },
        ErrorKind::MissingRequiredArgument => format!("{argument} is missing"),
        ErrorKind::InvalidUtf8 => "an argument is not valid UTF-8".to_owned(),
        _ => "the command line is not understood".to_owned(),
    }
}

/// Names of arguments, commands and allowed values, separated by commas.
fn names(error: &Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(name)) => name.clone(),
        Some(ContextValue::Strings(names)) => names.join(", "),
        _ => String::new(),
    }
}

/// An argument that is not defined is named only if it can be nothing but the name
/// of an option; of any other, its place is said.
fn unknown(typed: &str, args: &[OsString]) -> String {
    let name = typed.split('=').next().unwrap_or_default();
    let is_option = name.strip_prefix("--").is_some_and(|rest| {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
        !rest.is_empty() && rest.len() <= 30 && rest.bytes().all(is_plain)
    });
    if is_option {
        return format!("there is no option {name} here");
    }
    let place = args
        .iter()
        .skip(1)
        .position(|arg| arg.to_string_lossy().starts_with(typed));
    match place {
        Some(index) => format!("argument {} is not expected here", index + 1),
        None => "an argument is not expected here".to_owned(),
    }
}

/// What is wrong with a value, without the value.
fn reason(error: &Error) -> Option<String> {
    let source = std::error::Error::source(error)?;
    let reason = source.to_string();
    if source.is::<prove_token::Error>() {
        // `"<address>" is not https`: only an address is quoted.
        let plain = match reason.rsplit_once("\" ") {
            Some((_, problem)) => format!("it {problem}"),
            None => reason,
        };
        return Some(plain);
    }
    let value = names(error, ContextKind::InvalidValue);
    // Number parsers start with what they were given.
    let reason = match reason.strip_prefix(&value) {
        Some(rest) if !value.is_empty() => format!("it{rest}"),
        _ => reason,
    };
    Some(match value.len() {
        0..4 => reason,
        _ => reason.replace(&value, "…"),
    })
}

fn source_hint(error: &Error) -> Option<String> {
    std::error::Error::source(error)?
        .downcast_ref::<prove_token::Error>()?
        .hint()
        .map(str::to_owned)
}

/// Something defined that is spelled like what was typed.
fn suggestion(error: &Error) -> Option<String> {
    [
        (ContextKind::SuggestedSubcommand, "command"),
        (ContextKind::SuggestedArg, "option"),
        (ContextKind::SuggestedValue, "value"),
    ]
    .into_iter()
    .map(|(kind, what)| (names(error, kind), what))
    .find(|(names, _)| !names.is_empty())
    .map(|(names, what)| match names.contains(", ") {
        true => format!("similar {what}s exist: {names}"),
        false => format!("a similar {what} exists: {names}"),
    })
}
