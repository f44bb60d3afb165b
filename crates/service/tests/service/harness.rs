//! Runs the real binary in a clean environment, and speaks to it in raw bytes.

mod reply;
mod rights;
mod service;

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use prove_token_emulator::{Emulator, EmulatorBuilder};
use tempfile::TempDir;

use self::reply::look;
pub(crate) use self::reply::*;
pub(crate) use self::rights::*;
pub(crate) use self::service::*;

const PROGRAM: &str = env!("CARGO_BIN_EXE_prove-tokend");

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
    /// Who runs it, if not whoever runs the tests.
    user: Option<u32>,
    /// Whether it is told that the journal takes what it says.
    has_journal: bool,
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
            user: None,
            has_journal: false,
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

    /// Tells it that the journal takes what it says, as systemd does.
    pub(crate) fn for_the_journal(mut self) -> Self {
        self.has_journal = true;
        self
    }

    /// Has this user run it, who then owns its home; for tests that root runs.
    pub(crate) fn user(mut self, uid: u32) -> Self {
        // Not everybody may look into the folder where it was built. Another process copies
        // it: a file that this one has open to write cannot be run, and a child that another
        // test starts just then would keep it open.
        let mut copy = Command::new("cp");
        let copied = copy.args([PROGRAM.as_ref(), self.home.path()]).status();
        assert!(copied.unwrap().success());
        self.user = Some(uid);
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
        let config = self.config();
        let mut command = match self.user {
            None if self.has_journal => {
                let mut command = Command::new("/bin/sh");
                let script = "export JOURNAL_STREAM=$(/usr/bin/stat -Lc %d:%i /proc/self/fd/2)
                              exec \"$0\" \"$@\"";
                command.args(["-c", script, PROGRAM]);
                command
            }
            None => Command::new(PROGRAM),
            Some(uid) => {
                for path in [self.home.path(), &config] {
                    std::os::unix::fs::chown(path, Some(uid), Some(uid)).unwrap();
                }
                let mut command = Command::new(self.home.path().join("prove-tokend"));
                command.uid(uid).gid(uid);
                command
            }
        };
        command
            .arg("--config")
            .arg(config)
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
        let mut command = Command::new(PROGRAM);
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

/// Writes a file in place that its owner alone may read.
pub(crate) fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
