//! Lines on their way to standard error, written by a thread of their own.
//!
//! Somebody who starts a program with a pipe for stderr, and does not read it, must not
//! stop that program when the pipe is full.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// So many lines wait for a reader; those after them are counted and dropped.
const WAITING: usize = 1024;

/// How long an end waits for the last lines to be read.
const PATIENCE: Duration = Duration::from_millis(250);

/// Takes lines and never blocks. Its thread ends with it.
#[derive(Debug)]
pub(super) struct Queue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<String>,
    dropped: usize,
    is_writing: bool,
    is_closed: bool,
}

impl Queue {
    /// Starts the thread, which gives each line to `write`.
    ///
    /// # Errors
    ///
    /// If the system refuses a thread.
    pub(super) fn start(write: impl Fn(&str) + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let queue = Self(Arc::clone(&shared));
        thread::Builder::new()
            .name("prove-token-lines".to_owned())
            .spawn(move || while shared.write(&write) {})?;
        Ok(queue)
    }

    pub(super) fn push(&self, line: String) {
        let mut state = self.0.lock();
        match state.lines.len() < WAITING {
            true => state.lines.push_back(line),
            false => state.dropped += 1,
        }
        self.0.changed.notify_all();
    }

    /// Waits for a moment until all lines are written.
    pub(super) fn finish(&self) {
        let waited = |state: &mut State| state.is_writing || state.has_work();
        let state = self.0.lock();
        let _ = self.0.changed.wait_timeout_while(state, PATIENCE, waited);
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.changed.notify_all();
    }
}

impl Shared {
    /// Writes what waits, or waits for it. `false` when no more can come.
    fn write(&self, write: impl Fn(&str)) -> bool {
        let state = self.lock();
        let idle = |state: &mut State| !state.has_work() && !state.is_closed;
        let waited = self.changed.wait_while(state, idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if !state.has_work() {
            return false;
        }
        // All that waits is older than what was dropped meanwhile.
        let lines = std::mem::take(&mut state.lines);
        let dropped = std::mem::take(&mut state.dropped);
        state.is_writing = true;
        drop(state);
        lines.iter().for_each(|line| write(line));
        match dropped {
            0 => {}
            1 => write("1 line dropped: nobody read it in time\n"),
            many => write(&format!("{many} lines dropped: nobody read them in time\n")),
        }
        self.lock().is_writing = false;
        self.changed.notify_all();
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_work(&self) -> bool {
        !self.lines.is_empty() || self.dropped > 0
    }
}
