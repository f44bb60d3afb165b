//! Addresses where no connection is made.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use prove_token::Endpoint;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// How long a connection on loopback may take; it takes microseconds.
const LONG: Duration = Duration::from_millis(300);

/// A port where a connection is neither made nor refused: the listener has the
/// shortest queue there is, nobody accepts, and the queue is full. The kernel then
/// drops every SYN, as a firewall does, and needs no privileges for it.
#[derive(Debug)]
pub struct Blackhole {
    listener: TcpListener,
    /// What fills the queue.
    _queued: Vec<TcpStream>,
}

impl Blackhole {
    /// Opens one.
    ///
    /// # Errors
    ///
    /// If there is no free port, or the queue takes more than any queue should.
    pub async fn open() -> io::Result<Self> {
        let listener = bind()?.listen(0)?;
        let address = listener.local_addr()?;
        let mut queued = Vec::new();
        // Some systems round the length of the queue up.
        for _ in 0..1024 {
            match tokio::time::timeout(LONG, TcpStream::connect(address)).await {
                Ok(connected) => queued.push(connected?),
                Err(_) => {
                    return Ok(Self {
                        listener,
                        _queued: queued,
                    });
                }
            }
        }
        Err(io::Error::other("the queue of the listener never fills"))
    }

    /// The address of a token endpoint there.
    ///
    /// # Panics
    ///
    /// If the listener has lost its address.
    pub fn endpoint(&self) -> Endpoint {
        endpoint(self.listener.local_addr().expect("it was bound"))
    }
}

/// A port that refuses connections, and that nobody else can be given meanwhile:
/// it is bound, but does not listen.
#[derive(Debug)]
pub struct Refusing(TcpSocket);

impl Refusing {
    /// Takes one.
    ///
    /// # Errors
    ///
    /// If there is no free port.
    pub fn open() -> io::Result<Self> {
        Ok(Self(bind()?))
    }

    /// The address of a token endpoint there.
    ///
    /// # Panics
    ///
    /// If the socket has lost its address.
    pub fn endpoint(&self) -> Endpoint {
        endpoint(self.0.local_addr().expect("it was bound"))
    }
}

fn bind() -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0).into())?;
    Ok(socket)
}

fn endpoint(address: SocketAddr) -> Endpoint {
    let address = format!("http://{address}/token");
    address.parse().expect("a loopback address is an endpoint")
}
