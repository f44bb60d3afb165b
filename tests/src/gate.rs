//! A server that holds its answers back until it is told to give them.

use std::io::Write as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prove_token::Endpoint;

use crate::http::{Server, Then};

/// Nothing in a test takes so long, but a defect must not hang it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Answers every request with the same bytes, once the gate is open. Dropping it
/// opens the gate.
#[derive(Debug)]
pub struct GatedServer {
    // Dropped before the server, whose threads wait at it.
    gate: Gate,
    server: Server,
}

#[derive(Debug)]
struct Gate(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    arrived: usize,
    open: bool,
}

impl GatedServer {
    /// Starts with the gate shut.
    pub fn start(answer: Vec<u8>) -> Self {
        let shared = Arc::new(Shared::default());
        let gate = Gate(Arc::clone(&shared));
        let server = Server::start(move |_, connection| {
            shared.change(|state| state.arrived += 1);
            shared.wait(|state| state.open);
            connection.write_all(&answer)?;
            Ok(Then::KeepOpen)
        });
        Self { gate, server }
    }

    /// The address of the token endpoint.
    pub fn endpoint(&self) -> Endpoint {
        self.server.endpoint()
    }

    /// How many requests have come.
    pub fn requests(&self) -> usize {
        self.server.requests().len()
    }

    /// Blocks until a request stands at the gate.
    ///
    /// # Panics
    ///
    /// If none comes.
    pub fn await_request(&self) {
        let arrived = self.gate.0.wait(|state| state.arrived > 0);
        assert!(arrived, "no request came");
    }

    /// Lets the answers out, from now on.
    pub fn open(&self) {
        self.gate.0.change(|state| state.open = true);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.0.change(|state| state.open = true);
    }
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Whether it came to be so in time.
    fn wait(&self, is_so: impl Fn(&State) -> bool) -> bool {
        let state = self.lock();
        let (state, _) = self
            .changed
            .wait_timeout_while(state, PATIENCE, |state| !is_so(state))
            .unwrap_or_else(PoisonError::into_inner);
        is_so(&state)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
