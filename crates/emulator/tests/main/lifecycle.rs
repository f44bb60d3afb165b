//! Starting, waiting, stopping.

use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prove_token_emulator::{Emulator, Fault};

use crate::client::{Client, FORM, NEVER, ask_token, start, start_with, token_body};

#[test]
fn the_urls_name_the_port() {
    let emulator = start();
    assert_eq!(
        emulator.url(),
        format!("http://127.0.0.1:{}", emulator.port())
    );
    assert_eq!(
        emulator.token_endpoint(),
        format!("{}/token", emulator.url())
    );
}

#[test]
fn a_taken_port_is_an_error_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = Emulator::builder().port(port).start().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot listen on 127.0.0.1:{port} (address in use); choose another port, or 0 for any free one"
        )
    );
}

#[test]
fn stopping_closes_the_port_and_the_connections() {
    let emulator = start_with(|builder| builder.fault(Fault::silence()));
    let mut held = Client::connect(&emulator);
    held.send("POST /token", &[FORM], &token_body());
    assert!(emulator.wait_for_requests(1, NEVER));
    emulator.stop();
    emulator.stop();
    emulator.wait();
    assert!(held.rest().0.is_empty());
    assert!(TcpStream::connect(("127.0.0.1", emulator.port())).is_err());
    assert_eq!(
        emulator.token_requests(),
        1,
        "the record outlives the server"
    );
}

#[test]
fn dropping_stops() {
    let emulator = start();
    let port = emulator.port();
    drop(emulator);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn waiting_ends_when_another_thread_stops() {
    let emulator = Arc::new(start());
    let (sender, receiver) = mpsc::channel();
    let waiting = Arc::clone(&emulator);
    let waiter = std::thread::spawn(move || {
        waiting.wait();
        sender.send(()).unwrap();
    });
    emulator.stop();
    receiver.recv_timeout(NEVER).unwrap();
    waiter.join().unwrap();
}

#[test]
fn the_log_hook_may_stop_the_emulator() {
    let slot: Arc<Mutex<Option<Emulator>>> = Arc::default();
    let inside = Arc::clone(&slot);
    let emulator = start_with(|builder| {
        builder.log(move |_| {
            if let Some(emulator) = &*inside.lock().unwrap() {
                emulator.stop();
            }
        })
    });
    let mut client = Client::connect(&emulator);
    *slot.lock().unwrap() = Some(emulator);
    client.send("POST /token", &[FORM], &token_body());
    client.rest().1.unwrap();
    // Waits for the end outside of the lock that the hook takes.
    let emulator = slot.lock().unwrap().take().unwrap();
    emulator.wait();
}

#[test]
fn a_panicking_log_hook_harms_one_connection() {
    let emulator = start_with(|builder| {
        builder.log(|line| assert!(line.status != Some(503), "the hook's own failure"))
    });
    emulator.inject(Fault::status(503));
    let mut client = Client::connect(&emulator);
    client.send("POST /token", &[FORM], &token_body());
    assert!(client.rest().0.is_empty());
    assert_eq!(ask_token(&emulator).status, 200);
}

#[test]
fn waiting_for_requests_counts_arrivals() {
    let emulator = start_with(|builder| builder.fault(Fault::close().times(0)));
    assert!(!emulator.wait_for_requests(1, Duration::ZERO));
    let mut client = Client::connect(&emulator);
    client.send("POST /token", &[FORM], &token_body());
    assert!(emulator.wait_for_requests(1, NEVER));
    emulator.reset_requests();
    assert_eq!(emulator.token_requests(), 0);
    assert!(!emulator.wait_for_requests(1, Duration::ZERO));
}

#[test]
fn a_client_that_leaves_during_a_delay_is_logged() {
    let (sender, receiver) = mpsc::channel();
    let emulator = start_with(|builder| {
        builder
            .fault(Fault::default().delay(NEVER * 100))
            .log(move |line| sender.send(line.clone()).unwrap())
    });
    let mut client = Client::connect(&emulator);
    client.send("POST /token", &[FORM], &token_body());
    assert!(emulator.wait_for_requests(1, NEVER));
    drop(client);
    let line = receiver.recv_timeout(NEVER).unwrap();
    assert_eq!(line.status, None);
    assert_eq!(line.fault.as_deref(), Some("delay=50m"));
}

#[test]
fn many_connections_are_served_at_once() {
    let emulator = start_with(|builder| builder.rate_limit(0));
    let mut clients: Vec<_> = (0..200).map(|_| Client::connect(&emulator)).collect();
    for client in &mut clients {
        client.send("POST /token", &[FORM], &token_body());
    }
    assert!(emulator.wait_for_requests(200, NEVER));
    assert!(
        clients
            .iter_mut()
            .all(|client| client.answer().status == 200)
    );
}
