//! Authorization servers that are not ours, as `tests/interop/README.md`
//! describes them.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

use prove_token::Endpoint;
use serde::{Deserialize, Serialize};

/// A client that a peer knows.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Registered {
    /// The client id.
    pub client_id: &'static str,
    /// The secret.
    pub client_secret: &'static str,
    /// The one method it may use.
    pub token_endpoint_auth_method: &'static str,
    /// The scope it may have.
    pub scope: &'static str,
}

/// A server of its own for a test. It ends when this is dropped, because its
/// standard input does.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    stdin: Option<ChildStdin>,
    ready: Ready,
}

/// The first line of its standard output.
#[derive(Debug, Deserialize)]
struct Ready {
    token_endpoint: String,
    resource: Option<String>,
}

impl Peer {
    /// Starts npm's `oidc-provider`.
    ///
    /// # Panics
    ///
    /// If it is not there, or does not start.
    pub fn oidc_provider(clients: &[Registered]) -> Self {
        let mut command = Command::new("node");
        command.arg(folder().join("oidc-provider/server.mjs"));
        Self::start(command, clients)
    }

    /// Starts PyPI's `authlib`.
    ///
    /// # Panics
    ///
    /// If it is not there, or does not start.
    pub fn authlib(clients: &[Registered]) -> Self {
        let folder = folder().join("authlib");
        let python = match cfg!(windows) {
            true => "venv/Scripts/python.exe",
            false => "venv/bin/python",
        };
        let mut command = Command::new(folder.join(python));
        command.arg(folder.join("server.py"));
        Self::start(command, clients)
    }

    fn start(mut command: Command, clients: &[Registered]) -> Self {
        let clients = serde_json::to_string(clients).expect("plain data");
        let mut child = command
            .env("INTEROP_CLIENTS", clients)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("it is piped");
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        let ready = read
            .map_err(|error| error.to_string())
            .and_then(|_| serde_json::from_str(&line).map_err(|error| error.to_string()))
            .unwrap_or_else(|problem| panic!("{command:?} does not get ready: {problem}"));
        Self {
            child,
            stdin,
            ready,
        }
    }

    /// The address of its token endpoint.
    ///
    /// # Panics
    ///
    /// If it names one that is not on loopback.
    pub fn endpoint(&self) -> Endpoint {
        self.ready.token_endpoint.parse().expect("on loopback")
    }

    /// The resource (RFC 8707) for which it issues JWTs, if there is one.
    pub fn resource(&self) -> Option<&str> {
        self.ready.resource.as_deref()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // It cannot be waited for if it never ran; then there is nothing to end.
        let _ = self.child.wait();
    }
}

/// Where the peers are installed.
///
/// # Panics
///
/// If nobody says where.
#[expect(
    clippy::disallowed_methods,
    reason = "the one variable of these tests, and the one place that reads it"
)]
pub fn folder() -> PathBuf {
    match std::env::var_os("PROVE_TOKEN_INTEROP_DIR") {
        Some(folder) => folder.into(),
        None => panic!("run `cargo xtask test`, which prepares the peers"),
    }
}
