//! Killed at any moment and started again: what was promised to callers and to readers of
//! files holds.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use prove_token_emulator::Emulator;

use crate::harness::{KEY, Reply, Service, Setup, emulator, raw, until};

/// How often it is killed.
const KILLS: usize = 50;

/// How many answers a load has got before it is.
const LOAD: usize = 20;

const PATIENCE: Duration = Duration::from_secs(20);

/// The caller `billing` gets local bearers; this user gets tokens, and one is kept in a
/// file.
fn setup(emulator: &Emulator) -> Setup {
    let uid = rustix::process::geteuid().as_raw();
    let setup = Setup::new(emulator);
    let sink = setup.home.path().join("sinks/token");
    std::fs::create_dir(sink.parent().unwrap()).unwrap();
    setup.service(&format!(
        "hands_out = \"proxy\"\n[[service.callers]]\nname = \"user\"\nuid = {uid}\n\
         profiles = [\"local\"]\n[[service.sinks]]\nprofile = \"local\"\npath = \"{}\"\n",
        sink.display()
    ))
}

const BY_SOCKET: &[u8] = b"GET /v1/token/local HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
    Prove-Token-Request: true\r\n\r\n";

const START: &str =
    r#"{"flowType":"desktop","phoneNumber":"2001001695","finalTargetUrl":"https://a.example"}"#;

/// An operation of the API, through the proxy.
fn operate(service: &Service, bearer: &str) -> Reply {
    let authorization = format!("Bearer {bearer}");
    let headers = [
        ("Authorization", &*authorization),
        ("Content-Type", "application/json"),
    ];
    service.request("POST", "/proxy/local/v3/start", &headers, START)
}

/// What the sink holds, which is one line and its owner's.
#[track_caller]
fn held(home: &Path) -> String {
    let path = home.join("sinks/token");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let text = std::fs::read_to_string(path).unwrap();
    let token = text.strip_suffix('\n').unwrap();
    assert_eq!(token.split('.').count(), 3, "it is whole");
    token.to_owned()
}

/// Calls until the service is gone; a whole answer is a good one.
fn load(socket: &Path, answered: &Sender<()>) {
    use std::io::{Read as _, Write as _};
    while let Ok(mut stream) = std::os::unix::net::UnixStream::connect(socket) {
        let mut answer = Vec::new();
        let sent = stream.write_all(BY_SOCKET);
        if sent.and_then(|()| stream.read_to_end(&mut answer)).is_err() || answer.is_empty() {
            return;
        }
        crate::harness::reply(&answer).expect(200);
        let _ = answered.send(());
    }
}

/// Killed under load; what it was started with.
fn kill(mut service: Service) -> Setup {
    let (answered, answers) = channel();
    let socket = service.setup.socket();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let (socket, answered) = (&socket, answered.clone());
            scope.spawn(move || load(socket, &answered));
        }
        for _ in 0..LOAD {
            answers.recv_timeout(PATIENCE).unwrap();
        }
        service.child.kill().unwrap();
    });
    let setup = service.into_setup();
    assert!(setup.socket().exists(), "nobody removed it");
    setup
}

#[test]
fn tokens_bearers_and_files_outlive_every_kill() {
    let emulator = emulator().rate_limit(0).start().unwrap();
    let service = setup(&emulator).start();
    let form = format!("grant_type=client_credentials&client_id=billing&client_secret={KEY}");
    let form_type = ("Content-Type", "application/x-www-form-urlencoded");
    let granted = service.request("POST", "/token", &[form_type], &form);
    let bearer = granted.expect(200)["access_token"].clone();
    let bearer = bearer.as_str().unwrap();
    let token = raw(service.unix(), BY_SOCKET).expect(200)["access_token"].clone();
    service.wait_for("the token of local is in", 0);
    let mut setup = kill(service);
    for _ in 1..KILLS {
        let service = setup.start();
        let again = raw(service.unix(), BY_SOCKET).expect(200);
        assert_eq!(again["access_token"], token);
        operate(&service, bearer).expect(200);
        assert_eq!(held(service.home()), token.as_str().unwrap());
        setup = kill(service);
    }
    assert_eq!(emulator.token_requests(), 1);
}

/// Waits until a new token is there, or is being written, or is written.
fn wait_for_moment(service: &Service, round: usize) {
    const WRITTEN: &str = "the token of local is in";
    let mark = service.wait_for("a new token profile=\"local\"", 0);
    let sinks = service.home().join("sinks");
    let is_begun = || std::fs::read_dir(&sinks).unwrap().count() > 1;
    match round % 3 {
        0 => {}
        1 => until(|| is_begun() || service.said()[mark..].contains(WRITTEN)),
        _ => drop(service.wait_for(WRITTEN, 0)),
    }
}

#[test]
fn a_file_is_whole_whenever_it_is_killed() {
    let lifetime = Duration::from_secs(3);
    let emulator = emulator().rate_limit(0).lifetime(lifetime).start().unwrap();
    let hasty = "renewal = { advisory_percent = 80, jitter_percent = 0 }\n";
    let mut setup = setup(&emulator).lines(hasty);
    let sinks = setup.home.path().join("sinks");
    let mut seen = BTreeSet::new();
    for round in 0..KILLS {
        let mut service = setup.start();
        wait_for_moment(&service, round);
        service.child.kill().unwrap();
        setup = service.into_setup();
        if sinks.join("token").exists() {
            seen.insert(held(setup.home.path()));
        }
        // What was begun and not finished is removed by who writes next.
        assert!(std::fs::read_dir(&sinks).unwrap().count() <= 2);
    }
    assert!(seen.len() >= KILLS / 3, "{} were written", seen.len());
}
