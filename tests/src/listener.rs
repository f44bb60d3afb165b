//! A loopback port whose every connection and byte is counted.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// Listens on a free port of 127.0.0.1 and serves each connection on a thread of
/// its own, until it is dropped: then all connections are shut and all threads
/// joined.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    connections: Mutex<Vec<Accepted>>,
}

/// One connection that was accepted.
#[derive(Debug)]
struct Accepted {
    stream: TcpStream,
    received: Vec<u8>,
}

/// The server's end of a connection; what is read from it is recorded.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    number: usize,
    shared: Arc<Shared>,
}

impl Listener {
    /// Starts to listen; `serve` is called for each connection.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub fn start(serve: impl Fn(Connection) + Send + Sync + 'static) -> Self {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = socket.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared::default());
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&socket, &shared, &Arc::new(serve))
        });
        Self {
            address,
            shared,
            acceptor: Some(acceptor),
        }
    }

    /// A listener that reads whatever comes and never says a word.
    pub fn silent() -> Self {
        Self::start(|mut connection| connection.hold())
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// `127.0.0.1:port`.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.connections().len()
    }

    /// What was received so far, over all connections.
    pub fn received(&self) -> Vec<u8> {
        let connections = self.shared.connections();
        let each = connections.iter().map(|connection| &connection.received);
        each.flatten().copied().collect()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which then sees the mark. If it cannot be reached
        // it has ended already.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take()
            && acceptor.join().is_err()
            && !thread::panicking()
        {
            panic!("a thread of a test's server panicked");
        }
    }
}

impl Shared {
    fn connections(&self) -> MutexGuard<'_, Vec<Accepted>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept<F>(socket: &TcpListener, shared: &Arc<Shared>, serve: &Arc<F>)
where
    F: Fn(Connection) + Send + Sync + 'static,
{
    let mut threads = Vec::new();
    for stream in socket.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            break;
        }
        let Some((stream, copy)) = stream.and_then(|s| s.try_clone().map(|c| (s, c))).ok() else {
            continue;
        };
        let mut connections = shared.connections();
        let connection = Connection {
            stream,
            number: connections.len(),
            shared: Arc::clone(shared),
        };
        connections.push(Accepted {
            stream: copy,
            received: Vec::new(),
        });
        drop(connections);
        let serve = Arc::clone(serve);
        threads.push(thread::spawn(move || serve(connection)));
    }
    for accepted in shared.connections().iter() {
        // One that its peer has closed is what is wanted.
        let _ = accepted.stream.shutdown(Shutdown::Both);
    }
    for thread in threads {
        thread.join().expect("no thread of a test's server panics");
    }
}

impl Connection {
    /// Counts from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Reads until the peer closes, and answers nothing.
    pub fn hold(&mut self) {
        let mut buffer = [0; 4096];
        while matches!(self.read(&mut buffer), Ok(1..)) {}
    }

    /// Says that nothing more will come, and reads what the peer still sends, so
    /// that no reset overtakes the last bytes.
    pub fn finish(&mut self) {
        if self.stream.shutdown(Shutdown::Write).is_ok() {
            self.hold();
        }
    }
}

impl Drop for Connection {
    /// The recorder holds a copy of the stream: dropping this one alone would not
    /// close it.
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        let mut connections = self.shared.connections();
        connections[self.number]
            .received
            .extend_from_slice(&buffer[..count]);
        Ok(count)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
