//! Sockets to listen on.

mod file;

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use prove_token_config::ListenAddress;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use self::file::SocketFile;
pub(crate) use self::file::{SocketPlace, connect_now};
use crate::peer::{Credentials, Peer};
use crate::tls::Tailor;

/// A socket that is bound.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Tls(TcpListener, Tailor),
    /// Its file, unless that is systemd's: it goes first.
    Unix(Option<SocketFile>, UnixListener),
}

/// A connection that came.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    /// Before the handshake, which is not the accept loop's to wait for.
    Tls(TcpStream, Tailor),
    Unix(UnixStream),
}

impl Listener {
    /// Binds `address`. A Unix socket lets everybody connect if `open`, for then the
    /// kernel says who it is; else its owner alone. `tailor` is for addresses with TLS.
    pub(crate) async fn bind(
        address: &ListenAddress,
        open: bool,
        tailor: Option<&Tailor>,
    ) -> io::Result<Self> {
        match address {
            ListenAddress::Unix(path) => {
                let (listener, file) = SocketFile::make(path, || {
                    let listener = UnixListener::bind(path)?;
                    open_to(path, open)?;
                    Ok(listener)
                })?;
                Ok(Self::Unix(Some(file), listener))
            }
            ListenAddress::Tcp(address) => Ok(Self::Tcp(TcpListener::bind(address).await?)),
            ListenAddress::Tls(address) => {
                let tailor = tailor.ok_or(io::ErrorKind::InvalidInput)?.clone();
                Ok(Self::Tls(TcpListener::bind(address).await?, tailor))
            }
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Where it listens, as far as that can be connected to.
    pub(crate) fn address(&self) -> io::Result<ListenAddress> {
        match self {
            Self::Tcp(listener) => Ok(ListenAddress::Tcp(listener.local_addr()?)),
            Self::Tls(listener, _) => Ok(ListenAddress::Tls(listener.local_addr()?)),
            Self::Unix(_, listener) => {
                let address = listener.local_addr()?;
                let path = address.as_pathname().ok_or(io::ErrorKind::Unsupported)?;
                Ok(ListenAddress::Unix(path.to_owned()))
            }
        }
    }

    /// The file of a Unix socket that is ours.
    pub(crate) fn socket_file(&self) -> Option<&SocketPlace> {
        match self {
            Self::Unix(Some(file), _) => Some(file.place()),
            _ => None,
        }
    }

    /// Lets nobody new find the way, while those who found it are still accepted; `false`
    /// if there is no such thing, as with TCP.
    pub(crate) fn close_door(&mut self) -> bool {
        match self {
            Self::Unix(file, _) => file.take().is_some(),
            Self::Tcp(_) | Self::Tls(..) => false,
        }
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => Ok((Stream::Tcp(tcp(listener).await?), Peer::Tcp)),
            Self::Tls(listener, tailor) => {
                let stream = Stream::Tls(tcp(listener).await?, tailor.clone());
                Ok((stream, Peer::Tls))
            }
            Self::Unix(_, listener) => {
                let (stream, _) = listener.accept().await?;
                let credentials = stream.peer_cred().ok().map(|peer| Credentials {
                    uid: peer.uid(),
                    gid: peer.gid(),
                });
                Ok((Stream::Unix(stream), Peer::Unix(credentials)))
            }
        }
    }
}

async fn tcp(listener: &TcpListener) -> io::Result<TcpStream> {
    let (stream, _) = listener.accept().await?;
    // An answer is written at once and whole: there is nothing to wait for.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Lets everybody connect to the socket at `path`, or its owner alone.
fn open_to(path: &Path, everybody: bool) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode(everybody)))
}

/// The mode of a socket that everybody may connect to, or its owner alone.
pub(crate) fn mode(everybody: bool) -> u32 {
    if everybody { 0o666 } else { 0o600 }
}

/// Whether nobody but the service's user and root can put anything into `folder`. That nobody
/// else can remove it, as from `/tmp`, does not do: while the service is down, the place of
/// its socket is free.
pub(crate) fn is_safe_folder(folder: &Path) -> io::Result<bool> {
    let metadata = fs::metadata(folder)?;
    let own = rustix::process::geteuid().as_raw();
    let is_ours = metadata.uid() == own || metadata.uid() == 0;
    Ok(is_ours && metadata.mode() & 0o022 == 0)
}
