//! A signal to another process.

use std::fs::OpenOptions;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use crate::printable::printable;

/// What programs take for "read your files again", and what ends them.
const SIGNALS: [(&str, Signal); 7] = [
    ("HUP", Signal::HUP),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
    ("INT", Signal::INT),
    ("QUIT", Signal::QUIT),
    ("TERM", Signal::TERM),
    ("WINCH", Signal::WINCH),
];

/// A number and a newline; a longer file is the wrong one.
const LONGEST: u64 = 32;

/// Which signal goes to whom.
#[derive(Debug)]
pub(in super::super) struct Recipient {
    pub(in super::super) signal: Signal,
    pub(in super::super) target: Target,
}

/// A process.
#[derive(Debug)]
pub(in super::super) enum Target {
    /// By its number.
    Process(Process),
    /// By the number in a file, which is read each time.
    File(PathBuf),
}

/// A process that was named once, and may end.
#[derive(Debug)]
pub(in super::super) struct Process {
    id: Pid,
    /// Stands for this very process: its number may become another's.
    #[cfg(target_os = "linux")]
    handle: Option<std::os::fd::OwnedFd>,
}

impl Process {
    pub(in super::super) fn new(id: Pid) -> Self {
        Self {
            id,
            // Old kernels have none, and some containers forbid it.
            #[cfg(target_os = "linux")]
            handle: rustix::process::pidfd_open(id, rustix::process::PidfdFlags::empty()).ok(),
        }
    }

    fn kill(&self, signal: Signal) -> Result<(), Errno> {
        #[cfg(target_os = "linux")]
        if let Some(handle) = &self.handle {
            return rustix::process::pidfd_send_signal(handle, signal);
        }
        kill_process(self.id, signal)
    }
}

impl Recipient {
    /// Sends the signal. The error is a sentence.
    pub(in super::super) fn signal(&self) -> Result<(), String> {
        let (id, sent) = match &self.target {
            Target::Process(process) => (process.id, process.kill(self.signal)),
            Target::File(path) => {
                let id = read(path).map_err(|problem| {
                    let name = printable(&path.to_string_lossy());
                    format!("nobody was signalled: {name} {problem}")
                })?;
                (id, kill_process(id, self.signal))
            }
        };
        let id = id.as_raw_nonzero();
        sent.map_err(|error| match error {
            Errno::SRCH => format!("nobody was signalled: there is no process {id}"),
            Errno::PERM => format!("nobody was signalled: process {id} is another user's"),
            other => format!("nobody was signalled: process {id}: {}", other.kind()),
        })
    }
}

/// `HUP`, `SIGHUP` or `hup`.
pub(in super::super) fn parse(text: &str) -> Result<Signal, String> {
    let name = text.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let found = SIGNALS.into_iter().find(|(known, _)| *known == name);
    found.map(|(_, signal)| signal).ok_or_else(|| {
        let names = SIGNALS.map(|(name, _)| name).join(", ");
        format!("it is none of {names}")
    })
}

/// The number of one process: 0 and less would be groups, or everybody.
pub(in super::super) fn parse_id(text: &str) -> Result<Pid, &'static str> {
    let id = text.trim().parse().ok().filter(|id| *id > 0);
    id.and_then(Pid::from_raw)
        .ok_or("it is no number of a process")
}

fn read(path: &Path) -> Result<Pid, String> {
    let failed = |error: std::io::Error| format!("cannot be read: {}", error.kind());
    // A pipe is not waited for.
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let mut text = String::new();
    OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(failed)?
        .take(LONGEST)
        .read_to_string(&mut text)
        .map_err(failed)?;
    // Some write more below it.
    let first = text.lines().next().unwrap_or_default();
    parse_id(first).map_err(|_| "does not begin with the number of a process".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_signals() {
        for name in ["HUP", "SIGHUP", "hup", "sighup"] {
            assert_eq!(parse(name), Ok(Signal::HUP));
        }
        for bad in ["", "SIG", "KILL", "1", "STOP"] {
            assert!(parse(bad).unwrap_err().contains("HUP, USR1"), "{bad}");
        }
    }
}
