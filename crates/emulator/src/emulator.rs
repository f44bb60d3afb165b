//! The handle of a running emulator.

use std::fmt;
use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::builder::EmulatorBuilder;
use crate::error::{Error, Kind};
use crate::fault::Fault;
use crate::record::RecordedRequest;
use crate::server;
use crate::state::State;

/// A running emulator. Dropping it stops it and closes its port.
pub struct Emulator {
    state: Arc<State>,
    port: u16,
    url: String,
    /// Dropped to stop the thread.
    stop: Mutex<Option<oneshot::Sender<()>>>,
    ended: Arc<Ended>,
    thread: ThreadId,
}

/// Whether the emulator's thread has ended, to wait for.
#[derive(Default)]
struct Ended {
    flag: Mutex<bool>,
    changed: Condvar,
}

impl Emulator {
    /// Settings to start from.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder::new()
    }

    pub(crate) fn spawn(listener: TcpListener, state: State) -> Result<Self, Error> {
        let port = listener.local_addr().map_err(Kind::Thread)?.port();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(Kind::Thread)?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(Kind::Thread)?
        };
        let state = Arc::new(state);
        let ended = Arc::new(Ended::default());
        let (stop, stopped) = oneshot::channel();
        let guard = EndGuard(Arc::clone(&ended));
        let shared = Arc::clone(&state);
        let handle = thread::Builder::new()
            .name("prove-emulator".to_owned())
            .spawn(move || {
                let _guard = guard;
                run(runtime, listener, shared, stopped);
            })
            .map_err(Kind::Thread)?;
        Ok(Self {
            state,
            port,
            url: format!("http://127.0.0.1:{port}"),
            stop: Mutex::new(Some(stop)),
            ended,
            thread: handle.thread().id(),
        })
    }

    /// The base URL, `http://127.0.0.1:PORT`, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The token endpoint's URL.
    pub fn token_endpoint(&self) -> String {
        format!("{}/token", self.url)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The last 10,000 requests, oldest first. Control requests are not among
    /// them.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state.recorder.requests()
    }

    /// How many `POST /token` arrived, those that a fault took included.
    pub fn token_requests(&self) -> usize {
        self.state.recorder.token_requests()
    }

    /// How many connections were accepted so far, whatever became of them.
    pub fn connections(&self) -> usize {
        self.state.accepted.load(Ordering::Relaxed)
    }

    /// Appends a fault to the script. A script holds 10,000 faults; more are
    /// ignored.
    pub fn inject(&self, fault: Fault) {
        self.state.script.append([fault]);
    }

    /// Empties the script.
    pub fn clear_faults(&self) {
        self.state.script.clear();
    }

    /// Revokes every token issued so far; later ones are good.
    pub fn revoke_all_tokens(&self) {
        self.state.tokens.revoke_all();
    }

    /// Forgets the recorded requests and their counts, and starts
    /// [`token_requests`](Self::token_requests) anew.
    pub fn reset_requests(&self) {
        self.state.recorder.reset();
    }

    /// Moves the emulator's clock forward, so that tokens end and rate windows
    /// pass without waiting. Delays and drips of faults stay in real time.
    pub fn advance(&self, by: Duration) {
        self.state.clock.advance(by);
    }

    /// Blocks until `count` token requests have arrived since the start or the
    /// last [`reset_requests`](Self::reset_requests), answered or not. False if
    /// `timeout` passed first.
    #[must_use = "false means that the requests did not arrive"]
    pub fn wait_for_requests(&self, count: usize, timeout: Duration) -> bool {
        self.state.recorder.wait(count, timeout)
    }

    /// Blocks until [`stop`](Self::stop) is called from another thread, or the
    /// emulator ended by itself, which only a defect makes it do.
    pub fn wait(&self) {
        let ended = self.ended.flag.lock();
        let ended = ended.unwrap_or_else(PoisonError::into_inner);
        let waited = self.ended.changed.wait_while(ended, |ended| !*ended);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Cuts all connections, closes the port and ends the thread. Called again,
    /// it does nothing. From the log hook it returns at once, and the emulator
    /// ends after the hook.
    pub fn stop(&self) {
        drop(
            self.stop
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        if thread::current().id() != self.thread {
            self.wait();
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("url", &self.url)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Says that the thread ended, however it ended.
struct EndGuard(Arc<Ended>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        *self.0.flag.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
    }
}

/// Serves until the sender is dropped. The runtime goes with the end of this
/// function, and with it all connections and the port.
fn run(
    runtime: Runtime,
    listener: tokio::net::TcpListener,
    state: Arc<State>,
    stopped: oneshot::Receiver<()>,
) {
    runtime.block_on(async {
        tokio::spawn(server::accept(listener, state));
        // Nothing is ever sent: the end of the channel is the signal.
        let _ = stopped.await;
    });
}
