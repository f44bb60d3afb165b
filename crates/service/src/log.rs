//! The log: lines for people or JSON for machines, on standard error.
//!
//! Only what this product says itself is written, at any level: libraries below it show
//! headers at `TRACE`, and a header may hold a token.

mod outlet;
mod valve;

use std::fmt;
use std::io::{self, Write as _};
use std::panic::PanicHookInfo;

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;
use prove_token::{Clock as _, SystemClock};
use prove_token_config::Env;
use serde_json::json;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use self::outlet::Outlet;
pub(crate) use self::outlet::lost_lines;
pub(crate) use self::valve::Valve;
use crate::failure::Failure;

/// What this product's own modules are called, and no others.
const OURS: &str = "prove_token";

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line for people
    #[default]
    Text,
    /// An object of JSON on each line
    Json,
}

/// How much is written, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    pub(crate) level: Level,
    /// Whether whoever takes the lines notes the time of each, as the journal does.
    pub(crate) is_timed: bool,
    has_colour: bool,
}

impl Log {
    /// A log that is by so much more (`verbose`) or less (`quiet`) than usual.
    pub(crate) fn new(format: LogFormat, verbose: u8, quiet: u8, env: &Env) -> Self {
        let level = match i16::from(verbose) - i16::from(quiet) {
            ..=-2 => Level::ERROR,
            -1 => Level::WARN,
            0 => Level::INFO,
            1 => Level::DEBUG,
            2.. => Level::TRACE,
        };
        let has_colour = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
        Self {
            format,
            level,
            is_timed: is_the_journal(env),
            has_colour,
        }
    }

    /// Begins to write, for the whole process; panics included, without what they say.
    pub(crate) fn install(self) {
        // A process that has a log already keeps it.
        let _ = self.subscriber(|| Outlet).try_init();
        std::panic::set_hook(Box::new(note_panic));
    }

    /// Says a line to whoever starts the service: as it is, or as JSON among JSON.
    pub(crate) fn say(self, line: &str) {
        let line = match self.format {
            LogFormat::Text => format!("{line}\n"),
            // How little is logged says nothing of what is said.
            LogFormat::Json => {
                let line = json!({ "timestamp": now(), "level": "INFO", "message": line });
                format!("{line}\n")
            }
        };
        let _ = Outlet.write_all(line.as_bytes());
    }

    /// Says why the service does not start, or ended.
    pub(crate) fn failure(self, failure: &Failure) {
        if self.format == LogFormat::Json {
            let (hint, exit_code) = (failure.hint_text(), failure.exit_code());
            tracing::error!(hint, exit_code, "{}", failure.message());
            return;
        }
        // As of an event of this level: see `Journal`.
        let mark = if self.is_timed { "<3>" } else { "" };
        self.say(&format!("{mark}error: {}", failure.message()));
        if let Some(hint) = failure.hint_text() {
            self.say(&format!("{mark}hint: {hint}"));
        }
    }

    fn subscriber<W>(self, writer: W) -> impl Subscriber + Send + Sync
    where
        W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    {
        let lines = tracing_subscriber::fmt::layer().with_writer(writer);
        let layer = match (self.format, self.is_timed) {
            (LogFormat::Json, _) => lines.json().flatten_event(true).boxed(),
            (LogFormat::Text, true) => {
                let line = Format::default().with_target(false).without_time();
                lines.with_ansi(false).event_format(Journal(line)).boxed()
            }
            (LogFormat::Text, false) => lines.with_target(false).with_ansi(self.has_colour).boxed(),
        };
        let ours = Targets::new().with_target(OURS, self.level);
        tracing_subscriber::registry().with(layer.with_filter(ours))
    }
}

/// Whether the journal takes what is said: the variable names its stream, and is inherited
/// by programs that speak elsewhere (systemd.exec(5)).
fn is_the_journal(env: &Env) -> bool {
    let Ok(stream) = rustix::fs::fstat(io::stderr()) else {
        return false;
    };
    let name = format!("{}:{}", stream.st_dev, stream.st_ino);
    env.var_os("JOURNAL_STREAM")
        .is_some_and(|named| *named == *name)
}

/// As in the other lines of JSON.
fn now() -> String {
    let now = SystemClock.now().wall;
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let micros = i32::try_from(now.subsec_micros()).unwrap_or_default();
    jiff::Timestamp::new(seconds, micros * 1000)
        .map_or_else(|_| String::new(), |now| now.to_string())
}

/// A line for the journal, which takes the level from a number in front.
struct Journal<F>(F);

impl<S, N, F> FormatEvent<S, N> for Journal<F>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        // As in syslog: from 3, an error, to 7, for debugging.
        let priority = match *event.metadata().level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            _ => 7,
        };
        write!(writer, "<{priority}>")?;
        self.0.format_event(context, writer, event)
    }
}

/// Says where a panic was, and not what it said: that may be anything.
fn note_panic(info: &PanicHookInfo<'_>) {
    let place = info
        .location()
        .map_or_else(String::new, ToString::to_string);
    tracing::error!(place, "a defect was met: what was under way has failed");
}

#[cfg(test)]
mod tests;
