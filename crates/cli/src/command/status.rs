//! `prove-token status`: how each profile stands, without asking anybody.

mod row;
mod text;

use clap::Args;
use prove_token::ErrorKind;
use prove_token_config::{Config, Env, Overrides, Profile};
use serde_json::json;

use self::row::Row;
use self::text::Overview;
use super::{Context, Run};
use crate::args::{self, OutputFlags, Takes};
use crate::failure::Failure;
use crate::printable::one_line;
use crate::screen::Page;
use crate::times;

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The profile to look at, as with --profile; without it, all of the configuration
    /// file, and the one that PROVE_CLIENT_ID makes
    #[arg(value_name = "PROFILE", conflicts_with = "profile")]
    name: Option<String>,
    #[command(flatten)]
    output: OutputFlags,
    /// For monitoring: exit with 0 only if every profile has a usable token, else with
    /// the exit code of what failed last, or 10
    #[arg(long)]
    check: bool,
    /// With --check: the least that a token must have to live, such as 5m
    #[arg(long, value_name = "TIME", value_parser = args::duration, requires = "check")]
    min_validity: Option<std::time::Duration>,
    /// Read secrets that a command prints or a keyring holds, too: without them a kept
    /// token cannot be opened, and only its end is known
    #[arg(long)]
    read_secrets: bool,
}

impl Run for StatusArgs {
    fn takes(&self) -> Takes {
        Takes {
            profile: true,
            timeout: true,
            ..Takes::NOTHING
        }
    }

    fn profile(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn wants_json(&self) -> bool {
        self.output.is_json()
    }

    fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut rows = Vec::new();
        for profile in profiles(context)? {
            rows.push(Row::of(profile, self.read_secrets, context)?);
        }
        if self.wants_json() {
            let rows: Vec<_> = rows.iter().map(Row::to_json).collect();
            context
                .console
                .line(json!({ "profiles": rows }).to_string())?;
        } else {
            let overview = Overview(Page::of(&context.env));
            context.console.page(&overview.render(&rows))?;
        }
        match self.check {
            true => self.verdict(&rows),
            false => Ok(()),
        }
    }
}

impl StatusArgs {
    /// The first profile that has no token to hand out, or too short-lived a one.
    fn verdict(&self, rows: &[Row]) -> Result<(), Failure> {
        let least = self.min_validity.unwrap_or_default();
        let Some(row) = rows.iter().find(|row| !row.lives_for(least)) else {
            return Ok(());
        };
        let kind = row
            .failure
            .as_ref()
            .map(Failure::kind)
            .unwrap_or(ErrorKind::Expired);
        let problem = match least.is_zero() {
            true => "has no usable token".to_owned(),
            false => format!("has no token that lives {}", times::brief(least)),
        };
        Err(
            Failure::new(kind, format!("the profile {} {problem}", row.name))
                .hint("prove-token token requests one; a program that runs, or watch, keeps one"),
        )
    }
}

/// A profile to be looked at.
pub(super) struct Candidate {
    name: String,
    is_default: bool,
    /// It may have problems that are its own.
    profile: Result<Profile, prove_token_config::Error>,
}

/// The one that is named, else all there are.
fn profiles(context: &Context) -> Result<Vec<Candidate>, Failure> {
    let overrides = Overrides {
        config: context.global.config.clone(),
        profile: context.global.profile.clone(),
        ..Overrides::default()
    };
    match overrides.profile.clone() {
        None => all(&overrides, context),
        Some(name) => Ok(vec![Candidate {
            name,
            is_default: false,
            profile: Ok(Profile::resolve(&overrides, &context.env)?),
        }]),
    }
}

fn all(overrides: &Overrides, context: &Context) -> Result<Vec<Candidate>, Failure> {
    let config = match Config::find(overrides.config.as_deref(), &context.env)? {
        Some(path) => Some(Config::load(&path)?),
        None => None,
    };
    let resolve =
        |overrides: &Overrides| Profile::from_config(overrides, &context.env, config.as_ref());
    let listed = config.iter().flat_map(Config::profiles);
    let mut names: Vec<_> = listed.map(|entry| entry.name.to_owned()).collect();
    // What a command without a name would use, or would be refused for.
    let default = match resolve(overrides) {
        Ok(profile) => Some(profile.name),
        Err(error) if names.is_empty() => return Err(error.into()),
        Err(_) => of_variables(&context.env),
    };
    if let Some(name) = default.as_ref().filter(|name| !names.contains(name)) {
        names.insert(0, name.clone());
    }
    let candidate = |name: String| Candidate {
        is_default: default.as_ref() == Some(&name),
        profile: resolve(&Overrides {
            profile: Some(name.clone()),
            ..overrides.clone()
        }),
        name,
    };
    Ok(names.into_iter().map(candidate).collect())
}

/// The name of the profile that variables choose, whether there is one or not.
fn of_variables(env: &Env) -> Option<String> {
    match env.var_os("PROVE_TOKEN_PROFILE") {
        Some(name) => Some(one_line(&name.to_string_lossy())),
        None => env.var_os("PROVE_CLIENT_ID").map(|_| "env".to_owned()),
    }
}
