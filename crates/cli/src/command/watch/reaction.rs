//! What is done when a file has changed: once for a burst of changes, and never twice at
//! the same time.

#[cfg(unix)]
pub(super) mod signal;

use std::ffi::OsString;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use prove_token::ErrorKind;
use prove_token_config::Env;
use tokio::process::Child;
use tokio::time::sleep;

use super::timer::{Timer, after};
use crate::child;
use crate::console::Console;
use crate::failure::Failure;

/// Changes that follow each other within this time are one.
const QUIET: Duration = Duration::from_millis(250);

/// However fast they follow each other, the first is not kept waiting longer.
const LONGEST: Duration = Duration::from_secs(2);

/// What to do.
#[derive(Debug)]
pub(super) enum Plan {
    Nothing,
    #[cfg(unix)]
    Signal(signal::Recipient),
    Run {
        words: Vec<OsString>,
        environment: Env,
    },
}

/// Does it in time.
#[derive(Debug)]
pub(super) struct Reaction {
    plan: Plan,
    /// For one write: no second change is waited for, and a failure is that of the whole.
    at_once: bool,
    /// Since the last change.
    settled: Timer,
    /// Since the first change.
    overdue: Timer,
    running: Option<Running>,
    failure: Option<Failure>,
    console: Arc<Console>,
}

impl Reaction {
    /// For many changes, or for one that is followed `at_once`.
    pub(super) fn new(plan: Plan, at_once: bool, console: Arc<Console>) -> Self {
        Self {
            plan,
            at_once,
            settled: None,
            overdue: None,
            running: None,
            failure: None,
            console,
        }
    }

    /// A file has changed.
    pub(super) fn changed(&mut self) {
        if matches!(self.plan, Plan::Nothing) {
            return;
        }
        if self.running.is_some() && self.settled.is_none() {
            self.console
                .notice("the command of the last change is running still; it is run again then");
        }
        let quiet = if self.at_once { Duration::ZERO } else { QUIET };
        self.settled = Some(Box::pin(sleep(quiet)));
        self.overdue.get_or_insert_with(|| Box::pin(sleep(LONGEST)));
    }

    /// Whether all that was to be done is done.
    pub(super) fn is_idle(&self) -> bool {
        self.settled.is_none() && self.running.is_none()
    }

    /// How the last command failed.
    pub(super) fn take_failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }

    /// Does the next thing that is to be done; it may be cancelled.
    pub(super) async fn step(&mut self) {
        match &mut self.running {
            Some(running) => {
                let ended = running.child.wait().await;
                self.running = None;
                self.failure = self.verdict(ended).err();
            }
            None => {
                tokio::select! {
                    () = after(&mut self.settled) => {}
                    () = after(&mut self.overdue) => {}
                }
                (self.settled, self.overdue) = (None, None);
                self.failure = self.act().err();
            }
        }
        if let Some(failure) = self.failure.as_ref().filter(|_| !self.at_once) {
            self.console.failure(failure, false);
        }
    }

    fn act(&mut self) -> Result<(), Failure> {
        match &self.plan {
            Plan::Nothing => {}
            #[cfg(unix)]
            Plan::Signal(recipient) => match recipient.signal() {
                Ok(()) => {}
                Err(problem) => self.console.notice(&problem),
            },
            Plan::Run { words, environment } => {
                let started = Running::start(words, environment);
                self.running = Some(started.map_err(|error| child::not_started(words, &error))?);
            }
        }
        Ok(())
    }

    fn verdict(&self, ended: io::Result<ExitStatus>) -> Result<(), Failure> {
        let problem = match ended {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => match child::exit_code(status) {
                _ if status.code().is_none() => format!("was ended: {status}"),
                code => format!("failed with exit code {code}"),
            },
            Err(error) => format!("cannot be waited for: {}", error.kind()),
        };
        let text = format!("the command to run on change {problem}");
        Err(Failure::new(ErrorKind::Internal, text))
    }
}

/// A command that does not outlive us.
#[derive(Debug)]
struct Running {
    child: Child,
}

impl Running {
    /// In a process group of its own, so that it can be ended with what it has started.
    /// What it prints goes where our words go: standard output is not its place.
    fn start(words: &[OsString], environment: &Env) -> io::Result<Self> {
        let mut command = child::command(words, environment);
        // Not its service, and not its watchdog.
        for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(io::stderr());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = tokio::process::Command::from(command)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { child })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // No id once it is reaped: it may be somebody else's then.
        #[cfg(unix)]
        if let Some(id) = self.child.id()
            && let Some(id) = rustix::process::Pid::from_raw(id.cast_signed())
        {
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// Signals nobody, so that each act is a notice.
    fn reaction(at_once: bool) -> Reaction {
        let nobody = signal::Recipient {
            signal: rustix::process::Signal::HUP,
            target: signal::Target::File("/dev/null".into()),
        };
        Reaction::new(Plan::Signal(nobody), at_once, Arc::default())
    }

    fn paused(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(test);
    }

    #[test]
    fn changes_that_follow_each_other_are_one() {
        paused(async {
            let mut reaction = reaction(false);
            let begin = Instant::now();
            for _ in 0..3 {
                reaction.changed();
                sleep(QUIET / 2).await;
            }
            reaction.step().await;
            assert!(reaction.is_idle());
            assert_eq!(begin.elapsed(), QUIET * 2);
        });
    }

    #[test]
    fn changes_without_end_are_no_reason_to_wait_without_end() {
        paused(async {
            let mut reaction = reaction(false);
            let begin = Instant::now();
            let mut acts = Vec::new();
            while acts.len() < 2 {
                reaction.changed();
                tokio::select! {
                    () = reaction.step() => acts.push(begin.elapsed()),
                    () = sleep(QUIET / 2) => {}
                }
            }
            assert_eq!(acts, [LONGEST, LONGEST * 2]);
        });
    }

    #[test]
    fn who_writes_once_waits_for_nothing() {
        paused(async {
            let mut reaction = reaction(true);
            let begin = Instant::now();
            reaction.changed();
            reaction.step().await;
            assert!(reaction.is_idle() && begin.elapsed() < QUIET);
        });
    }
}
