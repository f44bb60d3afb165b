//! `prove-token secret`: the client secret of a profile, where it is kept.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use clap::{Args, Subcommand};
use prove_token::ClientSecret;
use prove_token_config::{KeptSecret, Overrides};

use super::{Context, Run};
use crate::args::{Deferred, ProfileFlags, Takes};
use crate::failure::Failure;
use crate::prompt::Prompt;
use crate::session::{self, Session, Wish};
use crate::times;

/// A secret shorter than this was cut off, most likely.
const SHORT: usize = 8;

#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Keep a secret: typed at a prompt that does not show it, or piped in
    Set(Deferred<Named>),
    /// Forget the secret that is kept
    Remove(Deferred<Named>),
    /// Read the secret, and say whether that went well; never what it is
    Check(Deferred<CheckArgs>),
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The profile, as with --profile; without it, the one that
    /// "prove-token token" uses
    #[arg(value_name = "PROFILE", conflicts_with = "profile")]
    name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    named: Named,
    /// Request a token with it, which is not kept
    #[arg(long = "try")]
    does_try: bool,
}

impl Run for SecretCommand {
    fn takes(&self) -> Takes {
        Takes {
            profile: true,
            timeout: matches!(self, Self::Check(_)),
            ..Takes::NOTHING
        }
    }

    fn profile(&self) -> Option<&str> {
        match self {
            Self::Set(named) | Self::Remove(named) => named.name.as_deref(),
            Self::Check(args) => args.named.name.as_deref(),
        }
    }

    fn run(&self, context: &Context) -> Result<(), Failure> {
        let kept = kept(context)?;
        match self {
            Self::Set(_) => set(&kept, context),
            Self::Remove(_) => remove(&kept, context),
            Self::Check(args) => check(args, kept, context),
        }
    }
}

/// Nothing but the place is resolved, so that a profile may lack other things yet.
fn kept(context: &Context) -> Result<KeptSecret, Failure> {
    let overrides = Overrides {
        config: context.global.config.clone(),
        profile: context.global.profile.clone(),
        ..Overrides::default()
    };
    Ok(KeptSecret::of(&overrides, &context.env)?)
}

fn set(kept: &KeptSecret, context: &Context) -> Result<(), Failure> {
    let (profile, place) = (kept.profile(), kept.place());
    // Nobody is asked for what cannot be kept.
    place.check_writable(&context.env)?;
    let secret = given(profile, context)?;
    mind_length(&secret, context);
    place.save(&secret, &context.env)?;
    let notice = |text: &str| context.console.notice(text);
    notice(&format!(
        "kept the client secret of \"{profile}\" in {place}"
    ));
    notice(&format!("try it: prove-token secret check --try {profile}"));
    Ok(())
}

/// Typed at the terminal, or piped in.
fn given(profile: &str, context: &Context) -> Result<ClientSecret, Failure> {
    if !io::stdin().is_terminal() {
        return session::secret_from_stdin();
    }
    match Prompt::find(context) {
        Some(prompt) => prompt.secret(&format!("Client secret of \"{profile}\"")),
        None => Err(Failure::usage("there is nobody to ask for the secret")
            .hint("pipe it in, such as: pass show prove | prove-token secret set …")),
    }
}

fn remove(kept: &KeptSecret, context: &Context) -> Result<(), Failure> {
    let (profile, place) = (kept.profile(), kept.place());
    let text = match place.remove(&context.env)? {
        true => format!("removed the client secret of \"{profile}\" from {place}"),
        false => format!("no client secret of \"{profile}\" is in {place}"),
    };
    context.console.notice(&text);
    Ok(())
}

fn check(args: &CheckArgs, kept: KeptSecret, context: &Context) -> Result<(), Failure> {
    let kept = Arc::new(kept);
    let reader = Arc::clone(&kept);
    let limit = context.global.timeout;
    let secret = session::blocking(limit, move || reader.read())??;
    let (profile, place) = (kept.profile(), kept.place());
    context.console.line(format!(
        "the client secret of \"{profile}\" can be read from {place}"
    ))?;
    mind_length(&secret, context);
    if !args.does_try {
        return Ok(());
    }
    let session = Session::start(&ProfileFlags::default(), limit, context)?;
    let wish = Wish {
        no_cache: true,
        ..Wish::default()
    };
    let token = session.access_token(wish)?;
    let left = times::brief(token.expires_in());
    context.console.line(format!(
        "the authorization server accepts it: a token for {left}, which is not kept"
    ))
}

/// Of its length no more than this is told.
pub(super) fn mind_length(secret: &ClientSecret, context: &Context) {
    if secret.expose_secret().chars().count() < SHORT {
        let text = format!("it has fewer than {SHORT} characters: was it cut off?");
        context.console.notice(&text);
    }
}
