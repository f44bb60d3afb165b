//! Sockets to listen on.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use prove_token_config::ListenAddress;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::peer::{Credentials, Peer};

/// A socket that is bound.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
}

/// A connection that came.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Listener {
    /// Binds `address`. A Unix socket lets everybody connect if `open`, for then the
    /// kernel says who it is; else its owner alone.
    pub(crate) async fn bind(address: &ListenAddress, open: bool) -> io::Result<Self> {
        match address {
            ListenAddress::Unix(path) => {
                let file = SocketFile::prepare(path)?;
                let listener = UnixListener::bind(path)?;
                let mode = if open { 0o666 } else { 0o600 };
                fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
                Ok(Self::Unix(listener, file.made()?))
            }
            ListenAddress::Tcp(address) | ListenAddress::Tls(address) => {
                Ok(Self::Tcp(TcpListener::bind(address).await?))
            }
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Where it listens, as far as that can be connected to.
    pub(crate) fn address(&self) -> io::Result<ListenAddress> {
        match self {
            Self::Tcp(listener) => Ok(ListenAddress::Tcp(listener.local_addr()?)),
            Self::Unix(_, file) => Ok(ListenAddress::Unix(file.path.clone())),
        }
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // An answer is written at once and whole: there is nothing to wait for.
                stream.set_nodelay(true)?;
                Ok((Stream::Tcp(stream), Peer::Tcp))
            }
            Self::Unix(listener, _) => {
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

/// The file of a Unix socket: removed with the listener, if it is still the same.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode, once it is there.
    identity: Option<(u64, u64)>,
}

impl SocketFile {
    /// Makes room at `path`: a socket that nobody listens on any more is removed.
    /// Anything else that is there stays, and is an error.
    fn prepare(path: &Path) -> io::Result<Self> {
        let file = Self {
            path: path.to_owned(),
            identity: None,
        };
        let metadata = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(file),
            other => other?,
        };
        if !metadata.file_type().is_socket() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        match std::os::unix::net::UnixStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                fs::remove_file(path)?;
                Ok(file)
            }
            _ => Err(io::ErrorKind::AddrInUse.into()),
        }
    }

    fn made(mut self) -> io::Result<Self> {
        self.identity = Some(identity(&self.path)?);
        Ok(self)
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody may have put another one in its place.
        if self.identity.is_some() && identity(&self.path).ok() == self.identity {
            let _ = fs::remove_file(&self.path);
        }
    }
}

macro_rules! delegate {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Stream::Tcp($stream) => {
                let $stream = Pin::new($stream);
                $call
            }
            Stream::Unix($stream) => {
                let $stream = Pin::new($stream);
                $call
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_read(context, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, stream => stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, stream => stream.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_shutdown(context))
    }
}
