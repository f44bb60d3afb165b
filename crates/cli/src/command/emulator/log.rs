//! The emulator's lines, written by a thread of their own.
//!
//! The emulator logs on the thread that answers. Somebody who starts it with a
//! pipe for stderr and does not read it must not stop it when the pipe is full.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::console::Console;

/// So many lines wait for a reader; those after them are counted and dropped.
const WAITING: usize = 1024;

/// Takes lines and never blocks.
#[derive(Clone, Debug)]
pub(super) struct Log {
    lines: SyncSender<String>,
    dropped: Arc<AtomicUsize>,
}

impl Log {
    /// Starts the thread. It ends with the last clone of the log.
    ///
    /// # Errors
    ///
    /// If the system refuses a thread.
    pub(super) fn start(console: Arc<Console>) -> io::Result<Self> {
        let (lines, waiting) = sync_channel(WAITING);
        let dropped = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&dropped);
        thread::Builder::new()
            .name("emulator-log".to_owned())
            .spawn(move || write(&console, &waiting, &counted))?;
        Ok(Self { lines, dropped })
    }

    pub(super) fn line(&self, text: String) {
        if self.lines.try_send(text).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn write(console: &Console, waiting: &Receiver<String>, dropped: &AtomicUsize) {
    while let Ok(line) = waiting.recv() {
        console.notice(&line);
        let mut written = 1;
        // All that waits is older than what was dropped meanwhile.
        while written < WAITING
            && let Ok(line) = waiting.try_recv()
        {
            console.notice(&line);
            written += 1;
        }
        match dropped.swap(0, Ordering::Relaxed) {
            0 => {}
            1 => console.notice("1 line dropped: nobody read it in time"),
            many => console.notice(&format!("{many} lines dropped: nobody read them in time")),
        }
    }
}
