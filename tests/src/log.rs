//! A watch over everything that is logged in this process, at TRACE.

use std::io;
use std::process;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::canary;

/// The lines that are kept for [`lines`].
const KEPT: usize = 100_000;

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Starts the watch; later calls change nothing. From then on, a line that holds
/// a canary ends the process: no test may go on, and none can hide it.
///
/// # Panics
///
/// If something else in this process has taken the place of the global logger.
pub fn watch() {
    static WATCHING: OnceLock<()> = OnceLock::new();
    WATCHING.get_or_init(|| {
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(Watch)
            .try_init()
            .expect("nobody else logs in this process");
    });
}

/// What was logged so far.
pub fn lines() -> Vec<String> {
    kept().clone()
}

fn kept() -> MutexGuard<'static, Vec<String>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gets one line per write.
#[derive(Clone, Copy, Debug)]
struct Watch;

impl io::Write for Watch {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes).into_owned();
        if let Some(how) = canary::leak(&line) {
            // Not by a macro: what those write is held back until a test ends.
            let _ = writeln!(io::stderr(), "a log line holds a canary {how}: {line}");
            process::abort();
        }
        let mut lines = kept();
        if lines.len() < KEPT {
            lines.push(line);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Watch {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}
