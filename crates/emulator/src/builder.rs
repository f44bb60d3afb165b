//! Setting up an emulator.

use std::collections::HashSet;
use std::fmt;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use crate::clock::Clock;
use crate::credential::Clients;
use crate::emulator::Emulator;
use crate::error::{Error, Kind};
use crate::fault::{Fault, Script};
use crate::rate::Rate;
use crate::record::RequestLog;
use crate::state::{Limits, Log, State};
use crate::token::Tokens;

/// The client id of an emulator that was given no clients. Public on purpose.
pub const DEFAULT_CLIENT_ID: &str = "emulator-client-id";

/// The client secret of an emulator that was given no clients. Public on
/// purpose: it opens nothing but an emulator.
pub const DEFAULT_CLIENT_SECRET: &str = "emulator-client-secret";

/// Settings of an [`Emulator`]; made by [`Emulator::builder`].
#[must_use = "an emulator runs only after `start`"]
pub struct EmulatorBuilder {
    port: u16,
    clients: Vec<(String, String)>,
    second_secrets: Vec<(String, String)>,
    rate_limit: u32,
    lifetime: Duration,
    faults: Vec<Fault>,
    log: Option<Log>,
    record_raw: bool,
    /// Changed by tests only, so that they need not wait for them.
    pub(crate) limits: Limits,
}

impl EmulatorBuilder {
    pub(crate) fn new() -> Self {
        Self {
            port: 0,
            clients: Vec::new(),
            second_secrets: Vec::new(),
            rate_limit: 25,
            lifetime: Duration::from_secs(3600),
            faults: Vec::new(),
            log: None,
            record_raw: false,
            limits: Limits::default(),
        }
    }

    /// The port on 127.0.0.1. Default 0: any free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Registers a client. Repeatable; the first one replaces the default
    /// client, [`DEFAULT_CLIENT_ID`] with [`DEFAULT_CLIENT_SECRET`].
    pub fn client(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.clients.push((id.into(), secret.into()));
        self
    }

    /// Has a client accept this secret as well, as while one is rotated. Without a
    /// client of this id it has no effect.
    pub fn second_secret(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.second_secrets.push((id.into(), secret.into()));
        self
    }

    /// Requests a second that each client may make, token requests and
    /// operations together, in a sliding window of one second; more are
    /// answered 429. Default 25, as Prove documents; 0 turns the limit off.
    pub fn rate_limit(mut self, requests_per_second: u32) -> Self {
        self.rate_limit = requests_per_second;
        self
    }

    /// How long tokens live; `expires_in` is this in whole seconds. Default one
    /// hour.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Appends a fault to the script. Repeatable; default none.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Calls `log` once per request, on the emulator's thread, before the answer
    /// is sent: what takes long there delays all answers. Default none. Control
    /// requests are not logged.
    pub fn log(mut self, log: impl Fn(&RequestLog) + Send + Sync + 'static) -> Self {
        self.log = Some(Arc::new(log));
        self
    }

    /// Keeps the bytes of requests in [`RecordedRequest::raw_head`] and
    /// [`raw_body`](crate::RecordedRequest::raw_body), secrets and tokens
    /// included. For tests of what goes over the wire, and for nothing else.
    /// Default off.
    ///
    /// [`RecordedRequest::raw_head`]: crate::RecordedRequest::raw_head
    pub fn record_raw(mut self) -> Self {
        self.record_raw = true;
        self
    }

    /// Binds the port and starts the emulator on a thread of its own. When this
    /// returns, connections are accepted.
    ///
    /// # Errors
    ///
    /// If the port is taken, a client has no id or no secret or repeats the id
    /// of another, or the system refuses a thread.
    pub fn start(self) -> Result<Emulator, Error> {
        check(&self.clients)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port))
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(|source| Kind::Listen {
                port: self.port,
                source,
            })?;
        let clients = if self.clients.is_empty() {
            vec![(DEFAULT_CLIENT_ID.into(), DEFAULT_CLIENT_SECRET.into())]
        } else {
            self.clients
        };
        let script = Script::default();
        script.append(self.faults);
        let state = State {
            clock: Clock::start(),
            clients: Clients::new(clients).with_secrets(self.second_secrets),
            tokens: Tokens::new(self.lifetime),
            rate: Rate::new(self.rate_limit),
            script,
            recorder: Default::default(),
            store: Default::default(),
            log: self.log,
            record_raw: self.record_raw,
            limits: self.limits,
            accepted: AtomicUsize::new(0),
        };
        Emulator::spawn(listener, state)
    }
}

impl fmt::Debug for EmulatorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.clients.iter().map(|(id, _)| id).collect();
        f.debug_struct("EmulatorBuilder")
            .field("port", &self.port)
            .field("clients", &ids)
            .field("rate_limit", &self.rate_limit)
            .field("lifetime", &self.lifetime)
            .field("faults", &self.faults)
            .field("record_raw", &self.record_raw)
            .finish_non_exhaustive()
    }
}

fn check(clients: &[(String, String)]) -> Result<(), Error> {
    let mut ids = HashSet::new();
    for (position, (id, secret)) in (1..).zip(clients) {
        let missing = [("id", id), ("secret", secret)]
            .into_iter()
            .find(|(_, value)| value.is_empty());
        if let Some((what, _)) = missing {
            return Err(Kind::EmptyClient { position, what }.into());
        }
        if !ids.insert(id) {
            return Err(Kind::RepeatedClient { position }.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(builder: EmulatorBuilder) -> String {
        builder.start().unwrap_err().to_string()
    }

    #[test]
    fn clients_are_checked() {
        assert_eq!(
            refused(EmulatorBuilder::new().client("", "CANARY")),
            "client 1 has no id; give every client an id and a secret"
        );
        assert_eq!(
            refused(EmulatorBuilder::new().client("a", "CANARY").client("b", "")),
            "client 2 has no secret; give every client an id and a secret"
        );
        assert_eq!(
            refused(
                EmulatorBuilder::new()
                    .client("a", "CANARY")
                    .client("a", "b")
            ),
            "client 2 repeats the id of an earlier one; give every client its own"
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let builder = EmulatorBuilder::new()
            .client("my-id", "CANARY")
            .fault(Fault::status(200).body("CANARY"));
        let text = format!("{builder:?}");
        assert!(text.contains("my-id"));
        assert!(!text.contains("CANARY"), "{text}");
    }
}
