//! `prove-token profile add`: a profile from flags.

use std::path::{Path, PathBuf};

use clap::Args;
use prove_token::{ProxyAddress, Secret};
use prove_token_config::{Config, Edit, EnvironmentName, Issuer, NewProfile, SecretPlace};

use super::edit;
use crate::args::TokenFlags;
use crate::command::Context;
use crate::failure::Failure;
use crate::printable::one_line;
use crate::session;

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// The new profile's name
    name: String,
    /// Make it the default profile
    #[arg(long)]
    default: bool,
    /// Take the place of a profile that has this name
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    token: TokenFlags,
    /// Where the API's operations are; Prove's environments bring it
    #[arg(long, value_name = "URL", help_heading = "Profile options")]
    api_base: Option<prove_token::Endpoint>,
    #[command(flatten)]
    secret: SecretFlags,
    /// Trust exactly the certificates in this PEM file
    #[arg(long, value_name = "FILE", help_heading = "Profile options")]
    ca_file: Option<PathBuf>,
    /// Reach https servers through this proxy
    #[arg(long, value_name = "URL", help_heading = "Profile options")]
    proxy: Option<ProxyAddress>,
}

/// Where the client secret is; the secret itself is not asked for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where the client secret is")]
struct SecretFlags {
    /// In an environment variable
    #[arg(long, value_name = "NAME", group = "place")]
    client_secret_env: Option<String>,
    /// In a file of its own; it may be missing yet
    #[arg(long, value_name = "FILE", group = "place")]
    client_secret_file: Option<PathBuf>,
    /// In this entry of the keyring of this system
    #[arg(long, value_name = "NAME", group = "place")]
    client_secret_keyring: Option<String>,
    /// The keyring is the kernel's, which forgets at the next reboot
    #[arg(long, requires = "client_secret_keyring")]
    until_reboot: bool,
    /// In this credential, which systemd hands over
    #[arg(long, value_name = "NAME", group = "place")]
    client_secret_credential: Option<String>,
    /// On the standard output of a command; all that follows is the command
    #[arg(
        long,
        value_names = ["PROGRAM", "ARGUMENT"],
        num_args = 1..,
        group = "place",
        allow_hyphen_values = true
    )]
    client_secret_command: Vec<String>,
}

impl SecretFlags {
    fn place(&self) -> Option<SecretPlace> {
        let command = || {
            let words = self.client_secret_command.iter();
            let words: Vec<_> = words.map(|word| Secret::new(word.as_str())).collect();
            (!words.is_empty()).then_some(SecretPlace::Command(words))
        };
        let variable = self.client_secret_env.clone().map(SecretPlace::Env);
        let file = self.client_secret_file.clone().map(SecretPlace::File);
        let keyring = self.client_secret_keyring.clone();
        let keyring = keyring.map(|name| SecretPlace::Keyring {
            name,
            until_reboot: self.until_reboot,
        });
        let credential = self.client_secret_credential.clone();
        let credential = credential.map(SecretPlace::Credential);
        variable
            .or(file)
            .or(keyring)
            .or(credential)
            .or_else(command)
    }
}

pub(super) fn run(args: &AddArgs, context: &Context) -> Result<(), Failure> {
    let profile = profile(args, context)?;
    let path = edit::file(context)?;
    let edit = match args.force {
        true => Edit::new().replace_profile(&args.name, profile.clone()),
        false => Edit::new().add_profile(&args.name, profile.clone()),
    };
    let edit = match args.default {
        true => edit.use_profile(&args.name),
        false => edit,
    };
    if !args.force {
        refuse_existing(&path, &args.name)?;
    }
    let config = edit.apply(&path)?;
    let name = &args.name;
    let notice = |text: &str| context.console.notice(text);
    notice(&format!("added the profile \"{name}\" to {}", shown(&path)));
    let lacks_secret = match &profile.client_secret {
        Some(SecretPlace::File(file)) => !file.exists(),
        // It may have an entry of this name; nobody is asked to unlock it for that.
        Some(SecretPlace::Keyring { .. }) => true,
        _ => false,
    };
    if lacks_secret {
        notice(&format!(
            "if its secret is not there yet: prove-token secret set {name}"
        ));
    }
    match config.default_profile() {
        Some(default) if default == name => edit::mind_variables(context),
        _ => notice(&format!("use it: prove-token -p {name} token")),
    }
    Ok(())
}

/// The hint that only this command can give.
pub(in crate::command) fn refuse_existing(path: &Path, name: &str) -> Result<(), Failure> {
    if !path.exists() {
        return Ok(());
    }
    let config = Config::load(path)?;
    let is_there = config.profiles().any(|profile| profile.name == name);
    match is_there {
        true => Err(Failure::usage(format!(
            "there is already a profile \"{}\" in {}",
            one_line(name),
            shown(path)
        ))
        .hint("choose another name, or replace it with --force")),
        false => Ok(()),
    }
}

fn shown(path: &Path) -> String {
    one_line(&path.to_string_lossy())
}

fn profile(args: &AddArgs, context: &Context) -> Result<NewProfile, Failure> {
    let token = session::token_overrides(&args.token, context)?;
    let issuer = match (token.environment, token.token_endpoint) {
        (Some(_), Some(_)) => {
            return Err(Failure::usage(
                "--token-endpoint cannot be used with --environment",
            ));
        }
        (Some(name), None) => Issuer::Environment(name),
        (None, Some(url)) => Issuer::TokenEndpoint(url),
        (None, None) => {
            return Err(Failure::usage("nothing says where the tokens come from")
                .hint("give --environment, or the --token-endpoint of another provider"));
        }
    };
    let is_emulator = matches!(issuer, Issuer::Environment(EnvironmentName::Emulator));
    let mut profile = NewProfile::new(issuer);
    profile.api_base = args.api_base.clone();
    profile.client_secret = args.secret.place();
    profile.client_id = token.client_id;
    profile.client_authentication = token.client_authentication;
    profile.scope = token.scope;
    profile.audience = token.audience;
    profile.resource = token.resource;
    profile.ca_file = args.ca_file.clone();
    profile.proxy = args.proxy.clone();
    // The emulator brings its own.
    if !is_emulator && profile.client_id.is_none() {
        return Err(Failure::usage("--client-id is missing"));
    }
    if !is_emulator && profile.client_secret.is_none() {
        return Err(
            Failure::usage("nothing says where the client secret is").hint(
                "give --client-secret-file, or another flag of where it is, which --help lists; \
                 prove-token init asks for the secret, and keeps it",
            ),
        );
    }
    Ok(profile)
}
