//! Standard output and standard error: data here, words there.

mod queue;

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use anstyle::{AnsiColor, Style};
use prove_token::ErrorKind;
use prove_token_config::Env;

use self::queue::Queue;
use crate::args::{Global, LogFormat, When};
use crate::failure::Failure;
use crate::manner::Manner;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default();
const QUIET: Style = Style::new().dimmed();

/// How this run speaks.
#[derive(Debug, Default)]
pub(crate) struct Console {
    pub(crate) verbose: bool,
    quiet: bool,
    pub(crate) log_format: LogFormat,
    /// Keeps the lines of several threads apart. Whether a line of progress stands at
    /// the end of standard error.
    stderr: Mutex<bool>,
    /// Standard output stands in the middle of a line.
    mid_line: AtomicBool,
    /// Lines that nobody waits for.
    queue: OnceLock<Queue>,
}

impl Console {
    pub(crate) fn new(global: &Global) -> Self {
        paint(global.color);
        Self {
            verbose: global.verbose > 0,
            quiet: global.quiet > 0,
            log_format: global.log_format,
            ..Self::default()
        }
    }

    /// For a command line that was not understood.
    pub(crate) fn for_usage(manner: Manner) -> Self {
        paint(manner.color);
        Self {
            quiet: manner.quiet,
            ..Self::default()
        }
    }

    /// Writes a result.
    pub(crate) fn result(&self, bytes: impl AsRef<[u8]>) -> Result<(), Failure> {
        if let Some(last) = bytes.as_ref().last() {
            self.mid_line.store(*last != b'\n', Ordering::Relaxed);
        }
        let mut stdout = io::stdout().lock();
        let written = stdout
            .write_all(bytes.as_ref())
            .and_then(|()| stdout.flush());
        taken(written)
    }

    /// Writes a result that is text, with a newline.
    pub(crate) fn line(&self, text: impl AsRef<str>) -> Result<(), Failure> {
        self.result(format!("{}\n", text.as_ref()))
    }

    /// Writes a result for people, whose styles only a terminal gets.
    pub(crate) fn page(&self, text: &str) -> Result<(), Failure> {
        let styled = match anstream::AutoStream::choice(&io::stdout()) {
            anstream::ColorChoice::Never => anstream::adapter::strip_str(text).to_string(),
            _ => text.to_owned(),
        };
        self.result(styled)
    }

    pub(crate) fn stdout_is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// A sentence for people, not for pipes.
    pub(crate) fn notice(&self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// What happened, under `--verbose`.
    pub(crate) fn trace(&self, text: &str) {
        if self.verbose {
            self.say(&format!("{QUIET}{text}{QUIET:#}"));
        }
    }

    /// A failure: one `error:` paragraph and its hints, or one JSON object.
    pub(crate) fn failure(&self, failure: &Failure, as_json: bool) {
        if failure.is_silent() {
            return;
        }
        if as_json {
            self.say(&failure.to_json().to_string());
            return;
        }
        self.say(&format!("{ERROR}error:{ERROR:#} {}", failure.message()));
        if !self.quiet {
            for hint in failure.hints() {
                self.say(&format!("{HINT}hint:{HINT:#} {hint}"));
            }
        }
    }

    /// A question, which ends in the line of its answer.
    pub(crate) fn ask(&self, question: &str) {
        let _one_at_a_time = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = anstream::stderr().write_all(question.as_bytes());
    }

    /// Writes one line to standard error; if that is closed, nobody can be told.
    pub(crate) fn say(&self, line: &str) {
        let mut in_progress = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        // Both streams may end at one terminal, as in `… | cat`. A pipe gets exactly
        // what was written to it.
        let parted = self.mid_line.swap(false, Ordering::Relaxed) && io::stderr().is_terminal();
        let text = format!("{}{line}\n", if parted { "\n" } else { "" });
        if let Some(queue) = self.queue.get() {
            queue.push(text);
            return;
        }
        wipe(&mut in_progress);
        let _ = anstream::stderr().write_all(text.as_bytes());
    }

    /// From now on lines are written by a thread, and wait for their reader, not we: for
    /// commands that go on for long.
    pub(crate) fn let_lines_wait(&self) -> Result<(), Failure> {
        let write = |line: &str| {
            let _ = anstream::stderr().write_all(line.as_bytes());
        };
        let queue = Queue::start(write).map_err(|error| {
            Failure::new(
                ErrorKind::Internal,
                format!("cannot start a thread: {}", error.kind()),
            )
        })?;
        // A second one would be a second order of lines; there is none.
        let _ = self.queue.set(queue);
        Ok(())
    }

    /// Gives lines that wait a moment to be read, before the process ends.
    pub(crate) fn finish(&self) {
        if let Some(queue) = self.queue.get() {
            queue.finish();
        }
    }

    /// Whether somebody is there to watch progress: at a terminal that can take a line
    /// back, and where no other lines tell what happens.
    pub(crate) fn shows_progress(&self, env: &Env) -> bool {
        let is_dumb = env.var_os("TERM").is_none_or(|term| term == "dumb");
        io::stderr().is_terminal() && !self.quiet && !self.verbose && (cfg!(windows) || !is_dumb)
    }

    /// Shows `line` until the next one, or until `None`. Meant for where
    /// [`shows_progress`](Self::shows_progress).
    pub(crate) fn progress(&self, line: Option<&str>) {
        let mut in_progress = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        wipe(&mut in_progress);
        if let Some(line) = line {
            let _ = io::stderr().write_all(line.as_bytes());
            *in_progress = true;
        }
    }
}

/// What came of writing to standard output. A reader that went away is no error:
/// `prove-token … | head -1` has what it wanted.
pub(crate) fn taken(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            ErrorKind::Internal,
            format!("cannot write to standard output: {}", error.kind()),
        )),
        _ => Ok(()),
    }
}

/// Takes the line of progress back, if there is one: to its start, and all of it erased.
fn wipe(in_progress: &mut bool) {
    if std::mem::take(in_progress) {
        let _ = io::stderr().write_all(b"\r\x1b[K");
    }
}

fn paint(color: When) {
    match color {
        When::Auto => {}
        When::Always => anstream::ColorChoice::Always.write_global(),
        When::Never => anstream::ColorChoice::Never.write_global(),
    }
}
