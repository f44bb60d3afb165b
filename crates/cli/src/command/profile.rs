//! `prove-token profile`: what the configuration file offers.

pub(super) mod add;
pub(super) mod edit;

use clap::{Args, Subcommand};
use prove_token_config::Config;
use serde_json::json;

use super::config;
use super::{Context, Run};
use crate::args::{Deferred, OutputFlags, ProfileFlags, Takes};
use crate::failure::Failure;
use crate::printable::one_line;
use crate::session;
use crate::table::{Cell, Table};

#[derive(Debug, Subcommand)]
pub(crate) enum ProfileCommand {
    /// List the profiles, the default one marked with *
    List(ListArgs),
    /// Show one profile's settings; no secrets
    Show(ShowArgs),
    /// Add a profile to the configuration file; the secret stays where it is kept
    Add(Box<Deferred<add::AddArgs>>),
    /// Remove a profile from the configuration file
    Remove(Deferred<edit::RemoveArgs>),
    /// Make a profile the default one
    Use(Deferred<edit::UseArgs>),
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    output: OutputFlags,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The profile's name
    name: String,
    #[command(flatten)]
    output: OutputFlags,
}

impl Run for ProfileCommand {
    fn takes(&self) -> Takes {
        match self {
            Self::Add(_) => Takes {
                environment: true,
                ..Takes::NOTHING
            },
            _ => Takes::NOTHING,
        }
    }

    fn profile(&self) -> Option<&str> {
        match self {
            Self::Show(args) => Some(&args.name),
            // The others change the file, and use no profile.
            _ => None,
        }
    }

    fn wants_json(&self) -> bool {
        match self {
            Self::List(args) => args.output.is_json(),
            Self::Show(args) => args.output.is_json(),
            _ => false,
        }
    }

    fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List(args) => list(args, context),
            Self::Show(args) => show(args, context),
            Self::Add(args) => add::run(args, context),
            Self::Remove(args) => edit::remove(args, context),
            Self::Use(args) => edit::use_profile(args, context),
        }
    }
}

/// A broken profile is listed with its problems, so that the others stay in
/// sight; the exit code still says that something is wrong.
fn list(args: &ListArgs, context: &Context) -> Result<(), Failure> {
    let path = config::file(context)?;
    let config = Config::inspect(&path)?;
    let text = match args.output.is_json() {
        true => json(&config),
        false => table(&config),
    };
    context.console.result(text)?;
    match Failure::of_file(&config) {
        None => Ok(()),
        Some(failure) => Err(failure),
    }
}

fn table(config: &Config) -> String {
    let mut table = Table::default();
    for entry in config.profiles() {
        let mark = if entry.is_default { '*' } else { ' ' };
        let state = match entry.problems.len() {
            0 => "ok".to_owned(),
            1 => "1 problem".to_owned(),
            many => format!("{many} problems"),
        };
        // A name in quotes may hold anything.
        let title = format!("{mark} {}", one_line(entry.name));
        let place = one_line(&entry.place.to_string());
        table.row([title, state, place].map(Cell::from));
    }
    table.render()
}

fn json(config: &Config) -> String {
    let profiles: Vec<_> = config
        .profiles()
        .map(|entry| {
            let problems: Vec<_> = entry.problems.iter().map(ToString::to_string).collect();
            json!({
                "name": entry.name,
                "default": entry.is_default,
                "place": entry.place.to_string(),
                "problems": problems,
            })
        })
        .collect();
    format!("{}\n", json!({ "profiles": profiles }))
}

fn show(args: &ShowArgs, context: &Context) -> Result<(), Failure> {
    let profile = session::resolve(&ProfileFlags::default(), context)?;
    config::print(&profile, args.output, context)
}
