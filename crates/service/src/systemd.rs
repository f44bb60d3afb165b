//! The service manager: sockets that it opened, and what it is told. Where there is
//! none, all of it does nothing.

use std::io;
use std::time::Duration;

use listenfd::ListenFd;
use prove_token_config::ListenAddress;
use sd_notify::NotifyState;
use tokio::net::{TcpListener, UnixListener};

use crate::failure::Failure;
use crate::listener::Listener;
use crate::plan::refused;
use crate::tls::Tailor;

/// Sockets that were open when the process began.
#[derive(Debug, Default)]
pub(crate) struct Sockets(Vec<(ListenAddress, Socket)>);

#[derive(Debug)]
enum Socket {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

impl Sockets {
    /// Takes them over; the second time there are none.
    ///
    /// # Errors
    ///
    /// `Configuration` if one of them is not a stream socket that listens.
    pub(crate) fn take() -> Result<Self, Failure> {
        let mut given = ListenFd::from_env();
        let mut sockets = Vec::with_capacity(given.len());
        for index in 0..given.len() {
            let socket = socket(&mut given, index).map_err(|error| {
                let number = index + 1;
                refused(format!(
                    "socket {number} of the service manager cannot be used: {}",
                    error.kind()
                ))
                .hint("write ListenStream= with a path or an address into the .socket unit")
            })?;
            sockets.push(socket);
        }
        Ok(Self(sockets))
    }

    /// Where they listen.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &ListenAddress> {
        self.0.iter().map(|(address, _)| address)
    }

    /// The socket that listens at `address`, if it is among them; else a new one.
    pub(crate) async fn listen(
        &mut self,
        address: &ListenAddress,
        open: bool,
        tailor: Option<&Tailor>,
    ) -> io::Result<Listener> {
        // TLS is not the socket's affair.
        let plain = match address {
            ListenAddress::Tls(address) => ListenAddress::Tcp(*address),
            other => other.clone(),
        };
        let found = self.0.iter().position(|(given, _)| *given == plain);
        let Some(index) = found else {
            return Listener::bind(address, open, tailor).await;
        };
        Ok(match (self.0.remove(index).1, address) {
            (Socket::Unix(socket), _) => Listener::Unix(None, UnixListener::from_std(socket)?),
            (Socket::Tcp(socket), ListenAddress::Tls(_)) => {
                let tailor = tailor.ok_or(io::ErrorKind::InvalidInput)?.clone();
                Listener::Tls(TcpListener::from_std(socket)?, tailor)
            }
            (Socket::Tcp(socket), _) => Listener::Tcp(TcpListener::from_std(socket)?),
        })
    }

    /// That all were asked for: one that nobody listens on keeps its callers waiting.
    ///
    /// # Errors
    ///
    /// `Configuration`, naming those that are left.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let left: Vec<_> = self.addresses().map(ToString::to_string).collect();
        match left.is_empty() {
            true => Ok(()),
            false => Err(refused(format!(
                "the service manager opened {}, which the configuration does not name",
                left.join(" and ")
            ))
            .hint("add it to listen under [service], or remove it from the .socket unit")),
        }
    }
}

fn socket(given: &mut ListenFd, index: usize) -> io::Result<(ListenAddress, Socket)> {
    if let Ok(Some(socket)) = given.take_unix_listener(index) {
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let path = address.as_pathname().ok_or(io::ErrorKind::Unsupported)?;
        return Ok((ListenAddress::Unix(path.to_owned()), Socket::Unix(socket)));
    }
    let socket = given.take_tcp_listener(index)?;
    let socket = socket.ok_or(io::ErrorKind::NotFound)?;
    socket.set_nonblocking(true)?;
    Ok((
        ListenAddress::Tcp(socket.local_addr()?),
        Socket::Tcp(socket),
    ))
}

/// What the service is about to do, or does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum State<'s> {
    /// It serves.
    Ready,
    /// How it serves, in a few words.
    Status(&'s str),
    Reloading,
    Stopping,
}

/// Tells the service manager. That it does not listen harms nobody.
pub(crate) fn tell(state: State<'_>) {
    let _ = match state {
        State::Ready => sd_notify::notify(&[NotifyState::Ready]),
        State::Status(how) => sd_notify::notify(&[NotifyState::Status(how)]),
        State::Reloading => NotifyState::monotonic_usec_now()
            .and_then(|now| sd_notify::notify(&[NotifyState::Reloading, now])),
        State::Stopping => sd_notify::notify(&[
            NotifyState::Stopping,
            NotifyState::Status("finishing what was accepted"),
        ]),
    };
}

/// Tells the service manager that the service is alive, twice as often as it wants to
/// know; for ever, or at once if it does not.
pub(crate) async fn keep_watchdog_quiet() {
    let Some(limit) = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero()) else {
        return;
    };
    let mut ticks = tokio::time::interval((limit / 2).max(Duration::from_millis(1)));
    loop {
        ticks.tick().await;
        let _ = sd_notify::notify(&[NotifyState::Watchdog]);
    }
}
