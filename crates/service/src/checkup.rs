//! A look at a service from outside, by its configuration: for whoever looks for what is
//! wrong. Nothing is changed.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use prove_token_config::ListenAddress;

use crate::command::healthcheck::{Answer, Question};
use crate::listener::{connect_now, mode};
use crate::plan::Plan;
use crate::service::Service;

/// What was found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checkup {
    /// Where callers are to come.
    pub listen: Vec<ListenAddress>,
    /// How many callers there are to be.
    pub callers: usize,
    /// What is at the path of each Unix socket for callers.
    pub sockets: Vec<SocketReport>,
    /// Whether it runs; `None` if that was not to be asked.
    pub pulse: Option<Pulse>,
}

/// A Unix socket, as it is and as it is meant to be.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SocketReport {
    /// Where it is.
    pub path: PathBuf,
    /// What is there.
    pub state: SocketState,
    /// The mode of what is there.
    pub mode: Option<u32>,
    /// The mode that a running service gives it.
    pub meant: u32,
}

/// What is at the path of a Unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocketState {
    /// Nothing.
    Missing,
    /// Something else, which a service leaves alone.
    NotASocket,
    /// A socket that nobody listens on any more.
    Stale,
    /// A socket that somebody listens on.
    Open,
    /// A socket that cannot be tried, and why.
    Unknown(ErrorKind),
}

/// Whether a service runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pulse {
    /// There is no fixed address to ask at.
    Unknown {
        /// What to do about it.
        hint: Option<String>,
    },
    /// No answer.
    Silent {
        /// Where.
        at: String,
        /// Why.
        why: ErrorKind,
    },
    /// An answer that is none of this service.
    Odd {
        /// Where.
        at: String,
        /// Its status.
        status: u16,
    },
    /// It runs.
    Alive {
        /// Where it said so.
        at: String,
        /// Whether it holds a usable token of the profile that was asked about; `None` if
        /// nobody tells.
        ready: Option<bool>,
    },
}

impl Service {
    /// Looks whether this service runs already, and how its sockets are; with `asks`, it
    /// is asked whether it lives, and whether it holds a token of `profile`. Each step
    /// takes 2 s at most.
    pub fn checkup(&self, asks: bool, profile: Option<&str>) -> Checkup {
        let plan = self.plan();
        let settings = &plan.settings;
        let meant = mode(!settings.callers.is_empty());
        let path = |address: &ListenAddress| match address {
            ListenAddress::Unix(path) => Some(path.clone()),
            _ => None,
        };
        let sockets = settings.listen.iter().filter_map(path);
        Checkup {
            listen: settings.listen.clone(),
            callers: settings.callers.len(),
            sockets: sockets.map(|path| report(path, meant)).collect(),
            pulse: asks.then(|| pulse(plan, profile)),
        }
    }
}

fn report(path: PathBuf, meant: u32) -> SocketReport {
    let metadata = fs::symlink_metadata(&path);
    SocketReport {
        state: state(&path, metadata.as_ref()),
        mode: metadata
            .ok()
            .map(|metadata| metadata.permissions().mode() & 0o7777),
        meant,
        path,
    }
}

fn state(path: &Path, metadata: Result<&Metadata, &io::Error>) -> SocketState {
    match metadata {
        Err(error) if error.kind() == ErrorKind::NotFound => SocketState::Missing,
        Err(error) => SocketState::Unknown(error.kind()),
        Ok(metadata) if !metadata.file_type().is_socket() => SocketState::NotASocket,
        Ok(_) => match connect_now(path).map_err(|error| error.kind()) {
            // Its queue is full, so somebody listens.
            Ok(_) | Err(ErrorKind::WouldBlock) => SocketState::Open,
            Err(ErrorKind::ConnectionRefused) => SocketState::Stale,
            Err(why) => SocketState::Unknown(why),
        },
    }
}

fn pulse(plan: &Plan, profile: Option<&str>) -> Pulse {
    let question = match Question::of_plan(plan, "/livez", false) {
        Ok(question) => question,
        Err(failure) => {
            let hint = failure.hint_text().map(str::to_owned);
            return Pulse::Unknown { hint };
        }
    };
    let at = question.place();
    let is_served = |name: &&str| plan.profiles.iter().any(|profile| profile.name == **name);
    match question.ask() {
        Err(error) => Pulse::Silent {
            at,
            why: error.kind(),
        },
        Ok(Answer::Http(status)) if status != 200 && !question.takes_anything() => {
            Pulse::Odd { at, status }
        }
        Ok(_) => Pulse::Alive {
            ready: profile
                .filter(is_served)
                .and_then(|name| is_ready(plan, name)),
            at,
        },
    }
}

/// Whether the service that runs has a token of this profile; `None` if nobody tells, or
/// if it does not know of the profile.
fn is_ready(plan: &Plan, profile: &str) -> Option<bool> {
    let path = format!("/readyz?profile={profile}");
    match Question::of_plan(plan, &path, true).ok()?.ask().ok()? {
        Answer::Http(200) => Some(true),
        Answer::Http(503) => Some(false),
        _ => None,
    }
}
