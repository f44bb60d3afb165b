//! Who is at the other end of a connection.

/// What the kernel says of a process that connected to the Unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// How a connection came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Over the Unix socket; by whom, if the kernel told.
    Unix(Option<Credentials>),
    /// Over TCP, in plain text, from this machine.
    Tcp,
    /// Over TLS, from anywhere.
    Tls,
}

impl Peer {
    /// By whom, if that is beyond doubt.
    pub(crate) fn credentials(&self) -> Option<Credentials> {
        match self {
            Self::Unix(credentials) => *credentials,
            Self::Tcp | Self::Tls => None,
        }
    }
}
