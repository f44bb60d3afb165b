//! Arguments that are defined when their command is used.

use std::ops::Deref;

use clap::builder::Resettable;
use clap::{ArgMatches, Args, Command, Error, FromArgMatches, Id};

/// The arguments of a subcommand, which the parser gets to know when somebody uses it
/// or asks about it. Defining those of all subcommands would cost each run more than
/// reading a token that is kept.
#[derive(Debug)]
pub(crate) struct Deferred<T>(T);

impl<T> Deref for Deferred<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Args> Args for Deferred<T> {
    fn augment_args(command: Command) -> Command {
        command.defer(|command| with_about(command, T::augment_args))
    }

    fn augment_args_for_update(command: Command) -> Command {
        command.defer(|command| with_about(command, T::augment_args_for_update))
    }

    fn group_id() -> Option<Id> {
        T::group_id()
    }
}

impl<T: FromArgMatches> FromArgMatches for Deferred<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches_mut(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }

    fn update_from_arg_matches_mut(&mut self, matches: &mut ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches_mut(matches)
    }
}

/// `command` as `define` makes it, described as before: by the subcommand, and not by
/// the types of its arguments.
fn with_about(command: Command, define: impl FnOnce(Command) -> Command) -> Command {
    let about = Resettable::from(command.get_about().cloned());
    let long_about = Resettable::from(command.get_long_about().cloned());
    define(command).about(about).long_about(long_about)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use crate::args::Cli;

    #[test]
    fn a_subcommand_is_described_the_same_with_its_arguments() {
        let (listed, mut built) = (Cli::command(), Cli::command());
        built.build();
        for command in listed.get_subcommands() {
            let name = command.get_name();
            let built = built.find_subcommand(name).unwrap();
            assert!(command.get_about().is_some(), "{name}");
            assert_eq!(command.get_about(), built.get_about(), "{name}");
            assert_eq!(command.get_long_about(), built.get_long_about(), "{name}");
        }
        let token = built.find_subcommand("token").unwrap();
        assert!(token.get_arguments().any(|arg| arg.get_id() == "force"));
    }
}
