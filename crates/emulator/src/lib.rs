//! A faithful local Prove, for tests, demonstrations and work without an
//! account.
//!
//! An [`Emulator`] listens on a loopback port and answers `POST /token` and the
//! operations behind it in Prove's documented shapes. It misbehaves on request:
//! a [`Fault`] delays, refuses, garbles, drips, cuts or withholds an answer.
//!
//! ```
//! use prove_token_emulator::{Emulator, Fault};
//!
//! # fn main() -> Result<(), prove_token_emulator::Error> {
//! let emulator = Emulator::builder()
//!     .client("my-id", "my-secret")
//!     .fault(Fault::status(503).times(2).header("Retry-After", "1"))
//!     .start()?;
//! println!("ask {} for a token", emulator.token_endpoint());
//! assert_eq!(emulator.token_requests(), 0);
//! # Ok(())
//! # }
//! ```
//!
//! # What it answers
//!
//! - `POST /token`: the client credentials grant (RFC 6749 §4.4) with
//!   `client_secret_post` or HTTP Basic. Every call mints a new HS256 JWT.
//! - The operations below `/v1` and `/v3`, with a bearer token of its own. The
//!   flow from `/v3/start` to `/v3/complete` keeps its state, the identity
//!   operations keep a store in memory, the others answer their documented
//!   minimal shape. Sandbox rules hold: the one test user is `2001001695`.
//! - Everything else is `403 {"message":"Forbidden"}`, as with Prove, where
//!   `/v3/token` is the best-known mistake.
//!
//! # Clients
//!
//! Without [`EmulatorBuilder::client`] there is one client with the fixed,
//! public credentials [`DEFAULT_CLIENT_ID`] and [`DEFAULT_CLIENT_SECRET`]. They
//! protect nothing and are not meant to.
//!
//! # Control from outside
//!
//! A running emulator is also scripted over HTTP, without a bearer token, from
//! loopback names only. Bodies are JSON.
//!
//! | request | effect |
//! |---|---|
//! | `GET /_emulator/health` | `{"status":"ok", …}` |
//! | `GET /_emulator/requests` | the recorded requests without their secrets, and counts by path and status |
//! | `DELETE /_emulator/requests` | forgets them |
//! | `POST /_emulator/faults` | appends an array of faults, each an object as described at [`Fault`] |
//! | `DELETE /_emulator/faults` | empties the script |
//! | `POST /_emulator/revoke` | revokes every token issued so far |
//!
//! Control requests are not recorded, logged, faulted or rate limited.
//!
//! # Limits
//!
//! It listens on 127.0.0.1 only. It keeps the last 10,000 requests, 10,000
//! correlations and 10,000 identities, serves 1,024 connections at a time (more
//! wait), closes a connection whose request head or body takes 10 seconds, and
//! reads at most 1 MiB of a body. Secrets are kept as digests; neither they nor
//! tokens appear in a log line, a recorded request or a `Debug` text.
#![forbid(unsafe_code)]

mod answer;
mod builder;
mod clock;
mod control;
mod credential;
mod emulator;
mod error;
mod fault;
mod form;
mod operation;
mod random;
mod rate;
mod record;
mod server;
mod service;
mod state;
mod token;
mod token_endpoint;

pub use builder::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, EmulatorBuilder};
pub use emulator::Emulator;
pub use error::Error;
pub use fault::{Fault, FaultError, Stage};
pub use record::{RecordedRequest, RequestLog};
