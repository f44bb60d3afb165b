//! What the connections of one emulator share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::clock::Clock;
use crate::credential::Clients;
use crate::fault::Script;
use crate::operation::Store;
use crate::rate::Rate;
use crate::record::{Recorder, RequestLog};
use crate::token::Tokens;

/// Receives one line per request.
pub(crate) type Log = Arc<dyn Fn(&RequestLog) + Send + Sync>;

pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) clients: Clients,
    pub(crate) tokens: Tokens,
    pub(crate) rate: Rate,
    pub(crate) script: Script,
    pub(crate) recorder: Recorder,
    pub(crate) store: Store,
    pub(crate) log: Option<Log>,
    pub(crate) record_raw: bool,
    pub(crate) limits: Limits,
    /// Connections accepted so far.
    pub(crate) accepted: AtomicUsize,
}

/// What one peer may take of the emulator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections served at a time.
    pub(crate) connections: usize,
    /// Time to send a request's head; also how long a connection may be idle.
    pub(crate) head: Duration,
    /// Time to send a request's body.
    pub(crate) body: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
        }
    }
}

impl State {
    /// Called without any lock held, because the hook is the caller's code.
    pub(crate) fn log(&self, line: &RequestLog) {
        if let Some(log) = &self.log {
            log(line);
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("clients", &self.clients)
            .field("tokens", &self.tokens)
            .field("script", &self.script)
            .field("recorder", &self.recorder)
            .field("accepted", &self.accepted.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}
