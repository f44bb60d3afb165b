//! What systemd is told, if it listens: `sd_notify(3)`.
//!
//! The crate of that name reads the process environment by itself, and takes an abstract
//! address for a path; the protocol is one datagram.

use std::fmt::Write as _;
use std::pin::Pin;
use std::time::Duration;

use prove_token_config::Env;
use tokio::time::{Sleep, sleep};

/// A line to the service manager.
#[derive(Debug)]
pub(super) enum State<'a> {
    Ready,
    Reloading,
    Stopping,
    Alive,
    /// For `systemctl status`.
    Status(&'a str),
}

/// Tells the service manager, or nobody.
#[derive(Debug, Default)]
pub(super) struct Notifier {
    #[cfg(unix)]
    socket: Option<socket::Socket>,
    /// How often it wants to hear that we are alive.
    watchdog: Option<Duration>,
    next: Option<Pin<Box<Sleep>>>,
}

impl Notifier {
    pub(super) fn new(env: &Env) -> Self {
        Self {
            #[cfg(unix)]
            socket: env.var_os("NOTIFY_SOCKET").and_then(socket::Socket::new),
            watchdog: watchdog(env),
            next: None,
        }
    }

    /// That it cannot be told is its own affair: it notices.
    pub(super) fn tell(&self, states: &[State<'_>]) {
        let mut text = String::new();
        for state in states {
            let _ = match state {
                State::Ready => writeln!(text, "READY=1"),
                State::Reloading => writeln!(text, "RELOADING=1\nMONOTONIC_USEC={}", monotonic()),
                State::Stopping => writeln!(text, "STOPPING=1"),
                State::Alive => writeln!(text, "WATCHDOG=1"),
                State::Status(status) => {
                    writeln!(text, "STATUS={}", status.replace(['\n', '\r'], " "))
                }
            };
        }
        #[cfg(unix)]
        if let Some(socket) = &self.socket {
            socket.send(text.as_bytes());
        }
    }

    /// Ends when it is time to say that we are alive; it may be cancelled.
    pub(super) async fn is_due(&mut self) {
        let Some(period) = self.watchdog else {
            return std::future::pending().await;
        };
        let next = || Box::pin(sleep(period / 2));
        self.next.get_or_insert_with(next).as_mut().await;
        self.next = None;
    }
}

fn watchdog(env: &Env) -> Option<Duration> {
    let number = |name| env.var_os(name)?.to_str()?.parse::<u64>().ok();
    let is_ours = match env.var_os("WATCHDOG_PID") {
        None => true,
        Some(_) => number("WATCHDOG_PID") == Some(std::process::id().into()),
    };
    let period = number("WATCHDOG_USEC").filter(|period| is_ours && *period > 0)?;
    Some(Duration::from_micros(period))
}

/// The clock that systemd compares reloads by, which is not the engine's: that one
/// counts suspend.
#[cfg(unix)]
fn monotonic() -> u128 {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::Monotonic);
    Duration::try_from(time).map_or(0, |time| time.as_micros())
}

#[cfg(not(unix))]
fn monotonic() -> u128 {
    0
}

#[cfg(unix)]
mod socket {
    use std::ffi::OsStr;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    /// A socket, and where to send to.
    #[derive(Debug)]
    pub(super) struct Socket {
        socket: UnixDatagram,
        address: SocketAddr,
    }

    impl Socket {
        pub(super) fn new(name: &OsStr) -> Option<Self> {
            let socket = UnixDatagram::unbound().ok()?;
            // A manager that does not read must not hold us up.
            socket.set_nonblocking(true).ok()?;
            let address = address(name)?;
            Some(Self { socket, address })
        }

        pub(super) fn send(&self, message: &[u8]) {
            let _ = self.socket.send_to_addr(message, &self.address);
        }
    }

    #[cfg(target_os = "linux")]
    fn address(name: &OsStr) -> Option<SocketAddr> {
        use std::os::linux::net::SocketAddrExt as _;
        match name.as_encoded_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name).ok(),
            _ => of_path(name),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn address(name: &OsStr) -> Option<SocketAddr> {
        of_path(name)
    }

    fn of_path(name: &OsStr) -> Option<SocketAddr> {
        let is_path = name.as_encoded_bytes().starts_with(b"/");
        SocketAddr::from_pathname(name).ok().filter(|_| is_path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_is_fed_if_it_is_ours() {
        let own = std::process::id().to_string();
        let asked = |variables: &[(&str, &str)]| {
            watchdog(&variables.iter().copied().collect()).map(|period| period.as_secs())
        };
        assert_eq!(asked(&[("WATCHDOG_USEC", "30000000")]), Some(30));
        assert_eq!(
            asked(&[("WATCHDOG_USEC", "30000000"), ("WATCHDOG_PID", &own)]),
            Some(30)
        );
        assert_eq!(
            asked(&[("WATCHDOG_USEC", "30000000"), ("WATCHDOG_PID", "1")]),
            None
        );
        assert_eq!(asked(&[("WATCHDOG_USEC", "0")]), None);
        assert_eq!(asked(&[("WATCHDOG_USEC", "soon")]), None);
        assert_eq!(asked(&[]), None);
    }
}
