//! The manual: a page for each command, made of what the parser knows of it, of the
//! table of errors, and of the few texts that nothing else has.

mod example;

use std::collections::BTreeMap;

use clap::builder::PossibleValue;
use clap::{Arg, Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};
use prove_token::ErrorKind;
use prove_token_config::{Config, Env, Outcome, cache_folder, variables};

use self::example::EXAMPLES;
use crate::args::Cli;
use crate::command::exec;

/// Where the signs of an apostrophe are defined, once in a page.
const PREAMBLE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

/// The page of a command.
pub(crate) struct Page {
    /// The command's words, without the program's name.
    words: Vec<String>,
    text: String,
}

impl Page {
    pub(crate) fn is_of(&self, words: &[String]) -> bool {
        self.words == words
    }

    /// The command as it is typed.
    pub(crate) fn command(&self) -> String {
        self.words.join(" ")
    }

    /// In roff.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Such as `prove-token-config-show.1`.
    pub(crate) fn file_name(&self) -> String {
        let name = [&["prove-token".to_owned()], &self.words[..]].concat();
        format!("{}.1", name.join("-"))
    }
}

/// Every page, that of the program first.
pub(crate) fn pages() -> Vec<Page> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    add(&command, &[], &mut pages);
    pages
}

fn add(command: &Command, words: &[String], pages: &mut Vec<Page>) {
    if command.is_hide_set() {
        return;
    }
    pages.push(Page {
        words: words.to_vec(),
        text: text(command, words),
    });
    for command in command.get_subcommands() {
        let words = [words, &[command.get_name().to_owned()]].concat();
        add(command, &words, pages);
    }
}

fn text(command: &Command, words: &[String]) -> String {
    let man = Man::new(prepared(command.clone()));
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = man.render_name_section(&mut text);
    let _ = man.render_synopsis_section(&mut text);
    let _ = man.render_description_section(&mut text);
    let _ = man.render_options_section(&mut text);
    if command.has_subcommands() {
        let _ = man.render_subcommands_section(&mut text);
    }
    let mut roff = Roff::new();
    match words == [exec::NAME] {
        true => exit_status_of_exec(&mut roff),
        false => exit_status(&mut roff),
    }
    if words.is_empty() {
        environment(&mut roff);
        files(&mut roff);
    } else if let Some(notes) = command.get_after_help() {
        section(&mut roff, "NOTES", &notes.to_string());
    }
    examples(&words.join(" "), &mut roff);
    see_also(words, &mut roff);
    let _ = roff.to_writer(&mut text);
    let text = String::from_utf8_lossy(&text).replace(PREAMBLE, "");
    plain(&format!("{PREAMBLE}{}{text}", title(words)))
}

/// `text` in ASCII: older programs read a page so, or not at all.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character.is_ascii() {
            true => plain.push(character),
            false => plain.push_str(&format!("\\[u{:04X}]", u32::from(character))),
        }
    }
    plain
}

/// The page's head. It has no date: nobody notes when a command changed last.
fn title(words: &[String]) -> String {
    let name = [&["PROVE\\-TOKEN".to_owned()], words].concat().join("\\-");
    let (name, version) = (name.to_uppercase(), env!("CARGO_PKG_VERSION"));
    format!(".TH {name} 1 \"\" \"prove\\-token {version}\" \"prove\\-token Manual\"\n")
}

/// `command` as a page shows it: its usage short, as in its help, and the values of each
/// argument in a sentence instead of a list.
fn prepared(mut command: Command) -> Command {
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    command
        .override_usage(usage)
        .subcommand_help_heading("COMMANDS")
        .mut_args(with_values)
}

fn with_values(arg: Arg) -> Arg {
    let values = arg.get_possible_values();
    let is_flag = !arg.get_action().takes_values();
    if values.is_empty() || is_flag || arg.is_hide_possible_values_set() {
        return arg;
    }
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let shown = |value: &PossibleValue| match value.get_help() {
        Some(help) => format!("{} ({help})", value.get_name()),
        None => value.get_name().to_owned(),
    };
    let values: Vec<_> = values.iter().map(shown).collect();
    arg.hide_possible_values(true)
        .help(format!("{help}: {}", values.join(", ")))
}

/// A term, and below it what it means.
fn item(roff: &mut Roff, term: &str, meaning: &str) {
    roff.control("TP", []);
    roff.text([bold(term)]);
    roff.text([roman(meaning)]);
}

/// The table of errors, in the order of the codes.
fn exit_status(roff: &mut Roff) {
    roff.control("SH", ["EXIT STATUS"]);
    let mut codes = BTreeMap::from([
        (0, vec!["success"]),
        (2, vec!["the command line is not understood"]),
    ]);
    for outcome in ErrorKind::ALL.into_iter().map(Outcome::of) {
        let meanings = codes.entry(outcome.exit_code).or_default();
        meanings.push(outcome.meaning);
    }
    for (code, meanings) in codes {
        item(roff, &code.to_string(), &sentence(&meanings.join("; or ")));
    }
    item(roff, "128+N", "Signal N ended the command.");
}

/// Nearly all codes are the program's.
fn exit_status_of_exec(roff: &mut Roff) {
    roff.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in [
        ("125", "prove-token failed before the program ran."),
        ("126", "The program cannot be run."),
        ("127", "The program was not found."),
        ("128+N", "Signal N ended it."),
        ("other", "The program's own."),
    ] {
        item(roff, code, meaning);
    }
}

/// Paragraphs, parted by empty lines.
fn section(roff: &mut Roff, title: &str, text: &str) {
    roff.control("SH", [title]);
    for (number, paragraph) in text.split("\n\n").enumerate() {
        if paragraph.starts_with(ITEM) {
            list(roff, paragraph);
            continue;
        }
        if number > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(paragraph.replace('\n', " "))]);
    }
}

/// What an item of a list begins with; what is further in goes on with it.
const ITEM: &str = "  ";

/// Names and what they mean, in two columns.
fn list(roff: &mut Roff, paragraph: &str) {
    let mut items: Vec<(&str, String)> = Vec::new();
    for line in paragraph.lines() {
        let (is_item, text) = (!line.starts_with("   "), line.trim());
        match (items.last_mut(), text.split_once("  ")) {
            (_, Some((name, meaning))) if is_item => {
                items.push((name, meaning.trim_start().to_owned()));
            }
            (Some((_, meaning)), _) => meaning.push_str(&format!(" {text}")),
            (None, _) => items.push((text, String::new())),
        }
    }
    for (name, meaning) in items {
        item(roff, name, &sentence(&meaning));
    }
}

/// `text` with a full stop, without markup, and with a capital letter unless it begins
/// with code.
fn sentence(text: &str) -> String {
    if text.starts_with('`') {
        return format!("{}.", text.replace('`', ""));
    }
    let text = text.replace('`', "");
    let mut characters = text.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    format!("{}{}.", first.collect::<String>(), characters.as_str())
}

fn environment(roff: &mut Roff) {
    roff.control("SH", ["ENVIRONMENT"]);
    for variable in variables() {
        item(roff, variable.name, &sentence(variable.meaning));
    }
}

/// Where this program looks on this platform, with the home folder as a person writes it.
fn files(roff: &mut Roff) {
    let env: Env = [("HOME", "/~")].into_iter().collect();
    let shown = |path: &std::path::Path| path.display().to_string().replacen("/~", "~", 1);
    roff.control("SH", ["FILES"]);
    for path in Config::search_path(&env) {
        let meaning = match path.starts_with("/~") {
            true => {
                "The configuration file of the user; below XDG_CONFIG_HOME if that is set. \
                     Its keys: prove-token config schema -o text."
            }
            false => "The configuration file of the machine, which is read if the user has none.",
        };
        item(roff, &shown(&path), meaning);
    }
    if let Ok(folder) = cache_folder(&env) {
        let meaning = "Tokens that are kept, sealed by the client secret; below XDG_CACHE_HOME \
                       if that is set.";
        item(roff, &shown(&folder), meaning);
    }
}

fn examples(command: &str, roff: &mut Roff) {
    let of_command: Vec<_> = EXAMPLES
        .iter()
        .filter(|example| example.command == command)
        .collect();
    if of_command.is_empty() {
        return;
    }
    roff.control("SH", ["EXAMPLES"]);
    for example in of_command {
        roff.control("TP", []);
        roff.text([roman(format!("{}:", example.purpose))]);
        roff.text([bold(example.line)]);
    }
}

fn see_also(words: &[String], roff: &mut Roff) {
    roff.control("SH", ["SEE ALSO"]);
    let mut names = Vec::new();
    for length in 0..words.len() {
        names.push(["prove-token", &words[..length].join("-")].join("-"));
    }
    let mut line = Vec::new();
    for name in names {
        line.extend([bold(name.trim_end_matches('-')), roman("(1), ")]);
    }
    line.extend([
        italic(env!("CARGO_PKG_REPOSITORY")),
        roman(", RFC 6749 section 4.4"),
    ]);
    roff.text(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_and_every_example_a_command() {
        let pages = pages();
        let names: Vec<_> = pages.iter().map(Page::file_name).collect();
        for name in [
            "prove-token.1",
            "prove-token-token.1",
            "prove-token-config-schema.1",
        ] {
            assert!(names.iter().any(|other| other == name), "{names:?}");
        }
        for example in EXAMPLES {
            assert!(pages.iter().any(|page| page.command() == example.command));
        }
    }

    #[test]
    fn the_exit_codes_are_those_of_the_table() {
        let page = &pages()[0];
        for kind in ErrorKind::ALL {
            let outcome = Outcome::of(kind);
            let term = format!("\\fB{}\\fR", outcome.exit_code);
            assert!(page.text().contains(&term), "{kind:?}");
        }
    }

    #[test]
    fn a_sentence_is_one() {
        assert_eq!(
            sentence("`invalid_client`, or status 401"),
            "invalid_client, or status 401."
        );
        assert_eq!(sentence("a setting"), "A setting.");
    }
}
