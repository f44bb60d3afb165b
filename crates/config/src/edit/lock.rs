//! Whose turn it is to edit the file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::sync::mpsc;
use std::time::Duration;

use super::target::Target;
use crate::error::Problem;
use crate::place::printable;

/// An edit takes milliseconds: whoever takes longer has stopped.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The right to edit the file, as long as it lives. It ends with the process, however
/// that ends; the empty file beside the configuration stays, for others may wait for it.
pub(super) struct Lock(#[expect(dead_code, reason = "closing it gives the lock back")] File);

impl Lock {
    pub(super) fn take(target: &Target) -> Result<Self, Problem> {
        Self::take_within(target, LONGEST_WAIT)
    }

    pub(super) fn take_within(target: &Target, limit: Duration) -> Result<Self, Problem> {
        let refuse = |problem: &str| {
            Problem::new(format!(
                "the configuration file {} {problem}",
                printable(target.path())
            ))
        };
        let failed = |error: io::Error| refuse(&format!("cannot be locked: {}", error.kind()));
        let file = open(target).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => return Ok(Self(file)),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) => {}
        }
        match wait_for(file, limit) {
            Some(locked) => locked.map(Self).map_err(failed),
            None => Err(
                refuse("is being edited by another process").with_hint(format!(
                    "wait for it to end; it holds the lock {}",
                    printable(&target.lock_path())
                )),
            ),
        }
    }
}

/// Waits on a thread of its own, which the system has no limit for. If the limit passes,
/// it goes on, and gives the lock back when it has it.
fn wait_for(file: File, limit: Duration) -> Option<io::Result<File>> {
    let (done, outcome) = mpsc::sync_channel(1);
    let wait = move || {
        let locked = file.lock().map(|()| file);
        let _ = done.send(locked);
    };
    if let Err(error) = std::thread::Builder::new().spawn(wait) {
        return Some(Err(error));
    }
    outcome.recv_timeout(limit).ok()
}

/// The lock's file, which nobody else can open.
fn open(target: &Target) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    options.open(target.lock_path())
}
