//! What a service manager is told.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use rustix::process::Signal;

use crate::harness::{Running, emulator};
use crate::store::Place;

/// The next message.
fn told(manager: &UnixDatagram) -> String {
    let mut message = [0; 4096];
    let length = manager.recv(&mut message).unwrap();
    let message = String::from_utf8(message[..length].to_vec()).unwrap();
    assert!(
        !message.contains("canary") && !message.contains("eyJ"),
        "{message}"
    );
    message
}

fn reload(watch: &mut Running, manager: &UnixDatagram) {
    watch.signal(Signal::HUP);
    let message = told(manager);
    let since = message
        .strip_prefix("RELOADING=1\nMONOTONIC_USEC=")
        .unwrap();
    assert!(since.trim_end().parse::<u64>().unwrap() > 0);
    assert_eq!(told(manager), "READY=1\n");
    watch.stderr_line();
    watch.has_written();
    assert!(told(manager).starts_with("STATUS=the token in the files lives until 2"));
}

#[test]
fn it_is_ready_when_the_token_is_in_the_file() {
    let place = Place::new();
    let address = place.home().join("notify");
    let manager = UnixDatagram::bind(&address).unwrap();
    let watch = place.watch(&[]);
    let mut watch = watch
        .env("NOTIFY_SOCKET", address.to_str().unwrap())
        .start();
    let message = told(&manager);
    assert!(
        message.starts_with("READY=1\nSTATUS=the token in the files lives until 2"),
        "{message}"
    );
    assert_eq!(place.held(), place.token());
    watch.has_written();
    reload(&mut watch, &manager);
    watch.end();
    assert_eq!(told(&manager), "STOPPING=1\n");
}

#[test]
fn an_outage_is_its_status_and_the_watchdog_is_fed() {
    let out = prove_token_emulator::Fault::status(503).times(0);
    let place = Place::with(emulator().fault(out));
    let name = format!("prove-token-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let manager = UnixDatagram::bind_addr(&address).unwrap();
    let watch = place
        .watch(&[])
        .env("NOTIFY_SOCKET", &format!("@{name}"))
        .env("WATCHDOG_USEC", "100000")
        .start();
    let mut messages = std::iter::repeat_with(|| told(&manager));
    let status = messages.find(|message| message != "WATCHDOG=1\n").unwrap();
    assert!(status.starts_with("STATUS=there is no token: "), "{status}");
    assert!(messages.any(|message| message == "WATCHDOG=1\n"));
    watch.signal(Signal::TERM);
    assert!(messages.any(|message| message == "STOPPING=1\n"));
    assert_eq!(watch.outcome().code, Some(0));
}
