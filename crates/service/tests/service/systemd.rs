//! The service manager: what it is told, and the sockets that it opens.

use std::io::Read as _;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::harness::{SECRET, Setup, assert_no_secret, assert_no_token, emulator, raw};

/// The service manager's ear.
struct Manager {
    socket: UnixDatagram,
    path: String,
}

impl Manager {
    fn new(setup: &Setup) -> Self {
        let path = setup.home.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let path = path.to_str().unwrap().to_owned();
        Self { socket, path }
    }

    /// Waits for a message that begins so.
    #[track_caller]
    fn hears(&self, words: &str) -> String {
        let mut message = [0; 4096];
        loop {
            let count = self.socket.recv(&mut message).expect(words);
            let text = String::from_utf8(message[..count].to_vec()).unwrap();
            assert_no_secret(&text);
            assert_no_token(&text);
            if text.starts_with(words) {
                return text;
            }
        }
    }
}

#[test]
fn it_is_told_of_every_turn() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator);
    let manager = Manager::new(&setup);
    let setup = setup
        .env("NOTIFY_SOCKET", &manager.path)
        .env("WATCHDOG_USEC", "100000");
    let service = setup.start();
    manager.hears("STATUS=1 profile for 1 caller\n");
    manager.hears("READY=1\n");
    for _ in 0..3 {
        manager.hears("WATCHDOG=1\n");
    }
    service.signal("HUP");
    assert!(manager.hears("RELOADING=1\n").contains("MONOTONIC_USEC="));
    manager.hears("READY=1\n");
    service.signal("TERM");
    manager.hears("STOPPING=1\n");
    service.finish();
}

/// It is what `systemctl status` shows, and all that is known of a reload by a signal.
#[test]
fn the_status_is_of_the_configuration_in_use() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator);
    let manager = Manager::new(&setup);
    let service = setup.env("NOTIFY_SOCKET", &manager.path).start();
    manager.hears("STATUS=1 profile for 1 caller\n");
    let caller = "[[service.callers]]\nname = \"other\"\nuid = 1\nprofiles = [\"local\"]\n";
    service.reconfigure(|text| text + caller);
    service.signal("HUP");
    manager.hears("STATUS=1 profile for 2 callers\n");
    service.reconfigure(|text| text + "nonsense = 1\n");
    service.signal("HUP");
    manager.hears("STATUS=not reloaded, ");
    service.reconfigure(|text| text.replace("nonsense = 1\n", ""));
    service.signal("HUP");
    manager.hears("STATUS=1 profile for 2 callers\n");
    service.stop();
}

/// Starts the service with `socket` as the one that the service manager opened: the shell
/// puts it where it belongs, and its own number becomes that of the service.
fn activated(setup: &Setup, socket: UnixListener) -> Command {
    const GIVE: &str = "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"";
    let mut command = Command::new("/bin/sh");
    command
        .args([
            "-c",
            GIVE,
            "sh",
            env!("CARGO_BIN_EXE_prove-tokend"),
            "--config",
        ])
        .arg(setup.config())
        .env_clear()
        .env("SECRET", SECRET)
        .env("HOME", setup.home.path())
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(socket)))
        .stderr(Stdio::piped());
    command
}

const REQUEST: &[u8] = b"GET /v1/token/local HTTP/1.1\r\nHost: x\r\nConnection: close\r\nProve-Token-Request: true\r\n\r\n";

#[test]
fn it_serves_on_a_socket_that_was_opened_for_it() {
    let emulator = emulator().start().unwrap();
    for is_named in [true, false] {
        let setup = Setup::new(&emulator).without_service();
        let path = setup.socket();
        let socket = UnixListener::bind(&path).unwrap();
        // Who came before it began is served as well.
        let early = UnixStream::connect(&path).unwrap();
        let setup = match is_named {
            true => setup.service(&format!("listen = [\"unix:{}\"]\n", path.display())),
            false => setup,
        };
        let mut service = activated(&setup, socket).spawn().unwrap();
        raw(early, REQUEST).expect(200);
        raw(UnixStream::connect(&path).unwrap(), REQUEST).expect(200);
        let id = service.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", "TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        let mut said = String::new();
        service
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        assert_eq!(service.wait().unwrap().code(), Some(0), "{said}");
        assert!(
            said.contains(&format!("listening on unix:{}", path.display())),
            "{said}"
        );
        assert!(path.exists(), "it is the service manager's");
    }
}

#[test]
fn a_socket_that_nobody_asked_for_is_refused() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator);
    let path = setup.home.path().join("other.sock");
    let socket = UnixListener::bind(&path).unwrap();
    let output = activated(&setup, socket).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    let words = format!("the service manager opened unix:{}, which", path.display());
    assert!(said.contains(&words), "{said}");
}

#[test]
fn a_socket_for_operators_is_not_for_callers() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator).without_service();
    let path = setup.home.path().join("admin.sock");
    let lines = format!("admin_listen = \"unix:{}\"\n", path.display());
    let setup = setup.service(&lines);
    let socket = UnixListener::bind(&path).unwrap();
    let early = UnixStream::connect(&path).unwrap();
    let mut command = activated(&setup, socket);
    let mut service = command
        .env("XDG_RUNTIME_DIR", setup.home.path())
        .spawn()
        .unwrap();
    let live = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert_eq!(raw(early, live).expect(200)["live"], true);
    // Callers have the one in the run-time folder, and no other.
    raw(UnixStream::connect(setup.socket()).unwrap(), REQUEST).expect(200);
    raw(UnixStream::connect(&path).unwrap(), REQUEST).expect(404);
    service.kill().unwrap();
    service.wait().unwrap();
}
