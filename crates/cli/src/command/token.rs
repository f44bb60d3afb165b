//! `prove-token token`: the main job.

use clap::{Args, ValueEnum};
use prove_token::AccessToken;
use serde_json::{Value, json};

use super::{Context, Run};
use crate::args::{ProfileFlags, Takes, WishFlags};
use crate::failure::Failure;
use crate::session::{Session, Wish};
use crate::{shell, times};

/// The variable that `-o env` and its like set.
pub(crate) const VARIABLE: &str = "PROVE_ACCESS_TOKEN";

#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// The profile to use, as with --profile
    #[arg(value_name = "PROFILE", conflicts_with = "profile")]
    name: Option<String>,
    /// How to print the token
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    wish: WishFlags,
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
        let wish = Wish::from(self.wish);
        let token = session.access_token(wish)?;
        let (left, least) = (token.expires_in(), wish.least_life(&token));
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
    /// For a file, where what is true of this moment alone would soon be wrong: the same
    /// token is the same text.
    pub(crate) fn render_to_keep(self, token: &AccessToken, profile: &str) -> String {
        if self != Self::Json {
            return self.render(token, profile);
        }
        let mut object = json(token, profile);
        if let Some(members) = object.as_object_mut() {
            for passing in ["expires_in", "source"] {
                members.shift_remove(passing);
            }
        }
        object.to_string()
    }

    fn render(self, token: &AccessToken, profile: &str) -> String {
        let value = token.value();
        match self {
            Self::Raw => value.to_owned(),
            Self::Header => format!("Authorization: {} {value}", token.token_type()),
            Self::Json => json(token, profile).to_string(),
            Self::Env => format!("export {VARIABLE}={}", shell::posix(value)),
            Self::Dotenv => format!("{VARIABLE}={}", shell::dotenv(value)),
            Self::Fish => format!("set -gx {VARIABLE} {}", shell::fish(value)),
            Self::Powershell => format!("$env:{VARIABLE} = {}", shell::powershell(value)),
        }
    }
}

fn json(token: &AccessToken, profile: &str) -> Value {
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
    object
}
