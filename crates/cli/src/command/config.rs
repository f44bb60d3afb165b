//! `prove-token config`: where settings come from, and whether they are right.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use prove_token::ErrorKind;
use prove_token_config::{Config, Profile, json_schema, keys};
use serde_json::json;

use super::{Context, Run};
use crate::args::{Deferred, OutputFlags, ProfileFlags, Takes};
use crate::failure::Failure;
use crate::session;
use crate::table::{Cell, Table};

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the path of the configuration file that is used
    Path,
    /// Print every setting of a profile and where it comes from; no secrets
    Show(Box<Deferred<ShowArgs>>),
    /// Check the whole file and report every problem with its place
    Validate(ValidateArgs),
    /// Print every key that the file may hold: type, unit, range, default and meaning
    Schema(SchemaArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    output: OutputFlags,
    #[command(flatten)]
    flags: ProfileFlags,
}

#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    output: OutputFlags,
}

#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// How to print it
    #[arg(short, long, value_enum, default_value_t)]
    output: SchemaFormat,
}

/// For editors or for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaFormat {
    /// A JSON Schema, with which editors complete and check the file
    #[default]
    Json,
    /// A list to read
    Text,
}

impl Run for ConfigCommand {
    fn takes(&self) -> Takes {
        match self {
            Self::Show(_) => Takes::PROFILE,
            Self::Path | Self::Validate(_) | Self::Schema(_) => Takes::NOTHING,
        }
    }

    fn wants_json(&self) -> bool {
        match self {
            Self::Path => false,
            Self::Show(args) => args.output.is_json(),
            Self::Validate(args) => args.output.is_json(),
            Self::Schema(args) => args.output == SchemaFormat::Json,
        }
    }

    fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Path => path(context),
            Self::Show(args) => show(args, context),
            Self::Validate(args) => validate(args, context),
            Self::Schema(args) => schema(args, context),
        }
    }
}

fn path(context: &Context) -> Result<(), Failure> {
    context.console.line(file(context)?.display().to_string())
}

/// The configuration file, which `config` and `profile` cannot do without.
pub(super) fn file(context: &Context) -> Result<PathBuf, Failure> {
    let found = Config::find(context.global.config.as_deref(), &context.env)?;
    found.ok_or_else(|| {
        let searched: Vec<_> = Config::search_path(&context.env)
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        Failure::new(ErrorKind::Configuration, "there is no configuration file")
            .hint(format!("it would be found at {}", searched.join(" or ")))
            .hint("prove-token init makes one; without it, set PROVE_CLIENT_ID and PROVE_CLIENT_SECRET, or use --environment emulator")
    })
}

fn show(args: &ShowArgs, context: &Context) -> Result<(), Failure> {
    print(
        &session::resolve(&args.flags, context)?,
        args.output,
        context,
    )
}

/// Every setting with where it came from, aligned or as one object.
pub(super) fn print(
    profile: &Profile,
    output: OutputFlags,
    context: &Context,
) -> Result<(), Failure> {
    let rows = profile.explain();
    if output.is_json() {
        let settings: Vec<_> = rows
            .iter()
            .map(
                |row| json!({"key": row.key, "value": row.value, "origin": row.origin.to_string()}),
            )
            .collect();
        let object = json!({"profile": profile.name, "chosen_by": profile.chosen_by.to_string(), "settings": settings});
        return context.console.line(object.to_string());
    }
    let mut table = Table::default();
    for row in rows {
        let key = format!("  {}", row.key);
        table.row([key, row.value, row.origin.to_string()].map(Cell::from));
    }
    let (name, origin) = (&profile.name, &profile.chosen_by);
    let text = format!("profile {name} ({origin})\n{}", table.render());
    context.console.result(text)
}

fn validate(args: &ValidateArgs, context: &Context) -> Result<(), Failure> {
    let path = file(context)?;
    let config = Config::load(&path)?;
    let profiles = config.profiles().count();
    let plural = if profiles == 1 { "" } else { "s" };
    let path = path.display();
    context.console.line(match args.output.is_json() {
        false => format!("{path} is valid: {profiles} profile{plural}"),
        true => json!({"file": path.to_string(), "valid": true, "profiles": profiles}).to_string(),
    })
}

/// No file is read: the schema is that of this program.
fn schema(args: &SchemaArgs, context: &Context) -> Result<(), Failure> {
    context.console.result(match args.output {
        SchemaFormat::Json => json_schema(),
        SchemaFormat::Text => listing(),
    })
}

/// A key, and below it what it may hold and what it is for.
fn listing() -> String {
    let mut text = String::new();
    for row in keys() {
        let default = match row.default.as_str() {
            "" => String::new(),
            "required" => "; required".to_owned(),
            default => format!("; default: {default}"),
        };
        let (key, kind, meaning) = (row.key, row.kind, row.meaning);
        text.push_str(&format!("{key}\n    {kind}{default}\n    {meaning}.\n"));
    }
    text
}
