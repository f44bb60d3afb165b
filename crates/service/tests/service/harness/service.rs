//! A service that runs.

use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{KEY, Reply, Setup, assert_no_secret, look, raw, write_private};

/// A service that runs.
pub(crate) struct Service {
    pub(crate) child: Child,
    pub(super) said: Arc<Said>,
    pub(super) reader: Option<JoinHandle<()>>,
    /// The first loopback port.
    pub(crate) port: Option<u16>,
    /// The port of operators.
    pub(crate) admin: Option<u16>,
    /// The port of probes.
    pub(crate) health: Option<u16>,
    pub(crate) setup: Setup,
}

impl Service {
    /// A connection to the loopback port.
    pub(crate) fn tcp(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port.unwrap())).unwrap()
    }

    /// A connection to the Unix socket.
    pub(crate) fn unix(&self) -> UnixStream {
        UnixStream::connect(self.setup.socket()).unwrap()
    }

    /// `GET path` on TCP with the key of `billing`.
    pub(crate) fn get(&self, path: &str) -> Reply {
        self.request(
            "GET",
            path,
            &[("Authorization", &format!("Bearer {KEY}"))],
            "",
        )
    }

    /// A request on TCP; with `Prove-Token-Request` and nothing else beside `headers`.
    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
             Prove-Token-Request: true\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        );
        raw(self.tcp(), request.as_bytes())
    }

    /// `GET path` as an operator.
    pub(crate) fn operator(&self, path: &str) -> Reply {
        look(self.admin.unwrap(), path)
    }

    /// `GET path` as a probe.
    pub(crate) fn probe(&self, path: &str) -> Reply {
        look(self.health.unwrap(), path)
    }

    /// What it said so far.
    pub(crate) fn said(&self) -> String {
        self.said.text()
    }

    /// Waits until it says `words` after the first `from` bytes of what it says, and
    /// returns how much it said until then.
    #[track_caller]
    pub(crate) fn wait_for(&self, words: &str, from: usize) -> usize {
        self.said.wait_for(words, from)
    }

    /// Waits until what `look` sees is there: it is asked again whenever the service says
    /// something, and every few milliseconds.
    #[track_caller]
    pub(crate) fn until<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        for _ in 0..4_000 {
            if let Some(seen) = look(self) {
                return seen;
            }
            self.said.wait(Duration::from_millis(5));
        }
        panic!("{what} did not come: {}", self.said());
    }

    /// Replaces the configuration by what `change` makes of its text.
    pub(crate) fn reconfigure(&self, change: impl FnOnce(String) -> String) {
        let path = self.home().join("config.toml");
        let text = change(std::fs::read_to_string(&path).unwrap());
        write_private(&path, &text);
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill")
            .args(["-s", name, &id])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// A figure of its memory, such as `VmRSS`, in KiB.
    pub(crate) fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let mut lines = status.lines();
        let line = lines.find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Asks it to end, and returns its exit code and all that it said.
    pub(crate) fn stop(mut self) -> (Option<i32>, String) {
        self.signal("TERM");
        let code = self.child.wait().unwrap().code();
        self.reader.take().unwrap().join().unwrap();
        let said = self.said();
        assert_no_secret(&said);
        (code, said)
    }

    /// Ends it, and starts another in the same home, with what `change` makes of its
    /// setup.
    pub(crate) fn restart(&mut self, change: impl FnOnce(Setup) -> Setup) {
        self.signal("TERM");
        self.child.wait().unwrap();
        let setup = self.take_setup();
        *self = change(setup).start();
    }

    /// All that it said; it has ended.
    pub(crate) fn finish(mut self) -> String {
        self.child.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        let said = self.said();
        assert_no_secret(&said);
        said
    }

    /// What it was started with, to start another; it has ended.
    pub(crate) fn into_setup(mut self) -> Setup {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.take_setup()
    }

    fn take_setup(&mut self) -> Setup {
        let none = Setup {
            home: tempfile::tempdir().unwrap(),
            profiles: String::new(),
            service: String::new(),
            args: Vec::new(),
            env: Vec::new(),
            user: None,
            has_journal: false,
        };
        std::mem::replace(&mut self.setup, none)
    }

    /// Where it keeps its files.
    pub(crate) fn home(&self) -> &Path {
        self.setup.home.path()
    }
}

/// All that a service said so far.
#[derive(Default)]
pub(crate) struct Said(Mutex<String>, Condvar);

impl Said {
    pub(super) fn push(&self, line: &str) {
        self.0.lock().unwrap().push_str(line);
        self.1.notify_all();
    }

    pub(super) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    /// Waits for more, or for so long.
    pub(super) fn wait(&self, limit: Duration) {
        let text = self.0.lock().unwrap();
        drop(self.1.wait_timeout(text, limit).unwrap());
    }

    #[track_caller]
    pub(super) fn wait_for(&self, words: &str, from: usize) -> usize {
        let text = self.0.lock().unwrap();
        let is_missing = |text: &mut String| !text[from..].contains(words);
        let limit = Duration::from_secs(20);
        let (text, waited) = self.1.wait_timeout_while(text, limit, is_missing).unwrap();
        assert!(!waited.timed_out(), "no {words:?} in {}", *text);
        text.len()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
