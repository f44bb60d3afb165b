//! `prove-token completion`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Context;
use crate::args::Cli;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct CompletionArgs {
    /// The shell that will read the script
    shell: Shell,
}

pub(crate) fn run(args: &CompletionArgs, context: &Context) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "prove-token", &mut script);
    context.console.result(script)
}
