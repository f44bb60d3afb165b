//! Runs the real binary in a clean environment.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use prove_token_emulator::{Emulator, EmulatorBuilder};
use snapbox::IntoData;
use tempfile::TempDir;

pub(crate) const ID: &str = "the-client";
pub(crate) const SECRET: &str = "canary-secret-+&=% ü";

/// One run: a home of its own, and no variable but those that are set here.
pub(crate) struct Run {
    home: PathBuf,
    /// Ends with the run, if nobody else keeps it.
    own_home: Option<TempDir>,
    command: Command,
    stdin: Vec<u8>,
    stderr: Stdio,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
    #[cfg(unix)]
    pub(crate) signal: Option<i32>,
    home: PathBuf,
}

pub(crate) fn run(args: &[&str]) -> Run {
    let home = tempfile::tempdir().unwrap();
    let mut run = run_in(home.path(), args);
    run.own_home = Some(home);
    run
}

/// A run that finds what other runs left in `home`.
pub(crate) fn run_in(home: &Path, args: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prove-token"));
    command
        .args(args)
        .env_clear()
        .env("HOME", home)
        .current_dir(home);
    Run {
        home: home.to_owned(),
        own_home: None,
        command,
        stdin: Vec::new(),
        stderr: Stdio::piped(),
    }
}

/// `args`, and the flags that lead to `emulator` with the right credentials.
pub(crate) fn run_at(emulator: &Emulator, args: &[&str]) -> Run {
    run_with(&emulator.token_endpoint(), emulator.url(), SECRET, args)
}

pub(crate) fn run_with(endpoint: &str, base: &str, secret: &str, args: &[&str]) -> Run {
    let flags = [
        "--token-endpoint",
        endpoint,
        "--api-base",
        base,
        "--client-id",
        ID,
        "--client-secret-stdin",
    ];
    run(&[args, &flags].concat()).stdin(secret)
}

pub(crate) fn emulator() -> EmulatorBuilder {
    Emulator::builder().client(ID, SECRET)
}

impl Run {
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Makes it the first of a process group, as a shell does.
    #[cfg(unix)]
    pub(crate) fn group(mut self) -> Self {
        std::os::unix::process::CommandExt::process_group(&mut self.command, 0);
        self
    }

    /// Puts words before the command, such as `strace` or a shell that sets something.
    pub(crate) fn below(mut self, words: &[&str]) -> Self {
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .arg(self.command.get_program())
            .args(self.command.get_args())
            .env_clear()
            .current_dir(&self.home);
        for (name, value) in self.command.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        self.command = command;
        self
    }

    /// Where its words go, if they are not to be read.
    #[cfg(unix)]
    pub(crate) fn stderr_to(mut self, stderr: impl Into<Stdio>) -> Self {
        self.stderr = stderr.into();
        self
    }

    pub(crate) fn stdin(mut self, text: &str) -> Self {
        self.stdin = text.as_bytes().to_vec();
        self
    }

    /// Puts a file below the home folder.
    pub(crate) fn file(self, path: &str, content: &str) -> Self {
        let path = self.home.join(path);
        let folder = path.parent().unwrap();
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(&path, content).unwrap();
        // Whatever the umask of whoever runs the tests.
        private(folder, 0o700);
        private(&path, 0o600);
        self
    }

    /// Puts the configuration file where it is looked for.
    pub(crate) fn config(self, content: &str) -> Self {
        self.file(".config/prove-token/config.toml", content)
    }

    pub(crate) fn outcome(self) -> Outcome {
        self.start().outcome()
    }

    /// Starts it, to go on beside others.
    pub(crate) fn start(mut self) -> Running {
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(self.stderr);
        let mut child = self.command.spawn().unwrap();
        // A command that does not read its input may be gone already.
        let _ = child.stdin.take().unwrap().write_all(&self.stdin);
        Running {
            child,
            home: self.home,
            _own_home: self.own_home,
        }
    }
}

/// A run under way.
pub(crate) struct Running {
    child: Child,
    home: PathBuf,
    _own_home: Option<TempDir>,
}

impl Running {
    /// The number of the process.
    #[cfg(unix)]
    pub(crate) fn id(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// The next line of standard output, once it is there; the outcome is without it.
    pub(crate) fn stdout_line(&mut self) -> String {
        next_line(self.child.stdout.as_mut().unwrap())
    }

    /// The same of standard error.
    pub(crate) fn stderr_line(&mut self) -> String {
        let line = next_line(self.child.stderr.as_mut().unwrap());
        assert!(!line.contains("canary") && !line.contains("eyJ"), "{line}");
        line
    }

    /// Sends a signal.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.id(), signal).unwrap();
    }

    pub(crate) fn outcome(self) -> Outcome {
        let output = self.child.wait_with_output().unwrap();
        let outcome = Outcome {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code(),
            #[cfg(unix)]
            signal: std::os::unix::process::ExitStatusExt::signal(&output.status),
            home: self.home,
        };
        outcome.assert_no_secret();
        outcome
    }
}

impl Outcome {
    /// Every run is a canary test.
    fn assert_no_secret(&self) {
        for text in [&self.stdout, &self.stderr] {
            for needle in ["canary", "Y2FuYXJ5"] {
                assert!(!text.contains(needle), "{needle} in {self:?}");
            }
        }
        assert!(!self.stderr.contains("eyJ"), "a token on stderr: {self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
    }

    /// The result of a run that went well.
    #[track_caller]
    pub(crate) fn success(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    /// The words of a run that failed with `code` and printed no result.
    #[track_caller]
    pub(crate) fn failure(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        self.stderr
    }
}

impl Outcome {
    /// Compares the whole run with what is written in the test: exit code, standard
    /// output, standard error. What differs from run to run is replaced: `[HOME]`,
    /// `[PORT]` after a loopback address, `[TOKEN]`; and `[..]` in a snapshot stands for
    /// the rest of a line. `SNAPSHOTS=overwrite` writes the snapshots anew.
    #[track_caller]
    pub(crate) fn transcript(self, code: i32, stdout: impl IntoData, stderr: impl IntoData) {
        let compare = snapbox::Assert::new().action_env("SNAPSHOTS");
        compare.eq(self.replaced(&self.stdout), stdout);
        compare.eq(self.replaced(&self.stderr), stderr);
        assert_eq!(self.code, Some(code), "{self:?}");
    }

    fn replaced(&self, text: &str) -> String {
        let text = text.replace(&*self.home.to_string_lossy(), "[HOME]");
        let is_digit = |c: char| c.is_ascii_digit();
        let text = after_each(&text, "127.0.0.1:", is_digit, "127.0.0.1:[PORT]");
        let is_of_token = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        after_each(&text, "eyJ", is_of_token, "[TOKEN]")
    }
}

/// Byte by byte, so that nothing behind it is read. Empty at the end.
pub(crate) fn next_line(mut source: impl Read) -> String {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while source.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap()
}

/// `text` with `stand_in` for each `start` and the characters after it that `is_rest`.
fn after_each(text: &str, start: &str, is_rest: impl Fn(char) -> bool, stand_in: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(start) {
        out.push_str(before);
        out.push_str(stand_in);
        rest = after.trim_start_matches(&is_rest);
    }
    out.push_str(rest);
    out
}

#[cfg(unix)]
fn private(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn private(_: &Path, _: u32) {}
