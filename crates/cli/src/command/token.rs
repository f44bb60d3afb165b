//! `prove-token token`: the main job.

use std::time::Duration;

use clap::{Args, ValueEnum};
use prove_token::AccessToken;
use serde_json::json;

use super::{Context, Run};
use crate::args::{self, CacheFlags, ProfileFlags, Takes};
use crate::failure::Failure;
use crate::session::{Session, Wish};
use crate::{shell, times};

/// The variable that `-o env` and its like set.
const VARIABLE: &str = "PROVE_ACCESS_TOKEN";

#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// The profile to use, as with --profile
    #[arg(value_name = "PROFILE", conflicts_with = "profile")]
    name: Option<String>,
    /// How to print the token
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    /// Renew first if the token has less than this to live, such as 5m; at most half of
    /// its whole life counts
    #[arg(long, value_name = "TIME", value_parser = args::duration, conflicts_with_all = ["force", "no_cache"])]
    min_validity: Option<Duration>,
    /// Never request a token: print the one that is kept, or exit with code 10
    #[arg(long, conflicts_with_all = ["force", "no_cache"])]
    cached_only: bool,
    #[command(flatten)]
    cache: CacheFlags,
    #[command(flatten)]
    flags: ProfileFlags,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// The token alone
    #[default]
    Raw,
    /// A header line: Authorization: Bearer …
    Header,
    /// One object: token, type, times, profile
    Json,
    /// A POSIX shell statement: export PROVE_ACCESS_TOKEN='…'
    Env,
    /// A line for a .env file
    Dotenv,
    /// A fish statement
    Fish,
    /// A PowerShell statement
    Powershell,
}

impl Run for TokenArgs {
    fn takes(&self) -> Takes {
        Takes::ALL
    }

    fn profile(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn wants_json(&self) -> bool {
        self.output == Format::Json
    }

    fn run(&self, context: &Context) -> Result<(), Failure> {
        let session = Session::start(&self.flags, context.global.timeout, context)?;
        let wish = Wish {
            cached_only: self.cached_only,
            min_validity: self.min_validity.unwrap_or_default(),
            ..Wish::from(self.cache)
        };
        let token = session.access_token(wish)?;
        let (left, least) = (
            token.expires_in(),
            wish.min_validity.min(token.lifetime() / 2),
        );
        if left < least {
            context.console.notice(&format!(
                "the token lives {} only: it could not be renewed (--verbose says why)",
                times::brief(left)
            ));
        }
        let name = &session.profile.name;
        context.console.line(self.output.render(&token, name))
    }
}

impl Format {
    fn render(self, token: &AccessToken, profile: &str) -> String {
        let value = token.value();
        match self {
            Self::Raw => value.to_owned(),
            Self::Header => format!("Authorization: {} {value}", token.token_type()),
            Self::Json => json(token, profile),
            Self::Env => format!("export {VARIABLE}={}", shell::posix(value)),
            Self::Dotenv => format!("{VARIABLE}={}", shell::dotenv(value)),
            Self::Fish => format!("set -gx {VARIABLE} {}", shell::fish(value)),
            Self::Powershell => format!("$env:{VARIABLE} = {}", shell::powershell(value)),
        }
    }
}

fn json(token: &AccessToken, profile: &str) -> String {
    let ends = times::epoch(token.expires_at());
    let mut object = json!({
        "access_token": token.value(),
        "token_type": token.token_type(),
        "expires_in": token.expires_in().as_secs(),
        "expires_at": ends,
        "expires_at_rfc3339": i64::try_from(ends).ok().and_then(times::rfc3339),
        "profile": profile,
        "source": if token.is_from_store() { "cache" } else { "server" },
    });
    if let Some(scope) = token.scope() {
        object["scope"] = json!(scope.to_string());
    }
    object.to_string()
}
