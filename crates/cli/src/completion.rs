//! What a shell offers while a command line is typed.
//!
//! The scripts of `prove-token completion` ask this program itself, by a variable, so
//! that they offer the profiles there are and never fall behind. A line of the answer is
//! a word, and after a tab what it means; `:files` and its like leave the names to the
//! shell, which quotes them as it needs. Nothing is ever wrong here: what cannot be read
//! offers nothing.

mod line;

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::PathBuf;

use clap::{Arg, Command, CommandFactory as _, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, complete};
use prove_token_config::{Config, Env};

use self::line::Line;
use crate::args::Cli;

/// Known the shell that asks.
const SHELL: &str = "PROVE_TOKEN_COMPLETE";

/// The word that is being typed, up to the cursor.
const WORD: &str = "PROVE_TOKEN_COMPLETE_WORD";

const FILES: &str = ":files";
const FOLDERS: &str = ":folders";
const COMMANDS: &str = ":commands";

/// Whether a shell asks, and not somebody who wants a token; it has its answer then.
/// `args` are the program's name, `--`, and the words before the one that is typed.
pub(crate) fn answered(args: &[OsString], env: &Env) -> bool {
    let Some(shell) = env.var_os(SHELL) else {
        return false;
    };
    // A variable that somebody left behind changes no run.
    let [_, escape, words @ ..] = args else {
        return false;
    };
    if escape != "--" {
        return false;
    }
    let typed = env.var_os(WORD).unwrap_or_default();
    let line = Line::new(words, typed, shell == "bash");
    let mut text = String::new();
    for offer in offers(&line, env) {
        text.push_str(&offer);
        text.push('\n');
    }
    // A shell that went away wants nothing.
    let _ = std::io::stdout().write_all(text.as_bytes());
    true
}

fn offers(line: &Line, env: &Env) -> Vec<String> {
    let mut command = Cli::command();
    // The arguments of all commands, and the global ones in each.
    command.build();
    let known = Known {
        config: line.config(env),
        follows_option: line.follows_option(),
        env: env.clone(),
    };
    let mut command = prepared(command, "", &known);
    let index = line.words.len() - 1;
    let found = complete(&mut command, line.words.clone(), index, None).unwrap_or_default();
    let options =
        |candidate: &CompletionCandidate| candidate.get_value().to_string_lossy().starts_with('-');
    let has_values = !found.iter().all(options);
    found
        .iter()
        // Who types nothing yet looks for a command or a name first.
        .filter(|candidate| line.begins_option() || !has_values || !options(candidate))
        .filter_map(|candidate| shown(candidate, line))
        .collect()
}

/// A candidate as a line of the answer.
fn shown(candidate: &CompletionCandidate, line: &Line) -> Option<String> {
    let value = candidate.get_value().to_str()?;
    if let Some(marker) = [FILES, FOLDERS, COMMANDS]
        .into_iter()
        .find(|marker| value.ends_with(marker))
    {
        return Some(marker.to_owned());
    }
    let value = value.strip_prefix(&line.kept)?;
    let help = candidate.get_help().map(ToString::to_string);
    let help = help.as_deref().and_then(|help| help.lines().next());
    Some(match help {
        Some(help) => format!("{value}\t{help}"),
        None => value.to_owned(),
    })
}

/// `command`, a subcommand of `parent`, with what completes its values.
fn prepared(command: Command, parent: &str, known: &Known) -> Command {
    let name = command.get_name().to_owned();
    // The new one's name is for the user to find.
    let names_profiles = parent == "profile" && name != "add";
    command
        .mut_args(|arg| completed(arg, names_profiles, known))
        .mut_subcommands(|command| prepared(command, &name, known))
}

fn completed(arg: Arg, names_profiles: bool, known: &Known) -> Arg {
    let is_called = |text| arg.get_value_names().is_some_and(|names| names == [text]);
    let is_profile = arg.get_id() == "profile" || is_called("PROFILE");
    if is_profile || names_profiles && arg.is_positional() {
        let known = known.clone();
        return arg.add(ArgValueCompleter::new(move |typed: &OsStr| {
            known.beginning_with(&typed.to_string_lossy())
        }));
    }
    let marker = match arg.get_value_hint() {
        // After the program come words of its own, which may name files.
        _ if is_called("CMD") && known.follows_option => COMMANDS,
        _ if is_called("CMD") => FILES,
        ValueHint::AnyPath | ValueHint::FilePath => FILES,
        ValueHint::DirPath => FOLDERS,
        _ => return arg,
    };
    arg.add(ArgValueCompleter::new(move |_: &OsStr| {
        vec![CompletionCandidate::new(marker)]
    }))
}

/// Where the names of profiles are read, if somebody asks for one, and what else is
/// known of the line.
#[derive(Clone)]
struct Known {
    follows_option: bool,
    config: Option<PathBuf>,
    env: Env,
}

impl Known {
    fn beginning_with(&self, typed: &str) -> Vec<CompletionCandidate> {
        let found = Config::find(self.config.as_deref(), &self.env)
            .ok()
            .flatten();
        let Some(config) = found.and_then(|path| Config::load(&path).ok()) else {
            return Vec::new();
        };
        let names = config.profiles().map(|profile| profile.name);
        names
            .filter(|name| name.starts_with(typed))
            .map(CompletionCandidate::new)
            .collect()
    }
}
