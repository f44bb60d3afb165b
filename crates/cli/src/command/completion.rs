//! `prove-token completion`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Context, Run};
use crate::args::Cli;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct CompletionArgs {
    /// The shell that will read the script
    shell: Shell,
}

impl Run for CompletionArgs {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "prove-token", &mut script);
        if self.shell == Shell::Bash {
            script = with_agreeing_labels(&script).into_bytes();
        }
        context.console.result(script)
    }
}

/// clap_complete writes the hyphen of our name as `__` where a script for bash
/// names the command it is in, and then takes that `__` for a step to a
/// subcommand in the labels that should match it. No command is named `prove`, so
/// the labels can be spelled as the names are.
fn with_agreeing_labels(script: &[u8]) -> String {
    String::from_utf8_lossy(script).replace("prove__subcmd__token", "prove__token")
}
