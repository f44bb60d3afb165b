//! `prove-token purge`: tokens that are kept, forgotten.

use clap::Args;

use super::{Context, Run};
use crate::args::{Takes, TokenFlags};
use crate::failure::Failure;
use crate::session;

#[derive(Debug, Args)]
pub(crate) struct PurgeArgs {
    /// The profile whose token is forgotten, as with --profile; without it, the one that
    /// "prove-token token" uses. Flags that ask for another token name that one here as well
    #[arg(value_name = "PROFILE", conflicts_with = "profile")]
    name: Option<String>,
    /// Forget every token, whatever its profile
    #[arg(long, conflicts_with_all = ["name", "TokenFlags", "profile", "environment"])]
    all: bool,
    #[command(flatten)]
    flags: TokenFlags,
}

/// Neither needs the secret, nor reads it.
impl Run for PurgeArgs {
    fn takes(&self) -> Takes {
        Takes::PROFILE
    }

    fn profile(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn run(&self, context: &Context) -> Result<(), Failure> {
        let forgotten = match self.all {
            true => all(context)?,
            false => one(&self.flags, context)?,
        };
        let plural = if forgotten == 1 { "" } else { "s" };
        let notice = format!("forgot {forgotten} token{plural}");
        context.console.notice(&notice);
        Ok(())
    }
}

fn one(flags: &TokenFlags, context: &Context) -> Result<usize, Failure> {
    let was_kept = match session::without_secret(flags, context)? {
        None => false,
        Some(client) => client.forget(None)?,
    };
    Ok(usize::from(was_kept))
}

#[cfg(unix)]
fn all(context: &Context) -> Result<usize, Failure> {
    use prove_token::ErrorKind;
    use prove_token::store::FileStore;
    let folder = prove_token_config::cache_folder(&context.env)?;
    FileStore::new(folder).clear().map_err(|error| {
        Failure::new(
            ErrorKind::Internal,
            format!("not every token was forgotten: {error}"),
        )
        .hint("remove the files of this folder by hand")
    })
}

/// No token is kept on disk.
#[cfg(not(unix))]
fn all(_: &Context) -> Result<usize, Failure> {
    Ok(0)
}
