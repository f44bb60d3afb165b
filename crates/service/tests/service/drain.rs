//! The end: nothing that was accepted is lost, and a second word ends it at once.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, mpsc};
use std::time::Duration;

use prove_token_emulator::Fault;

use crate::harness::{KEY, Service, Setup, emulator};
use crate::tls;
use crate::upstream::{Upstream, answer};

/// So many answers are under way or given when the end is called.
const LOAD: usize = 500;

const PATIENCE: Duration = Duration::from_secs(20);

/// One request on a connection that is kept; whether that is its last.
fn ask(stream: &mut BufReader<impl Read + Write>, path: &str) -> std::io::Result<Option<bool>> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\
         Prove-Token-Request: true\r\n\r\n"
    );
    stream.get_mut().write_all(request.as_bytes())?;
    let (mut length, mut is_last, mut line) = (0, false, String::new());
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    assert_eq!(line, "HTTP/1.1 200 OK\r\n");
    while line != "\r\n" {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        is_last |= line.starts_with("connection: close");
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["token_type"], "Bearer");
    Ok(Some(is_last))
}

/// What became of connections.
#[derive(Default)]
struct Tally {
    /// Connections on which every request got its whole answer.
    answered: AtomicUsize,
    /// Of those, the ones that were told to come to an end.
    told: AtomicUsize,
}

impl Tally {
    fn note(&self, is_told: bool) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.told.fetch_add(usize::from(is_told), Ordering::Relaxed);
    }
}

/// One who calls.
struct Caller<'t> {
    tally: &'t Tally,
    path: &'t str,
    /// Whether on one connection for all, or on a new one each time.
    keeps: bool,
    /// Gets a word for each answer on a connection that is kept.
    answered: mpsc::Sender<()>,
}

impl Caller<'_> {
    /// Calls until nobody listens any more.
    fn call<S: Read + Write>(&self, connect: impl Fn() -> std::io::Result<S>) {
        while let Ok(stream) = connect() {
            let mut stream = BufReader::new(stream);
            let mut answers = 0;
            loop {
                match ask(&mut stream, self.path) {
                    Ok(Some(false)) if self.keeps => {
                        answers += 1;
                        let _ = self.answered.send(());
                    }
                    Ok(Some(is_last)) => {
                        self.tally.note(is_last);
                        break;
                    }
                    // Nobody accepted it.
                    _ if answers == 0 => break,
                    lost => panic!("after {answers} answers: {lost:?}"),
                }
            }
        }
    }
}

/// By TCP, by the socket and with TLS; on new connections and on kept ones; for tokens
/// and for the API.
#[test]
fn nothing_that_was_accepted_is_lost() {
    let emulator = emulator().start().unwrap();
    let api = Upstream::start(|_, _| answer("200 OK", "", r#"{"token_type":"Bearer"}"#));
    let setup = Setup::to_api(&emulator, &api.url(), "");
    let pair = tls::pair(setup.home.path());
    let mut service = setup
        .replace_service("0\"]", "0\", \"tls:127.0.0.1:0\"]")
        .tls(&pair.certificate, &pair.key)
        .start();
    service.get("/v1/token/local").expect(200);
    let (answer, answers) = mpsc::channel();
    let (tally, begun) = (Tally::default(), Barrier::new(13));
    let (tcp, socket) = (service.port.unwrap(), service.setup.socket());
    let tls = tls::port(&service);
    std::thread::scope(|scope| {
        for number in 0..12 {
            let (begun, socket, pair) = (&begun, &socket, &pair);
            let caller = Caller {
                tally: &tally,
                path: ["/v1/token/local", "/proxy/local/x"][number / 6],
                keeps: number % 2 == 0,
                answered: answer.clone(),
            };
            scope.spawn(move || {
                begun.wait();
                match number % 3 {
                    0 => caller.call(|| TcpStream::connect(("127.0.0.1", tcp))),
                    1 => caller.call(|| UnixStream::connect(socket)),
                    _ => caller.call(|| tls::connect(tls, pair, &["http/1.1"])),
                }
            });
        }
        begun.wait();
        for _ in 0..LOAD {
            if answers.recv_timeout(PATIENCE).is_err() {
                break;
            }
        }
        // In any case, for it ends the load.
        service.signal("TERM");
    });
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
    let answered = tally.answered.into_inner();
    let said = service.finish();
    // The one at the top, and all those of the load.
    let words = format!("ended: {} connections accepted, none cut off", answered + 1);
    assert!(said.contains(&words), "{answered} answered: {said}");
    // The six that were kept, if no more.
    assert!(tally.told.into_inner() >= 6);
}

#[test]
fn a_request_that_waits_for_the_provider_gets_its_answer() {
    let emulator = emulator()
        .fault("delay=700ms".parse().unwrap())
        .start()
        .unwrap();
    let mut service = Setup::new(&emulator).start();
    let mut stream = BufReader::new(service.tcp());
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| ask(&mut stream, "/v1/token/local"));
        assert!(emulator.wait_for_requests(1, PATIENCE));
        let mark = service.said().len();
        service.signal("TERM");
        service.wait_for("SIGTERM: finishing what was accepted", mark);
        assert_eq!(waiting.join().unwrap().unwrap(), Some(true));
    });
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
}

fn stuck() -> (prove_token_emulator::Emulator, Service) {
    let emulator = emulator().fault(Fault::silence().times(0)).start().unwrap();
    let service = Setup::new(&emulator).start();
    (emulator, service)
}

#[test]
fn the_second_signal_ends_it_at_once() {
    for (first, second, code) in [
        ("TERM", "TERM", 143),
        ("INT", "TERM", 143),
        ("TERM", "INT", 130),
    ] {
        let (emulator, mut service) = stuck();
        let mut stream = service.tcp();
        let request = format!(
            "GET /v1/token/local HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\
             Prove-Token-Request: true\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        assert!(emulator.wait_for_requests(1, PATIENCE));
        service.signal(first);
        service.wait_for("once more ends at once", 0);
        service.signal(second);
        assert_eq!(service.child.wait().unwrap().code(), Some(code));
    }
}

/// A request that waits a minute for another token than the one that is held.
fn long_poll(service: &Service) -> TcpStream {
    // In quotes, as entity tags are.
    let id = service.get("/v1/token/local").expect(200)["token_id"].clone();
    let mut stream = service.tcp();
    let request = format!(
        "GET /v1/token/local?wait=60 HTTP/1.1\r\nHost: localhost\r\n\
         Authorization: Bearer {KEY}\r\nProve-Token-Request: true\r\nIf-None-Match: {id}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    service.until("the long poll", |service| {
        let state = service.operator("/state").expect(200);
        (state["callers"][0]["requests"] == 2).then_some(())
    });
    stream
}

#[test]
fn who_waits_for_another_token_is_answered_in_the_end() {
    let emulator = emulator().start().unwrap();
    let mut service = Setup::new(&emulator).watched().start();
    let mut waiting = long_poll(&service);
    service.signal("TERM");
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 304 "), "{answer}");
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
    assert!(service.finish().contains("none cut off"));
}

#[test]
fn another_configuration_ends_the_wait_for_another_token() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).watched().start();
    let mut waiting = long_poll(&service);
    service.signal("HUP");
    let mut answer = [0; 13];
    waiting.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 304 ");
}
