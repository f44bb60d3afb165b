//! Runs the real binary in a clean environment, and speaks to it in raw bytes.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use prove_token_emulator::{Emulator, EmulatorBuilder};
use tempfile::TempDir;

pub(crate) const ID: &str = "the-client";
pub(crate) const SECRET: &str = "canary-secret-+&=% ü";

/// The key of the caller `billing`, and its hash.
pub(crate) const KEY: &str = "ptk_canary-key-of-billing";
const KEY_HASH: &str = "sha256:693d557f4cdf117ce4d473f287f6c5e35304ed5cd6b0591257ca248969e1537f";

pub(crate) fn emulator() -> EmulatorBuilder {
    Emulator::builder().client(ID, SECRET)
}

/// A service to be started: its home, its configuration.
pub(crate) struct Setup {
    pub(crate) home: TempDir,
    profiles: String,
    service: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
}

impl Setup {
    /// The profile `local` of `emulator`, a Unix socket, a loopback port, and the caller
    /// `billing`, who may use it.
    pub(crate) fn new(emulator: &Emulator) -> Self {
        Self::to_api(emulator, emulator.url(), "")
    }

    /// The same with another API, and more lines for the profile.
    pub(crate) fn to_api(emulator: &Emulator, api_base: &str, lines: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let setup = Self {
            service: String::new(),
            profiles: String::new(),
            args: Vec::new(),
            env: Vec::new(),
            home,
        };
        let socket = setup.socket();
        setup
            .profile_of("local", emulator, api_base, lines)
            .service(&format!(
                "listen = [\"unix:{}\", \"127.0.0.1:0\"]\n[[service.callers]]\nname = \"billing\"\n\
             key_hash = \"{KEY_HASH}\"\nprofiles = [\"local\"]\n",
                socket.display()
            ))
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.home.path().join("prove-token.sock")
    }

    /// Adds a profile of `emulator`, whose secret is in the variable `SECRET`.
    pub(crate) fn profile(self, name: &str, emulator: &Emulator) -> Self {
        self.profile_of(name, emulator, emulator.url(), "")
    }

    /// Adds a profile with tokens of `emulator` for another API, or for none if that is
    /// empty, and more lines.
    pub(crate) fn profile_of(
        mut self,
        name: &str,
        emulator: &Emulator,
        api_base: &str,
        lines: &str,
    ) -> Self {
        let api_base = match api_base {
            "" => String::new(),
            url => format!("api_base = \"{url}\"\n"),
        };
        self.profiles.push_str(&format!(
            "[profiles.{name}]\ntoken_endpoint = \"{}\"\n{api_base}client_id = \"{ID}\"\nclient_secret = {{ env = \"SECRET\" }}\n{lines}",
            emulator.token_endpoint(),
        ));
        self
    }

    /// Adds a profile of `emulator`, whose secret is in the file `path`.
    pub(crate) fn file_profile(mut self, name: &str, emulator: &Emulator, path: &Path) -> Self {
        self.profiles.push_str(&format!(
            "[profiles.{name}]\ntoken_endpoint = \"{}\"\nclient_id = \"{ID}\"\n\
             client_secret = {{ file = \"{}\" }}\n",
            emulator.token_endpoint(),
            path.display()
        ));
        self
    }

    /// Adds lines for the profile that was added last.
    pub(crate) fn lines(mut self, lines: &str) -> Self {
        self.profiles.push_str(lines);
        self
    }

    /// Drops the profiles so far.
    pub(crate) fn without_profiles(mut self) -> Self {
        self.profiles.clear();
        self
    }

    /// Adds lines to the table `[service]`, tables of callers included.
    pub(crate) fn service(mut self, lines: &str) -> Self {
        self.service.push_str(lines);
        self
    }

    /// Adds the listeners of operators and probes.
    pub(crate) fn watched(self) -> Self {
        self.service_first("admin_listen = \"127.0.0.1:0\"\nhealth_listen = \"127.0.0.1:0\"\n")
    }

    /// Adds lines to the table `[service]`, before its own tables.
    pub(crate) fn service_first(mut self, lines: &str) -> Self {
        self.service.insert_str(0, lines);
        self
    }

    /// Has the profile `name` find its secret elsewhere.
    pub(crate) fn secret(mut self, name: &str, source: &str) -> Self {
        let (before, profile) = self
            .profiles
            .split_once(&format!("[profiles.{name}]"))
            .unwrap();
        let profile = profile.replacen("{ env = \"SECRET\" }", source, 1);
        self.profiles = format!("{before}[profiles.{name}]{profile}");
        self
    }

    /// Drops what `[service]` holds so far.
    pub(crate) fn without_service(mut self) -> Self {
        self.service.clear();
        self
    }

    /// Replaces what `[service]` holds so far.
    pub(crate) fn replace_service(mut self, from: &str, to: &str) -> Self {
        assert!(self.service.contains(from), "{}", self.service);
        self.service = self.service.replace(from, to);
        self
    }

    /// Adds arguments.
    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// Listens there instead, for the caller `billing`.
    pub(crate) fn listen(self, address: &str) -> Self {
        self.without_service().service(&format!(
            "listen = [\"{address}\"]\n[[service.callers]]\nname = \"billing\"\n\
             key_hash = \"{KEY_HASH}\"\nprofiles = [\"local\"]\n"
        ))
    }

    /// Adds the certificate for TLS.
    pub(crate) fn tls(self, certificate: &Path, key: &Path) -> Self {
        let (certificate, key) = (certificate.display(), key.display());
        self.service(&format!(
            "[service.tls]\ncertificate_file = \"{certificate}\"\nkey_file = \"{key}\"\n"
        ))
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The configuration file, written.
    pub(crate) fn config(&self) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.home.path().join("config.toml");
        let text = format!("version = 1\n{}[service]\n{}", self.profiles, self.service);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// The process, not started: for runs that end by themselves.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prove-tokend"));
        command
            .arg("--config")
            .arg(self.config())
            .args(&self.args)
            .env_clear()
            .env("HOME", self.home.path())
            .env("SECRET", SECRET)
            .envs(self.env.iter().cloned())
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Another command, of the configuration as it was last written.
    pub(crate) fn subcommand(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prove-tokend"));
        command
            .args(args)
            .arg("--config")
            .arg(self.home.path().join("config.toml"))
            .env_clear()
            .env("HOME", self.home.path())
            .env("SECRET", SECRET)
            .current_dir(self.home.path())
            .stdin(Stdio::null());
        command
    }

    /// Starts it, and waits until it listens everywhere.
    pub(crate) fn start(self) -> Service {
        let mut child = self.command().spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let said = Arc::new(Said::default());
        let (mut port, mut admin, mut health) = (None, None, None);
        let mut line = String::new();
        // The banner ends with this line.
        while !line.starts_with("ready") {
            line.clear();
            let count = stderr.read_line(&mut line).unwrap();
            assert_ne!(count, 0, "it ended: {}", said.text());
            said.push(&line);
            if let Some((_, rest)) = line.split_once("listening on 127.0.0.1:") {
                let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
                let place = match rest.split_once(' ').map_or("", |(_, whom)| whom.trim()) {
                    "for operators" => &mut admin,
                    "for probes" => &mut health,
                    _ => &mut port,
                };
                *place = place.or_else(|| digits?.parse().ok());
            }
        }
        let log = Arc::clone(&said);
        let reader = std::thread::spawn(move || {
            for line in stderr.lines() {
                log.push(&(line.unwrap() + "\n"));
            }
        });
        Service {
            child,
            said,
            reader: Some(reader),
            port,
            admin,
            health,
            setup: self,
        }
    }
}

/// A service that runs.
pub(crate) struct Service {
    pub(crate) child: Child,
    said: Arc<Said>,
    reader: Option<JoinHandle<()>>,
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
struct Said(Mutex<String>, Condvar);

impl Said {
    fn push(&self, line: &str) {
        self.0.lock().unwrap().push_str(line);
        self.1.notify_all();
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    /// Waits for more, or for so long.
    fn wait(&self, limit: Duration) {
        let text = self.0.lock().unwrap();
        drop(self.1.wait_timeout(text, limit).unwrap());
    }

    #[track_caller]
    fn wait_for(&self, words: &str, from: usize) -> usize {
        let text = self.0.lock().unwrap();
        let is_missing = |text: &mut String| !text[from..].contains(words);
        let limit = Duration::from_secs(20);
        let (text, waited) = self.1.wait_timeout_while(text, limit, is_missing).unwrap();
        assert!(!waited.timed_out(), "no {words:?} in {}", *text);
        text.len()
    }
}

/// Writes a file in place that its owner alone may read.
pub(crate) fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// With lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(given, _)| given == name);
        found.next().map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The JSON of an answer of this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> serde_json::Value {
        assert_eq!(self.status, status, "{self:?}");
        self.json()
    }
}

/// `GET path` at `port`, of which no answer holds a token.
fn look(port: u16, path: &str) -> Reply {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    let reply = raw(stream, request.as_bytes());
    assert_no_token(&reply.body);
    reply
}

/// Asks until the answer is as wanted.
#[track_caller]
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..20_000 {
        if is_so() {
            return;
        }
        std::thread::yield_now();
    }
    panic!("it does not come to that");
}

/// Sends `request` and reads to the end of the connection.
#[track_caller]
pub(crate) fn raw(mut stream: impl Read + Write, request: &[u8]) -> Reply {
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    reply(&answer)
}

/// The answer that these bytes are.
#[track_caller]
pub(crate) fn reply(answer: &[u8]) -> Reply {
    let text = String::from_utf8(answer.to_vec()).unwrap();
    assert_no_secret(&text);
    let (head, body) = text.split_once("\r\n\r\n").expect(&text);
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    });
    Reply {
        status: status.parse().unwrap(),
        headers: headers.collect(),
        body: body.to_owned(),
    }
}

/// Neither the secret nor a key comes back, in any spelling.
#[track_caller]
pub(crate) fn assert_no_secret(text: &str) {
    for needle in ["canary", "Y2FuYXJ5", "63616e617279"] {
        assert!(!text.contains(needle), "{needle} in {text}");
    }
}

/// There is no token of the emulator's.
#[track_caller]
pub(crate) fn assert_no_token(text: &str) {
    assert!(!text.contains("eyJ"), "a token in {text}");
}
