//! Debian's `slowhttptest`: twice as many connections as there are seats, none of which
//! comes to an end, and honest callers are served all the while.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::Resource;

use crate::harness::{KEY, Reply, Service, Setup, allow_most, emulator, raw};

/// Twice the seats for the connections of callers.
const ATTACKERS: usize = 2 * 1024;

/// Between two honest calls: other tests need the processors as well.
const PACE: Duration = Duration::from_millis(5);

/// Attacks to the end.
fn attack(service: &Service, mode: &[&str]) {
    let url = format!("http://127.0.0.1:{}/token", service.port.unwrap());
    let connections = ATTACKERS.to_string();
    let mut command = Command::new("slowhttptest");
    command
        .args(["-u", &*url, "-c", &*connections, "-r", "500"])
        // Longer than it takes to connect, and then a head or a body may take.
        .args(["-l", "15", "-i", "2", "-x", "10", "-p", "15"])
        .args(mode)
        .stdin(Stdio::null());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Nobody who is honest notices an attack of this kind.
fn withstand(mode: &[&str]) {
    allow_most(Resource::Nofile);
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).watched().start();
    let request = format!(
        "GET /v1/token/local HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\
         Prove-Token-Request: true\r\nConnection: close\r\n\r\n"
    );
    let by_tcp = || raw(service.tcp(), request.as_bytes());
    let by_socket = || raw(service.unix(), request.as_bytes());
    let served = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let callers: [&(dyn Fn() -> Reply + Sync); 2] = [&by_tcp, &by_socket];
        let _callers = callers.map(|call| {
            let (end, ended) = channel::<()>();
            let served = &served;
            scope.spawn(move || {
                while ended.recv_timeout(PACE) == Err(RecvTimeoutError::Timeout) {
                    call().expect(200);
                    served.fetch_add(1, Ordering::Relaxed);
                }
            });
            end
        });
        attack(&service, mode);
    });
    let given_up = "prove_token_connections_given_up_total{listener=\"data\"} ";
    let metrics = service.probe("/metrics").body;
    let given_up = metrics.lines().find_map(|line| line.strip_prefix(given_up));
    assert!(
        given_up.unwrap().parse::<usize>().unwrap() > 0,
        "there was always room"
    );
    let (code, said) = service.stop();
    assert_eq!(code, Some(0), "{said}");
    let (_, accepted) = said.split_once("ended: ").unwrap();
    let (accepted, _) = accepted.split_once(' ').unwrap();
    let attackers = accepted.parse::<usize>().unwrap() - served.into_inner();
    assert!(attackers >= ATTACKERS, "{attackers} attackers");
}

#[test]
fn slow_headers_keep_nobody_out() {
    withstand(&["-H"]);
}

#[test]
fn slow_bodies_keep_nobody_out() {
    withstand(&["-B"]);
}

#[test]
fn slow_readers_keep_nobody_out() {
    withstand(&["-X", "-w", "1", "-y", "4", "-n", "2", "-z", "1", "-k", "10"]);
}
