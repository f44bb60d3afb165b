//! `prove-token profile remove` and `use`: what is there already, changed.

use std::path::{Path, PathBuf};

use clap::Args;
use prove_token::ErrorKind;
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
    let config = Config::load(&path)?;
    let was_default = config.default_profile() == Some(&args.name);
    let kept = place(&args.name, &path, context);
    if let (Some(place), true) = (&kept, args.with_secret) {
        // Before the file forgets where it is.
        place.check_writable(&context.env)?;
        refuse_shared(place, &args.name, &config, context)?;
    }
    let kept = kept.filter(|place| args.with_secret || outlives_profile(place));
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

/// Where the secret of this profile is. `None` if it names no place, as one of the
/// emulator.
fn place(name: &str, path: &Path, context: &Context) -> Option<SecretPlace> {
    let overrides = Overrides {
        config: Some(path.to_owned()),
        profile: Some(name.to_owned()),
        ..Overrides::default()
    };
    let kept = KeptSecret::of(&overrides, &context.env).ok()?;
    Some(kept.place().clone())
}

fn outlives_profile(place: &SecretPlace) -> bool {
    match place {
        SecretPlace::File(path) => path.exists(),
        SecretPlace::Keyring { .. } => true,
        _ => false,
    }
}

/// Another profile would be without its secret, and find out when it needs a token.
fn refuse_shared(
    secret: &SecretPlace,
    name: &str,
    config: &Config,
    context: &Context,
) -> Result<(), Failure> {
    let shares = |other: &&str| {
        let other = place(other, config.path(), context);
        other.is_some_and(|other| is_same(secret, &other))
    };
    let mut others = config.profiles().map(|entry| entry.name);
    match others.find(|other| *other != name && shares(other)) {
        None => Ok(()),
        Some(other) => {
            let text = format!("the profile \"{other}\" keeps its client secret in {secret}, too");
            let failure = Failure::new(ErrorKind::Configuration, text);
            Err(failure.hint("leave out --with-secret, or remove that profile first"))
        }
    }
}

/// Of places that can be written.
fn is_same(one: &SecretPlace, other: &SecretPlace) -> bool {
    use SecretPlace::{File, Keyring};
    match (one, other) {
        (File(one), File(other)) => one == other,
        (
            Keyring { name, until_reboot },
            Keyring {
                name: other,
                until_reboot: forgets,
            },
        ) => (name, until_reboot) == (other, forgets),
        _ => false,
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
