//! A way to a server that can be closed: then the machine is there and nobody listens.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::{io, iter};

/// It keeps its port while it is closed.
pub(super) struct Door {
    listener: Arc<TcpListener>,
    /// Who went through.
    guests: Arc<Mutex<Vec<TcpStream>>>,
    /// Where it leads to.
    server: u16,
}

impl Door {
    pub(super) fn to(server: u16) -> Self {
        let door = Self {
            listener: Arc::new(bind()),
            guests: Arc::default(),
            server,
        };
        door.let_in();
        door
    }

    pub(super) fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// Until it is closed.
    fn let_in(&self) {
        let (listener, guests) = (Arc::clone(&self.listener), Arc::clone(&self.guests));
        let server = self.server;
        std::thread::spawn(move || {
            while let Ok((near, _)) = listener.accept() {
                let far = TcpStream::connect(("127.0.0.1", server)).unwrap();
                pass(&near, &far);
                pass(&far, &near);
                guests.lock().unwrap().push(near);
            }
        });
    }

    /// From now on, connections are refused; those that are open end.
    pub(super) fn close(&self) {
        rustix::net::shutdown(&self.listener, rustix::net::Shutdown::Read).unwrap();
        for guest in self.guests.lock().unwrap().drain(..) {
            let _ = guest.shutdown(Shutdown::Both);
        }
    }

    /// It was closed.
    pub(super) fn open(&self) {
        rustix::net::listen(&self.listener, 16).unwrap();
        self.let_in();
    }
}

/// A listener that keeps its port when it is shut down: the kernel does so only for those
/// who named it.
fn bind() -> TcpListener {
    let try_one = || {
        let any = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = any.local_addr().unwrap();
        drop(any);
        TcpListener::bind(address)
    };
    iter::repeat_with(try_one).find_map(Result::ok).unwrap()
}

/// Passes on what comes from `one` to `other`, in the background.
fn pass(one: &TcpStream, other: &TcpStream) {
    let (mut from, mut to) = (one.try_clone().unwrap(), other.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}
