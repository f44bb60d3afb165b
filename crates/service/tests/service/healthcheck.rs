//! `prove-tokend healthcheck`: for exec probes.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Output;

use crate::harness::{Setup, emulator};

fn check(setup: &Setup, args: &[&str]) -> (Option<i32>, String) {
    let args: Vec<_> = ["healthcheck"].iter().chain(args).copied().collect();
    let Output {
        status,
        stdout,
        stderr,
    } = setup.subcommand(&args).output().unwrap();
    let said = [stdout, stderr].concat();
    (status.code(), String::from_utf8(said).unwrap())
}

/// A health listener that answers `count` questions, with the path as the body.
fn health(status: &'static str, count: usize) -> (u16, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = move || {
        let mut asked = Vec::new();
        for _ in 0..count {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 1024];
            let read = stream.read(&mut head).unwrap();
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            asked.push(head.lines().next().unwrap().to_owned());
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
        }
        asked
    };
    (port, std::thread::spawn(answer))
}

#[test]
fn it_finds_a_listener_in_the_configuration() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    let (code, said) = check(&service.setup, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("alive: unix:/"), "{said}");
    // A probe is nobody who tries keys.
    assert!(!service.said().contains("not served"), "{}", service.said());
    let url = format!("http://127.0.0.1:{}/v1/profiles", service.port.unwrap());
    let (code, said) = check(&service.setup, &["--url", &url]);
    assert_eq!(code, Some(1), "it answers with 401: {said}");
    let socket = service.setup.socket();
    assert_eq!(
        check(&service.setup, &["--socket", socket.to_str().unwrap()]).0,
        Some(0)
    );
    let setup = {
        let mut service = service;
        service.child.kill().unwrap();
        service.child.wait().unwrap();
        service.into_setup()
    };
    let (code, said) = check(&setup, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("error: no answer at unix:/"), "{said}");
}

#[test]
fn the_health_listener_tells_most() {
    let emulator = emulator().start().unwrap();
    for (status, args, code, line) in [
        ("200 OK", &[][..], 0, "GET /livez HTTP/1.1"),
        ("200 OK", &["--ready"], 0, "GET /readyz HTTP/1.1"),
        (
            "503 Service Unavailable",
            &["--ready"],
            1,
            "GET /readyz HTTP/1.1",
        ),
        ("404 Not Found", &[], 1, "GET /livez HTTP/1.1"),
    ] {
        let (port, asked) = health(status, 1);
        let setup = Setup::new(&emulator).without_service().service(&format!(
            "listen = [\"unix:/run/none\"]\nhealth_listen = \"0.0.0.0:{port}\"\n"
        ));
        setup.config();
        let (found, said) = check(&setup, args);
        assert_eq!(found, Some(code), "{status}: {said}");
        assert_eq!(asked.join().unwrap(), [line]);
    }
}

#[test]
fn mistakes_are_told() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator);
    setup.config();
    for (args, code, words) in [
        (
            &["--ready"][..],
            3,
            "nobody tells whether the service is ready",
        ),
        (
            &["--url", "https://127.0.0.1:1"],
            3,
            "not an address to ask at",
        ),
        (&["--url", "127.0.0.1"], 3, "not an address to ask at"),
        (
            &["--url", "http://a@127.0.0.1:1"],
            3,
            "not an address to ask at",
        ),
        (
            &["--url", "http://127.0.0.1:1"],
            1,
            "no answer at 127.0.0.1:1",
        ),
        (&["--socket", "/none"], 1, "no answer at unix:/none"),
        (
            &["--socket", "/none", "--url", "http://127.0.0.1:1"],
            2,
            "cannot be used with",
        ),
    ] {
        let (found, said) = check(&setup, args);
        assert_eq!(found, Some(code), "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
    }
}

/// A service that stands still takes connections for as long as its queue has room.
#[test]
fn one_that_says_nothing_is_told_so() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator);
    setup.config();
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = silent.local_addr().unwrap();
    let (code, said) = check(&setup, &["--url", &format!("http://{address}")]);
    let words = format!("error: no answer at {address}: timed out\n");
    assert_eq!((code, &*said), (Some(1), &*words));
}
