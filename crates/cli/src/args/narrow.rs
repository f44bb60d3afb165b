//! The parser of one command, for those who name one.

use std::ffi::OsStr;

use clap::{Args as _, Command, Subcommand as _};

use super::{Command as Commands, Global};

/// A parser that knows of all commands only the one that the first of `words` to be a
/// command's name means. What it takes, the whole parser ([`Cli`](super::Cli)) takes in
/// the same way; what it refuses, the whole one may take, or can explain.
///
/// The whole parser repeats the global flags for each command there is: most of the
/// memory, and so of the time, of a run that finds a kept token.
pub(crate) fn of<'a>(mut words: impl Iterator<Item = &'a OsStr>) -> Option<Command> {
    let all = Commands::augment_subcommands(Command::default());
    let named = words.find_map(|word| all.find_subcommand(word))?.clone();
    let narrow = Command::default().disable_help_subcommand(true);
    Some(Global::augment_args(narrow).subcommand(named))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &[&str]) -> Option<Vec<String>> {
        let command = of(words.iter().map(OsStr::new))?;
        let names = command.get_subcommands().map(Command::get_name);
        Some(names.map(str::to_owned).collect())
    }

    #[test]
    fn the_first_word_that_names_a_command_decides() {
        for (words, expected) in [
            (vec!["token"], Some("token")),
            (vec!["--quiet", "profile", "list"], Some("profile")),
            (vec!["call", "status"], Some("call")),
            (vec!["tokn"], None),
            (vec!["help", "--version"], None),
            (vec![], None),
        ] {
            let expected = expected.map(|name| vec![name.to_owned()]);
            assert_eq!(names(&words), expected, "{words:?}");
        }
    }

    #[test]
    fn it_is_sound_for_every_command() {
        let all = Commands::augment_subcommands(Command::default());
        for command in all.get_subcommands() {
            let name = OsStr::new(command.get_name());
            of([name].into_iter()).unwrap().debug_assert();
        }
    }
}
