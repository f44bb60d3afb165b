//! `prove-token watch`: files with the token, kept fresh for programs that read one.

mod input;
mod keeper;
mod notifier;
mod outlook;
mod reaction;
mod sink;
mod timer;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use prove_token_config::child_environment;

use self::keeper::Keeper;
#[cfg(unix)]
use self::reaction::signal::{self, Process, Recipient, Target};
use self::reaction::{Plan, Reaction};
use self::sink::Sinks;
use super::token::Format;
use super::{Context, Run};
use crate::args::{ProfileFlags, Takes};
use crate::failure::Failure;

const AFTER_HELP: &str = "\
Each file is the old one or the new one at any moment, and only its owner can read it
unless --mode says otherwise. It is written when the token is another one, and then a
signal is sent or the command run: once for changes within 250 ms of each other.

While no token can be had, the file keeps the last one, also when that has ended: who
reads it gets a 401, and never misses a file. What is wrong is said once on stderr, and
in the STATUS of systemd. Before the first token only an outage is waited for (--timeout
bounds that); what will not pass by itself, such as a wrong secret, ends the command.

SIGTERM and SIGINT end it with exit code 0. SIGHUP reads the client secret again and
renews the token; from a terminal it ends the command. The configuration file is read
once. Under systemd use Type=notify: it is ready when the token is in the files.";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct WatchArgs {
    /// The file to keep the token in; may be given several times
    #[arg(long = "sink", value_name = "FILE", required = true)]
    sinks: Vec<PathBuf>,
    /// How to write the token
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    /// The permissions of the files: 0600, or 0640 to let a group read
    #[arg(long, value_name = "MODE", default_value = "0600", value_parser = sink::mode)]
    mode: u32,
    /// Write the files, and end
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    reaction: ReactionFlags,
    #[command(flatten)]
    flags: ProfileFlags,
}

/// What is done when a file has changed.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "On change")]
pub(crate) struct ReactionFlags {
    /// Run this command, without a shell, and with neither token nor secret in its
    /// environment; the last option, for all that follows belongs to the command
    #[arg(long, value_name = "CMD", num_args = 1.., allow_hyphen_values = true)]
    run: Vec<OsString>,
    #[cfg(unix)]
    #[command(flatten)]
    signal: SignalFlags,
}

/// Whom to signal.
#[cfg(unix)]
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "On change")]
pub(crate) struct SignalFlags {
    /// Send this signal, such as HUP, to the process of --pid or --pid-file
    #[arg(long, value_name = "NAME", requires = "target", conflicts_with = "run", value_parser = signal::parse)]
    signal: Option<rustix::process::Signal>,
    /// The process to signal. Only where the system has no handles of processes may it
    /// be another that got its number later
    #[arg(long, value_name = "PID", group = "target", requires = "signal", value_parser = signal::parse_id)]
    pid: Option<rustix::process::Pid>,
    /// A file with the number of the process to signal, read each time
    #[arg(long, value_name = "FILE", group = "target", requires = "signal")]
    pid_file: Option<PathBuf>,
}

impl Run for WatchArgs {
    fn takes(&self) -> Takes {
        Takes::ALL
    }

    fn wants_json(&self) -> bool {
        self.output == Format::Json
    }

    fn run(&self, context: &Context) -> Result<(), Failure> {
        let sinks = Sinks::check(&self.sinks, self.output, self.mode)?;
        let plan = self.reaction.plan(context)?;
        context.console.let_lines_wait()?;
        let reaction = Reaction::new(plan, self.once, Arc::clone(&context.console));
        Keeper::new(sinks, reaction, self.once, context).run(&self.flags, context)
    }
}

impl ReactionFlags {
    fn plan(&self, context: &Context) -> Result<Plan, Failure> {
        // `--run -- CMD` is what users of exec will type.
        let words = match self.run.as_slice() {
            [dashes, words @ ..] if dashes == "--" => words,
            words => words,
        };
        if !self.run.is_empty() && words.is_empty() {
            return Err(Failure::usage("--run needs a command"));
        }
        #[cfg(unix)]
        if let Some(recipient) = self.signal.recipient() {
            return Ok(Plan::Signal(recipient));
        }
        if words.is_empty() {
            return Ok(Plan::Nothing);
        }
        Ok(Plan::Run {
            words: words.to_vec(),
            environment: child_environment(&context.env, context.global.config.as_deref())?,
        })
    }
}

#[cfg(unix)]
impl SignalFlags {
    fn recipient(&self) -> Option<Recipient> {
        let process = self.pid.map(Process::new).map(Target::Process);
        let target = process.or_else(|| self.pid_file.clone().map(Target::File));
        Some(Recipient {
            signal: self.signal?,
            target: target?,
        })
    }
}
