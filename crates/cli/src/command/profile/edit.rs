//! `prove-token profile remove` and `use`: what is there already, changed.

use std::path::PathBuf;

use clap::Args;
use prove_token_config::{Config, Edit, KeptSecret, Overrides, SecretPlace};

use crate::command::Context;
use crate::failure::Failure;
use crate::printable::one_line;

#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// The profile's name
    name: String,
    /// Forget its client secret as well, where it is kept
    #[arg(long)]
    with_secret: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UseArgs {
    /// The profile's name
    #[arg(required_unless_present = "none")]
    name: Option<String>,
    /// Let no profile be the default one
    #[arg(long, conflicts_with = "name")]
    none: bool,
}

/// The file that is edited.
pub(in crate::command) fn file(context: &Context) -> Result<PathBuf, Failure> {
    let explicit = context.global.config.as_deref();
    Ok(Config::file_to_edit(explicit, &context.env)?)
}

pub(super) fn remove(args: &RemoveArgs, context: &Context) -> Result<(), Failure> {
    let path = file(context)?;
    let edit = Edit::new().remove_profile(&args.name);
    edit.preview(&path)?;
    let was_default = Config::load(&path)?.default_profile() == Some(&args.name);
    let kept = kept(args, &path, context)?;
    if let (Some(place), true) = (&kept, args.with_secret) {
        // Before the file forgets where it is.
        place.check_writable(&context.env)?;
    }
    edit.apply(&path)?;
    let notice = |text: &str| context.console.notice(text);
    let shown = one_line(&path.to_string_lossy());
    notice(&format!(
        "removed the profile \"{}\" from {shown}",
        args.name
    ));
    match kept {
        Some(place) if args.with_secret => {
            place.remove(&context.env)?;
            notice(&format!("removed its client secret from {place}"));
        }
        Some(place) => notice(&format!("its client secret stays in {place}")),
        None => {}
    }
    if was_default {
        notice("no profile is the default now; to choose one: prove-token profile use NAME");
    }
    Ok(())
}

/// Where the profile's secret is, if it is in a place that outlives the profile.
fn kept(
    args: &RemoveArgs,
    path: &std::path::Path,
    context: &Context,
) -> Result<Option<SecretPlace>, Failure> {
    let overrides = Overrides {
        config: Some(path.to_owned()),
        profile: Some(args.name.clone()),
        ..Overrides::default()
    };
    match KeptSecret::of(&overrides, &context.env) {
        Ok(kept) => Ok(Some(kept.place().clone()).filter(|place| {
            args.with_secret
                || match place {
                    SecretPlace::File(path) => path.exists(),
                    SecretPlace::Keyring { .. } => true,
                    _ => false,
                }
        })),
        // It names none, as one of the emulator.
        Err(_) => Ok(None),
    }
}

pub(super) fn use_profile(args: &UseArgs, context: &Context) -> Result<(), Failure> {
    let path = file(context)?;
    let notice = |text: &str| context.console.notice(text);
    match &args.name {
        None => {
            Edit::new().use_no_profile().apply(&path)?;
            notice("no profile is the default now");
        }
        Some(name) => {
            Edit::new().use_profile(name).apply(&path)?;
            notice(&format!("\"{name}\" is the default profile now"));
            mind_variables(context);
        }
    }
    Ok(())
}

/// A default profile that a variable overrules is not what a command uses here.
pub(in crate::command) fn mind_variables(context: &Context) {
    let is_set = |name: &&str| context.env.var_os(name).is_some();
    let names = ["PROVE_TOKEN_PROFILE", "PROVE_CLIENT_ID"];
    if let Some(name) = names.into_iter().find(is_set) {
        let text = format!("{name} is set here, and chooses the profile before the default");
        context.console.notice(&text);
    }
}
