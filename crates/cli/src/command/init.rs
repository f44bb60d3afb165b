//! `prove-token init`: from an account at Prove to a profile that works.
//!
//! Nothing is written before everything is answered and tried, so that whoever stops on
//! the way has changed nothing.

mod answers;
mod plan;
mod trial;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use prove_token::{ClientId, Endpoint};
use prove_token_config::{Edit, Issuer};

use self::answers::Answers;
use self::plan::Plan;
use super::profile::edit::{file, mind_variables};
use super::{Context, Run};
use crate::args::Takes;
use crate::failure::Failure;
use crate::printable::one_line;
use crate::prompt::Prompt;

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The new profile's name, as with --profile; without it, prove-ENVIRONMENT is proposed
    #[arg(value_name = "NAME", conflicts_with = "profile")]
    name: Option<String>,
    /// The token endpoint of another provider than Prove
    #[arg(long, value_name = "URL", conflicts_with = "environment")]
    token_endpoint: Option<Endpoint>,
    /// Where the operations of that provider's API are
    #[arg(long, value_name = "URL", requires = "token_endpoint")]
    api_base: Option<Endpoint>,
    /// The client id
    #[arg(long, value_name = "ID")]
    client_id: Option<ClientId>,
    /// Read the client secret from standard input
    #[arg(long, conflicts_with = "client_secret_file")]
    client_secret_stdin: bool,
    /// Read the client secret from a file that only you can read
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// Where to keep the client secret
    #[arg(long, value_enum, value_name = "PLACE")]
    keep: Option<Keep>,
    /// The environment variable that holds the secret, for --keep env
    #[arg(long, value_name = "NAME")]
    secret_env: Option<String>,
    /// Make it the default profile; without either, it becomes that if there is none
    #[arg(long, conflicts_with = "no_default")]
    default: bool,
    /// Leave the default profile as it is
    #[arg(long)]
    no_default: bool,
    /// Take the place of a profile that has this name, and of its secret
    #[arg(long)]
    force: bool,
    /// Do not request a token to see whether the credentials work
    #[arg(long)]
    no_try: bool,
}

/// Where a client secret is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Keep {
    /// The keyring of this system
    Keyring,
    /// The kernel's keyring, which forgets at the next reboot (Linux)
    UntilReboot,
    /// A file that only you can read (mode 0600)
    File,
    /// An environment variable that you set yourself
    Env,
}

impl Run for InitArgs {
    fn takes(&self) -> Takes {
        Takes::ALL
    }

    fn profile(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn run(&self, context: &Context) -> Result<(), Failure> {
        let path = file(context)?;
        // A file that cannot be edited is no reason to ask for a secret first.
        Edit::new().preview(&path)?;
        let prompt = Prompt::find(context);
        if prompt.is_some() {
            greet(&path, context);
        }
        let answers = Answers {
            args: self,
            context,
            path: &path,
            prompt: prompt.as_ref(),
        };
        let mut plan = answers.plan()?;
        if let Some(prompt) = &prompt {
            show(&plan, &path, context);
            if !prompt.confirm("Go on?", true)? {
                return Err(Failure::usage("stopped; nothing was written"));
            }
        }
        if !self.no_try {
            trial::run(&answers, &mut plan)?;
        }
        plan.write(&path, context)?;
        lead_on(&plan, &path, context);
        Ok(())
    }
}

fn greet(path: &Path, context: &Context) {
    for line in [
        "This makes a profile, with which prove-token gets access",
        "tokens. Ctrl-C at any question leaves all as it is.",
        &format!("File: {}", shown(path)),
        "",
    ] {
        context.console.notice(line);
    }
}

/// What will be written, before it is.
fn show(plan: &Plan, path: &Path, context: &Context) {
    let say = |text: &str| context.console.say(text);
    say("");
    say(&format!("This is to be written to {}:", shown(path)));
    let rows = plan.rows();
    let width = rows.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    for (key, value) in rows {
        say(&format!("  {key:width$}  {}", one_line(&value)));
    }
}

/// What to type next.
fn lead_on(plan: &Plan, path: &Path, context: &Context) {
    let notice = |text: &str| context.console.notice(text);
    let name = &plan.name;
    notice(&format!("wrote the profile \"{name}\" to {}", shown(path)));
    let flag = match plan.is_default {
        true => String::new(),
        false => format!(" -p {name}"),
    };
    if plan.is_default {
        mind_variables(context);
    }
    if let Some(variable) = plan.variable() {
        notice(&format!(
            "set {variable} to the client secret where prove-token runs"
        ));
    }
    notice("next:");
    notice(&format!("  prove-token{flag} token"));
    if matches!(plan.issuer, Issuer::Environment(_)) {
        notice(&format!(
            "  prove-token{flag} call POST /v3/start -d @request.json"
        ));
    }
}

fn shown(path: &Path) -> String {
    one_line(&path.to_string_lossy())
}
