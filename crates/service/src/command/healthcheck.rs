//! `prove-tokend healthcheck`: one question to a running service, small and quick, for
//! the exec probes of orchestrators.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use prove_token::ErrorKind;
use prove_token_config::{Env, ListenAddress};

use crate::args::{Common, Healthcheck};
use crate::console::{print, printable};
use crate::failure::Failure;
use crate::listener::connect_now;
use crate::plan::{Plan, Source, refused};

/// For each step; an orchestrator has a limit of its own for the whole.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answered with status 400 by HTTP itself.
const NO_REQUEST: &str = "?\r\n\r\n";

/// As many bytes as `HTTP/1.1 200` has: what comes behind does not matter, and may be long, or
/// late.
const UP_TO_STATUS: u64 = 12;

/// Where to ask, and what.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Question {
    place: Place,
    host: String,
    path: String,
    /// Whether any answer will do: data listeners tell nothing without a key, but that
    /// they are there. They are sent what is no request, and so is neither logged nor
    /// counted: a probe every few seconds would look like somebody who tries keys.
    takes_anything: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
    /// Nothing is said there but by TLS.
    Tls(SocketAddr),
}

/// Asks, and prints one line. Exit code 1 for whatever is not a yes.
pub(crate) fn run(common: &Common, args: &Healthcheck, env: &Env) -> Result<(), Failure> {
    let question = question(common, args, env)?;
    let shown = question.place();
    let unhealthy = |problem: String| Failure::new(ErrorKind::Internal, problem);
    let answer = question
        .ask()
        .map_err(|error| unhealthy(format!("no answer at {shown}: {}", error.kind())))?;
    match answer {
        Answer::Open => print(&format!("alive: {shown} accepts connections")),
        Answer::Http(status) if status == 200 || question.takes_anything => {
            let word = if args.ready { "ready" } else { "alive" };
            print(&format!("{word}: {shown} answers"))
        }
        Answer::Http(status) => {
            let word = if args.ready {
                "not ready"
            } else {
                "not healthy"
            };
            Err(unhealthy(format!(
                "{word}: {shown} answers with status {status}"
            )))
        }
    }
}

fn question(common: &Common, args: &Healthcheck, env: &Env) -> Result<Question, Failure> {
    let path = if args.ready { "/readyz" } else { "/livez" };
    if let Some(url) = &args.url {
        return of_url(url, path);
    }
    if let Some(socket) = &args.socket {
        return Ok(at(&ListenAddress::Unix(socket.clone()), path, !args.ready));
    }
    let source = Source::new(common.config.clone(), env.clone());
    Question::of_plan(&source.read()?, path, args.ready)
}

fn at(address: &ListenAddress, path: &str, takes_anything: bool) -> Question {
    let (place, host) = match address {
        ListenAddress::Unix(path) => (Place::Unix(path.clone()), "localhost".to_owned()),
        ListenAddress::Tls(address) => (Place::Tls(reachable(*address)), String::new()),
        ListenAddress::Tcp(address) => {
            let address = reachable(*address);
            (Place::Tcp(address), address.to_string())
        }
        other => (
            Place::Unix(PathBuf::from(other.to_string())),
            "localhost".to_owned(),
        ),
    };
    Question {
        place,
        host,
        path: path.to_owned(),
        takes_anything,
    }
}

/// Who listens everywhere is reached on this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => ([127, 0, 0, 1], address.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => ([0, 0, 0, 0, 0, 0, 0, 1], address.port()).into(),
        _ => address,
    }
}

fn of_url(url: &str, path: &str) -> Result<Question, Failure> {
    let wrong = || {
        let failure = Failure::new(ErrorKind::Configuration, "not an address to ask at");
        failure.hint("write --url http://HOST:PORT or http://HOST:PORT/PATH")
    };
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let authority = uri
        .authority()
        .filter(|given| !given.as_str().contains('@'));
    let authority = authority
        .filter(|_| uri.scheme_str() == Some("http"))
        .ok_or_else(wrong)?;
    let host = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    let found = (host, authority.port_u16().unwrap_or(80)).to_socket_addrs();
    let place = found
        .ok()
        .and_then(|mut found| found.next())
        .ok_or_else(wrong)?;
    let own = uri.path_and_query().map(ToString::to_string);
    Ok(Question {
        place: Place::Tcp(place),
        host: authority.to_string(),
        path: own
            .filter(|own| own != "/")
            .unwrap_or_else(|| path.to_owned()),
        takes_anything: false,
    })
}

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A connection.
    Open,
    /// A status.
    Http(u16),
}

impl Question {
    /// The health listener says most, the data listeners only that they are there.
    pub(crate) fn of_plan(plan: &Plan, path: &str, ready: bool) -> Result<Self, Failure> {
        let settings = &plan.settings;
        let told = settings
            .health_listen
            .as_ref()
            .or(settings.admin_listen.as_ref());
        if let Some(address) = told {
            return Ok(at(address, path, false));
        }
        if ready {
            return Err(refused("nobody tells whether the service is ready")
                .hint("set health_listen or admin_listen under [service]"));
        }
        let is_chosen = |address: &&ListenAddress| matches!(address, ListenAddress::Tcp(at) | ListenAddress::Tls(at) if at.port() == 0);
        let mut data = settings.listen.iter().filter(|address| !is_chosen(address));
        let unix = data.clone().find(|address| address.is_unix());
        let any = unix.or_else(|| data.next());
        any.map(|address| at(address, path, true)).ok_or_else(|| {
            refused("the configuration has no fixed address to ask at")
                .hint("set health_listen under [service], or give --url")
        })
    }

    /// Whether any answer will do: see the field.
    pub(crate) fn takes_anything(&self) -> bool {
        self.takes_anything
    }

    /// Where it is asked, in words.
    pub(crate) fn place(&self) -> String {
        self.place.to_string()
    }

    pub(crate) fn ask(&self) -> io::Result<Answer> {
        match &self.place {
            Place::Tls(address) => {
                TcpStream::connect_timeout(address, PATIENCE)?;
                Ok(Answer::Open)
            }
            Place::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, PATIENCE)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                self.talk(stream)
            }
            Place::Unix(path) => {
                let stream = connect_now(path)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                self.talk(stream)
            }
        }
    }

    fn talk(&self, mut stream: impl Read + Write) -> io::Result<Answer> {
        let Self { path, host, .. } = self;
        let request = match self.takes_anything {
            true => NO_REQUEST.to_owned(),
            false => {
                format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
            }
        };
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        let read = stream.take(UP_TO_STATUS).read_to_end(&mut answer);
        match (status(&answer), read) {
            (Some(status), _) => Ok(Answer::Http(status)),
            // A read that met its deadline, as Linux calls it.
            (None, Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(io::ErrorKind::TimedOut.into())
            }
            (None, Err(error)) => Err(error),
            (None, Ok(_)) => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// The status of `HTTP/1.1 200 …`.
fn status(answer: &[u8]) -> Option<u16> {
    let rest = answer.strip_prefix(b"HTTP/1.1 ")?;
    std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Tls(address) => write!(f, "tls:{address}"),
            Self::Unix(path) => write!(f, "unix:{}", printable(path)),
        }
    }
}

#[cfg(test)]
mod tests;
