//! Where the service listens.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use crate::error::Problem;
use crate::place::printable;

/// An address to listen on: `unix:/path`, `127.0.0.1:7878` or `tls:0.0.0.0:7443`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ListenAddress {
    /// A Unix socket.
    Unix(PathBuf),
    /// TCP in plain text.
    Tcp(SocketAddr),
    /// TCP with TLS.
    Tls(SocketAddr),
}

impl ListenAddress {
    /// Whether it is a Unix socket.
    pub fn is_unix(&self) -> bool {
        matches!(self, Self::Unix(_))
    }

    /// Whether connections begin with TLS.
    pub fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Whether only this machine can connect.
    pub fn is_private(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp(address) | Self::Tls(address) => address.ip().is_loopback(),
        }
    }

    pub(crate) fn is_public_and_plain(&self) -> bool {
        matches!(self, Self::Tcp(_)) && !self.is_private()
    }
}

impl FromStr for ListenAddress {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        const HINT: &str =
            "write unix:/absolute/path, 127.0.0.1:7878, [::1]:7878 or tls:0.0.0.0:7443";
        let refuse = |message: &str| Err(Problem::new(message).with_hint(HINT));
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            let is_plain = !text.chars().any(char::is_control);
            return match path.is_absolute() && is_plain {
                true if path.file_name().is_none() => refuse("the socket's path is a folder's"),
                true => Ok(Self::Unix(path)),
                false => refuse("the socket's path is not absolute"),
            };
        }
        let (address, tls) = match text.strip_prefix("tls:") {
            Some(address) => (address, true),
            None => (text, false),
        };
        match (address.parse(), tls) {
            (Ok(address), true) => Ok(Self::Tls(address)),
            (Ok(address), false) => Ok(Self::Tcp(address)),
            (Err(_), _) => refuse("not an address to listen on"),
        }
    }
}

/// As it is written.
impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", printable(path)),
            Self::Tcp(address) => address.fmt(f),
            Self::Tls(address) => write!(f, "tls:{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_they_are_read() {
        for (text, private, plain) in [
            ("unix:/run/prove-token/socket", true, false),
            ("127.0.0.1:7878", true, false),
            ("[::1]:0", true, false),
            ("0.0.0.0:7880", false, true),
            ("tls:0.0.0.0:7443", false, false),
        ] {
            let address: ListenAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(address.is_private(), private, "{text}");
            assert_eq!(address.is_public_and_plain(), plain, "{text}");
        }
        for bad in [
            "",
            "unix:relative",
            "localhost:80",
            "127.0.0.1",
            "tls:",
            "unix:/a\n",
            "unix:/",
            "unix:/a/..",
            "7878",
        ] {
            assert!(bad.parse::<ListenAddress>().is_err(), "{bad}");
        }
    }
}
