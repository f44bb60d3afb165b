//! `prove-token completion`.

use clap::{Args, ValueEnum};

use super::{Context, Run};
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct CompletionArgs {
    /// The shell that will read the script; its first lines say where it goes
    shell: Shell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Elvish,
}

impl Run for CompletionArgs {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        context.console.result(match self.shell {
            Shell::Bash => include_str!("../completion/prove-token.bash"),
            Shell::Zsh => include_str!("../completion/prove-token.zsh"),
            Shell::Fish => include_str!("../completion/prove-token.fish"),
            Shell::Powershell => include_str!("../completion/prove-token.ps1"),
            Shell::Elvish => include_str!("../completion/prove-token.elv"),
        })
    }
}
