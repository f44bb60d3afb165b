//! `prove-token exec`: a program with the token in its environment, or with a broker of
//! its own.
//!
//! With a token the program takes, on Unix, the place of this process, so that its exit
//! code, process id, signals, terminal and job control are its own. What it inherits is
//! what we were given: files that we open close by themselves, no resource limit is
//! touched, signals that were ignored before stay so (see [`crate::interrupt`]), and the
//! standard library empties the signal mask and restores SIGPIPE, which its runtime
//! ignores.

#[cfg(unix)]
mod beside;
#[cfg(unix)]
mod broker;

use std::ffi::OsString;
use std::process::Command;
use std::time::Duration;

use clap::Args;
use prove_token::AccessToken;
use prove_token_config::{Env, child_environment};

use super::token::VARIABLE;
use super::{Context, Run};
use crate::args::{ProfileFlags, Takes, WishFlags};
use crate::child;
use crate::failure::Failure;
use crate::session::{Session, Wish};
use crate::times;

/// As it is typed.
pub(crate) const NAME: &str = "exec";

/// The exit code of every failure of our own: 2 and the others of the table may be the
/// program's.
const OWN_FAILURE: u8 = 125;

/// A program that starts with less has no time to do much.
const SHORT_LIFE: Duration = Duration::from_secs(5 * 60);

const AFTER_HELP: &str = "\
The program gets no variable that holds a client secret of any profile, nor
PROVE_CLIENT_SECRET or PROVE_CLIENT_SECRET_FILE. With the built-in emulator it gets its
address in PROVE_EMULATOR; prove-token then stays its parent, and passes signals on.

Exit code: the program's own; 128 and the number of a signal that ended it; 127 if it was
not found, 126 if it cannot be run, 125 if prove-token failed before (wrong usage, too).

The token is not renewed while the program runs: see prove-token watch.";

#[cfg(unix)]
const BROKER_HELP: &str = "\
With --broker the program gets, in place of that token, a prove-tokend of its own, which
renews the token for as long as the program runs. prove-token stays its parent, passes
signals on, and ends with it; what the program leaves running has no broker any more. It
listens on a loopback port that the system chooses, for whoever has the key, which is told
to the program alone, in these variables:

  PROVE_TOKEN_BROKER_API_BASE   the API's base URL, for programs that know nothing of
                                tokens: the key is the bearer, and the token is added
  PROVE_TOKEN_BROKER_TOKEN_URL  a token endpoint, for SDKs and other OAuth programs
  PROVE_TOKEN_BROKER_CLIENT_ID  their client id there
  PROVE_TOKEN_BROKER_KEY        their client secret there, and the bearer elsewhere
  PROVE_TOKEN_BROKER_URL        the paths of prove-tokend, such as /v1/profiles

What the token endpoint grants is good below PROVE_TOKEN_BROKER_API_BASE and nowhere else,
for the program is not to have the access token, unless --hands-out token says so. Python's
oauthlib takes a token endpoint without TLS, even on loopback, only where
OAUTHLIB_INSECURE_TRANSPORT is 1.";

#[derive(Debug, Args)]
#[command(after_help = after_help(), override_usage = "prove-token exec [OPTIONS] -- <CMD>...")]
pub(crate) struct ExecArgs {
    /// The program and its arguments; it is run without a shell
    #[arg(last = true, required = true, value_name = "CMD")]
    words: Vec<OsString>,
    #[cfg(unix)]
    #[command(flatten)]
    broker: broker::BrokerFlags,
    /// The variable to put the token in; may be given several times
    #[arg(long = "env", value_name = "NAME", default_value = VARIABLE, value_parser = variable)]
    variables: Vec<String>,
    #[command(flatten)]
    wish: WishFlags,
    #[command(flatten)]
    flags: ProfileFlags,
}

impl Run for ExecArgs {
    fn takes(&self) -> Takes {
        Takes::ALL
    }

    fn failed(&self, failure: Failure) -> Failure {
        match failure.exit_code() {
            // Of the program, or of a signal.
            126.. => failure,
            _ if failure.is_silent() => failure,
            _ => own(failure),
        }
    }

    fn run(&self, context: &Context) -> Result<(), Failure> {
        #[cfg(unix)]
        if self.broker.is_wanted() {
            return broker::run(self, context);
        }
        let environment = child_environment(&context.env, context.global.config.as_deref())?;
        let session = Session::start(&self.flags, context.global.timeout, context)?;
        let wish = Wish::from(self.wish);
        let start = |token: &AccessToken| {
            warn(token, wish, context);
            self.command(token, &environment)
        };
        if session.own_emulator().is_some() {
            let token = session.access_token(wish)?;
            return self.run_beside(start(&token), &session);
        }
        match session.kept_token(wish)? {
            Some(token) => self.replace_process(start(&token)),
            None if wish.cached_only => Err(session.nothing_kept()),
            None => {
                let token = session.run(async {
                    let token = session.obtain(wish).await?;
                    // From now on a signal would be lost. One that came meanwhile is
                    // seen here, and ends us.
                    tokio::task::yield_now().await;
                    Ok(token)
                })?;
                self.replace_process(start(&token))
            }
        }
    }
}

/// Where a program can have a broker, that is told as well.
fn after_help() -> String {
    #[cfg(unix)]
    let broker = ["\n\n", BROKER_HELP];
    #[cfg(not(unix))]
    let broker = [];
    [AFTER_HELP].into_iter().chain(broker).collect()
}

/// `failure` with the exit code of our own failures.
pub(crate) fn own(failure: Failure) -> Failure {
    failure.with_exit_code(OWN_FAILURE)
}

impl ExecArgs {
    fn command(&self, token: &AccessToken, environment: &Env) -> Command {
        let mut command = child::command(&self.words, environment);
        for name in &self.variables {
            command.env(name, token.value());
        }
        command
    }

    /// Returns only if that failed.
    #[cfg(unix)]
    fn replace_process(&self, mut command: Command) -> Result<(), Failure> {
        use std::os::unix::process::CommandExt as _;
        Err(child::not_started(&self.words, &command.exec()))
    }

    /// There a process cannot be replaced; Ctrl-C reaches the program through the
    /// console.
    #[cfg(not(unix))]
    fn replace_process(&self, mut command: Command) -> Result<(), Failure> {
        let ended = command
            .status()
            .map_err(|error| child::not_started(&self.words, &error))?;
        ended_with(ended)
    }

    #[cfg(unix)]
    fn run_beside(&self, mut command: Command, session: &Session) -> Result<(), Failure> {
        if let Some(url) = session.own_emulator() {
            command.env("PROVE_EMULATOR", url);
        }
        let ended = session.block_on(async {
            let signals = beside::listen();
            let child = tokio::process::Command::from(command).spawn()?;
            beside::follow(child, signals).await
        })?;
        ended_with(ended.map_err(|error| child::not_started(&self.words, &error))?)
    }

    #[cfg(not(unix))]
    fn run_beside(&self, mut command: Command, session: &Session) -> Result<(), Failure> {
        if let Some(url) = session.own_emulator() {
            command.env("PROVE_EMULATOR", url);
        }
        self.replace_process(command)
    }
}

fn ended_with(status: std::process::ExitStatus) -> Result<(), Failure> {
    match child::exit_code(status) {
        0 => Ok(()),
        code => Err(Failure::already_told(code)),
    }
}

fn warn(token: &AccessToken, wish: Wish, context: &Context) {
    let left = token.expires_in();
    if left < SHORT_LIFE.max(wish.least_life(token)) {
        context.console.notice(&format!(
            "the token lives {} only, and the program gets no other: prove-token watch keeps \
             a file fresh",
            times::brief(left)
        ));
    }
}

/// The name of a variable, as POSIX has it, that nothing else goes by.
fn variable(name: &str) -> Result<String, &'static str> {
    let mut characters = name.chars();
    let begins = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    if !begins || !characters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err("a name has letters, digits and _, and does not begin with a digit");
    }
    // A token is none of these, and whoever reads one would send it to the wrong place.
    let is_ours = name.starts_with("PROVE_") && name != VARIABLE;
    match is_ours || matches!(name, "PATH" | "HOME") || name.starts_with("LD_") {
        true => Err("this variable means something else"),
        false => Ok(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_variables() {
        for good in ["PROVE_ACCESS_TOKEN", "TOKEN", "_t0", "api_key"] {
            assert_eq!(variable(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "0x",
            "A-B",
            "A=B",
            "Ä",
            "PROVE_CLIENT_SECRET",
            "PATH",
            "LD_PRELOAD",
        ] {
            assert!(variable(bad).is_err(), "{bad}");
        }
    }
}
