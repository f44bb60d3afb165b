//! A secret that a command prints.

use std::fmt;
use std::io::{IsTerminal as _, Read as _};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use prove_token::{ClientSecret, Clock as _, Error, Secret, SecretSource, SystemClock};
use zeroize::Zeroizing;

use super::running::{Refusal, Registry, Slot};
use super::{LIMIT, accept, refuse};
use crate::duration::{DEFAULT_COMMAND, SOURCE_RANGE};
use crate::env::Env;

/// How long to wait between two looks at a child that has closed its output.
const POLL: Duration = Duration::from_millis(5);

/// A client secret that a command prints on its standard output.
///
/// The program is run directly, without a shell, with nothing on its standard
/// input and with the captured environment less the variables that hold client
/// secrets or an access token. It must print the secret within its time limit, in
/// at most 64 KiB, and exit with status 0. What it writes to standard error is
/// dropped: such messages repeat secrets too easily.
///
/// If standard input or standard error is a terminal, the command stays in the
/// process group of its caller, so that it can ask there (through `/dev/tty`) and
/// Ctrl-C reaches it; at the limit the command alone is killed then. Otherwise it
/// has a group of its own, and is killed with its children. A front end that may
/// end while a command runs calls [`end_commands`](crate::end_commands).
#[derive(Clone)]
pub struct CommandSecret {
    program: String,
    arguments: Vec<Secret>,
    environment: Env,
    time_limit: Duration,
    leads_group: bool,
    registry: &'static Registry,
}

impl CommandSecret {
    /// The command `program` with `arguments`, run with the variables of `env`
    /// but those called as one of `withheld`.
    pub fn new<S: AsRef<str>>(
        program: impl Into<String>,
        arguments: impl IntoIterator<Item = impl Into<String>>,
        env: &Env,
        withheld: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Secret::new).collect(),
            environment: env.without(withheld),
            time_limit: DEFAULT_COMMAND,
            leads_group: !has_terminal(),
            registry: Registry::of_process(),
        }
    }

    /// How long the command may take before it is killed, from 1 s to 5 min; what
    /// is outside is taken for the nearer end. Default: 10 s. The read is a part
    /// of a token request, whose `flight_timeout` ends it as well.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit.clamp(*SOURCE_RANGE.start(), *SOURCE_RANGE.end());
        self
    }

    fn spawn(&self) -> Result<(Running, ChildStdout), Failure> {
        let slot = self.registry.reserve().map_err(Failure::Refused)?;
        let mut command = Command::new(&self.program);
        command
            .args(self.arguments.iter().map(Secret::expose_secret))
            .env_clear()
            .envs(self.environment.iter())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        #[cfg(unix)]
        if self.leads_group {
            use std::os::unix::process::CommandExt as _;
            command.process_group(0);
        }
        let mut child = command
            .spawn()
            .map_err(|error| Failure::Start(error.kind()))?;
        let output = child.stdout.take().ok_or(Failure::Output);
        let noted = slot.occupy(child.id(), self.leads_group);
        let running = Running {
            child,
            leads_group: self.leads_group,
            slot: Some(slot),
        };
        noted.map_err(Failure::Refused)?;
        Ok((running, output?))
    }

    fn run(&self) -> Output {
        let deadline = SystemClock.now().boot + self.time_limit;
        let (mut running, output) = self.spawn()?;
        let content = match read_beside(output)?.recv_timeout(self.time_limit) {
            Ok(content) => content?,
            Err(RecvTimeoutError::Timeout) => return Err(Failure::TooSlow(self.time_limit)),
            Err(RecvTimeoutError::Disconnected) => return Err(Failure::Output),
        };
        let status = running
            .wait_until(deadline)?
            .ok_or(Failure::TooSlow(self.time_limit))?;
        match status.success() {
            true => Ok(content),
            false => Err(Failure::Exit(status)),
        }
    }
}

impl SecretSource for CommandSecret {
    fn identity(&self) -> String {
        // Somebody will put a secret among the arguments: only their hash.
        let arguments = self.arguments.iter().map(Secret::expose_secret);
        format!("command:{}#{:032x}", self.program, fingerprint(arguments))
    }

    fn read(&self) -> Result<ClientSecret, Error> {
        let subject = format!("the secret command {:?}", self.program);
        let content = self
            .run()
            .map_err(|failure| match self.registry.has_ended() {
                // That it was killed, or not started, is a consequence.
                true => Failure::Refused(Refusal::Ended),
                false => failure,
            })
            .map_err(|failure| refuse(&subject, &failure).with_hint(failure.hint()))?;
        match std::str::from_utf8(&content) {
            Ok(text) => accept(&subject, text),
            Err(_) => Err(refuse(&subject, "printed something that is not UTF-8")),
        }
    }
}

impl fmt::Debug for CommandSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandSecret")
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

/// Why there is no output. It never holds any of it.
enum Failure {
    Refused(Refusal),
    Start(std::io::ErrorKind),
    TooSlow(Duration),
    TooLong,
    Output,
    Exit(ExitStatus),
}

impl Failure {
    fn hint(&self) -> &'static str {
        match self {
            Self::Start(_) => {
                "name a program on PATH or by its absolute path; no shell is involved"
            }
            Self::Refused(refusal) => refusal.hint(),
            Self::TooLong => "the command must print the secret and nothing else",
            Self::TooSlow(_) => {
                "give it more time, such as timeout = \"60s\" beside the command, or run it by \
                 hand to see whether it waits for something"
            }
            Self::Output | Self::Exit(_) => {
                "run the command by hand to see its messages, which are not shown here"
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Start(kind) => write!(f, "cannot be run: {kind}"),
            Self::TooSlow(limit) => {
                let limit = humantime::format_duration(*limit);
                write!(f, "took longer than {limit}")
            }
            Self::TooLong => write!(f, "printed more than {} KiB", LIMIT / 1024),
            Self::Output => f.write_str("broke off its output"),
            Self::Exit(status) => match status.code() {
                Some(code) => write!(f, "failed with exit status {code}"),
                None => f.write_str("was ended by a signal"),
            },
        }
    }
}

/// Whether somebody at a terminal may be asked, and may press Ctrl-C. A process
/// group of its own would be a background job there: stopped when it reads the
/// terminal, and out of Ctrl-C's reach.
fn has_terminal() -> bool {
    std::io::stdin().is_terminal() || std::io::stderr().is_terminal()
}

/// A child that does not outlive us: killed and reaped on drop.
struct Running {
    child: Child,
    leads_group: bool,
    /// `None` once reaped: its process id may be somebody else's then.
    slot: Option<Slot>,
}

impl Running {
    /// Waits for the end; `None` if it did not come in time. The standard
    /// library has no wait with a time limit.
    fn wait_until(&mut self, deadline: Duration) -> Result<Option<ExitStatus>, Failure> {
        let failed = |error: std::io::Error| Failure::Start(error.kind());
        loop {
            if self.has_ended().map_err(failed)? {
                // Before it is reaped, so that nobody kills a stranger.
                self.slot = None;
                return self.child.wait().map(Some).map_err(failed);
            }
            if SystemClock.now().boot >= deadline {
                return Ok(None);
            }
            std::thread::park_timeout(POLL);
        }
    }

    /// Whether it has ended; it is not reaped by the question.
    #[cfg(unix)]
    fn has_ended(&mut self) -> std::io::Result<bool> {
        use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(Pid::from_child(&self.child)), options)?;
        Ok(status.is_some())
    }

    #[cfg(not(unix))]
    fn has_ended(&mut self) -> std::io::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.slot.is_none() {
            return;
        }
        // The whole group: the program may have ended, and left a child behind
        // that still holds the pipe.
        #[cfg(unix)]
        if self.leads_group {
            let _ = rustix::process::kill_process_group(
                rustix::process::Pid::from_child(&self.child),
                rustix::process::Signal::KILL,
            );
        }
        let _ = self.child.kill();
        self.slot = None;
        let _ = self.child.wait();
    }
}

/// What a command printed.
type Output = Result<Zeroizing<Vec<u8>>, Failure>;

/// Reads to the end on a thread of its own, because a pipe cannot be read with a
/// time limit. The thread ends with the last process that holds the pipe.
fn read_beside(output: ChildStdout) -> Result<Receiver<Output>, Failure> {
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name("prove-token-secret-command".to_owned())
        .spawn(move || {
            // Nobody waits any more if the time ran out.
            let _ = sender.send(read_bounded(output));
        })
        .map_err(|error| Failure::Start(error.kind()))?;
    Ok(receiver)
}

fn read_bounded(output: ChildStdout) -> Output {
    // Reserved at once: a growing buffer would leave copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(LIMIT as usize + 64));
    output
        .take(LIMIT + 1)
        .read_to_end(&mut content)
        .map_err(|_| Failure::Output)?;
    match content.len() as u64 > LIMIT {
        true => Err(Failure::TooLong),
        false => Ok(content),
    }
}

/// FNV-1a with 128 bits over length-prefixed texts: the same on every platform
/// and in every version, so that stored tokens are found again.
fn fingerprint<'a>(texts: impl Iterator<Item = &'a str>) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let step = |hash: u128, byte: &u8| (hash ^ u128::from(*byte)).wrapping_mul(PRIME);
    texts.fold(OFFSET, |hash, text| {
        let hash = (text.len() as u64).to_le_bytes().iter().fold(hash, step);
        text.as_bytes().iter().fold(hash, step)
    })
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use prove_token::ErrorKind;

    use super::*;

    const CANARY: &str = "canary-cmd-33";

    fn shell(script: &str) -> CommandSecret {
        let env: Env = [
            ("PATH", "/usr/bin:/bin"),
            ("KEPT", "kept"),
            ("WITHHELD", CANARY),
        ]
        .into_iter()
        .collect();
        CommandSecret {
            // Whoever runs the tests may sit at a terminal.
            leads_group: true,
            ..CommandSecret::new("sh", ["-c", script], &env, ["WITHHELD"])
        }
    }

    /// The text of the error of reading, after a look for the canary.
    fn refusal(source: &CommandSecret) -> String {
        let error = source.read().expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::SecretSource);
        let hint = error.hint().unwrap_or_default();
        let all = format!("{error} {error:?} {hint} {source:?} {}", source.identity());
        assert!(!all.contains("canary"), "{all}");
        error.to_string()
    }

    #[test]
    fn what_the_command_prints_is_the_secret() {
        let source = shell(&format!("echo {CANARY}; echo noise >&2"));
        assert_eq!(source.read().unwrap().expose_secret(), CANARY);
        assert!(!format!("{source:?} {}", source.identity()).contains("canary"));
    }

    #[test]
    fn no_shell_is_involved_unless_it_is_the_command() {
        let env: Env = [("PATH", "/usr/bin:/bin")].into_iter().collect();
        let source = CommandSecret::new("echo", ["$HOME;`id`"], &env, ["x"]);
        assert_eq!(source.read().unwrap().expose_secret(), "$HOME;`id`");
    }

    #[test]
    fn the_environment_is_the_captured_one_less_what_is_withheld() {
        let source = shell("echo ${KEPT-none} ${WITHHELD-none} ${CARGO_MANIFEST_DIR-none}");
        assert_eq!(source.read().unwrap().expose_secret(), "kept none none");
    }

    #[test]
    fn standard_input_is_empty() {
        assert!(refusal(&shell("cat")).ends_with("the client secret is empty"));
    }

    #[test]
    fn a_failure_shows_the_status_and_nothing_that_was_printed() {
        for (script, message) in [
            (
                "echo canary; echo canary >&2; exit 3",
                "failed with exit status 3",
            ),
            ("echo canary; kill -9 $$", "was ended by a signal"),
            (
                "printf 'canary\\377'",
                "printed something that is not UTF-8",
            ),
            (
                "printf 'canary\\tx'",
                "cannot be used: the client secret holds control characters",
            ),
            ("head -c 65537 /dev/zero", "printed more than 64 KiB"),
        ] {
            let refused = refusal(&shell(script));
            assert_eq!(refused, format!("the secret command \"sh\" {message}"));
        }
        let env = Env::default();
        let none = CommandSecret::new("/none/canary", [CANARY], &env, ["x"]);
        let error = none.read().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the secret command \"/none/canary\" cannot be run: entity not found"
        );
    }

    /// A named pipe that tells when the last process that writes to it has ended.
    struct Witness {
        pipe: std::path::PathBuf,
        content: Receiver<String>,
        _folder: tempfile::TempDir,
    }

    impl Witness {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let pipe = folder.path().join("pipe");
            rustix::fs::mknodat(
                rustix::fs::CWD,
                &pipe,
                rustix::fs::FileType::Fifo,
                rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
                0,
            )
            .expect("a pipe");
            let (sender, content) = mpsc::channel();
            let reading = pipe.clone();
            std::thread::spawn(move || {
                let mut reader = std::fs::File::open(reading).expect("the pipe");
                let mut up = [0; 3];
                reader.read_exact(&mut up).expect("a first line");
                let _ = sender.send(String::from_utf8_lossy(&up).into_owned());
                let mut rest = String::new();
                reader.read_to_string(&mut rest).expect("the rest");
                let _ = sender.send(rest);
            });
            Self {
                pipe,
                content,
                _folder: folder,
            }
        }

        /// `script` with the pipe open in all its processes.
        fn watched(&self, script: &str) -> CommandSecret {
            shell(&format!(
                "exec 3>{}; echo up >&3; {script}",
                self.pipe.display()
            ))
        }

        fn wait_for(&self, text: &str) {
            let content = self.content.recv_timeout(Duration::from_secs(20));
            assert_eq!(content.as_deref(), Ok(text));
        }

        fn wait_for_start(&self) {
            self.wait_for("up\n");
        }

        fn wait_for_end(&self) {
            self.wait_for("");
        }
    }

    /// Runs `script`, which must not end by itself, with a short time limit, and
    /// proves that no process of it is left.
    fn assert_killed(script: &str) {
        let witness = Witness::new();
        let source = witness.watched(script).time_limit(Duration::from_secs(2));
        assert_eq!(
            refusal(&source),
            "the secret command \"sh\" took longer than 2s"
        );
        witness.wait_for_start();
        witness.wait_for_end();
    }

    #[test]
    fn a_slow_command_is_killed() {
        assert_killed("exec sleep 60");
    }

    #[test]
    fn a_command_that_closes_its_output_and_stays_is_killed() {
        assert_killed("exec >&-; exec sleep 60");
    }

    #[test]
    fn a_child_that_holds_the_output_is_killed() {
        assert_killed("sleep 60 & exit 0");
    }

    #[test]
    fn a_command_at_a_terminal_stays_in_the_group_of_its_caller_and_is_killed() {
        let witness = Witness::new();
        let source = CommandSecret {
            leads_group: false,
            ..witness.watched("exec sleep 60")
        };
        let (running, _) = source.spawn().ok().unwrap();
        let group = |id| rustix::process::getpgid(Some(id)).unwrap();
        let id = rustix::process::Pid::from_child(&running.child);
        assert_eq!(group(id), rustix::process::getpgrp());
        witness.wait_for_start();
        drop(running);
        witness.wait_for_end();
        let (running, _) = shell("exec sleep 60").spawn().ok().unwrap();
        let id = rustix::process::Pid::from_child(&running.child);
        assert_eq!(group(id), id);
    }

    #[test]
    fn a_process_that_ends_takes_its_commands_along() {
        for (leads_group, script) in [(true, "sleep 60 & wait"), (false, "exec sleep 60")] {
            let witness = Witness::new();
            let registry: &'static Registry = Box::leak(Box::new(Registry::new()));
            let source = CommandSecret {
                leads_group,
                registry,
                ..witness.watched(script)
            };
            let reading = source.clone();
            let reader = std::thread::spawn(move || refusal(&reading));
            witness.wait_for_start();
            registry.end();
            witness.wait_for_end();
            for refused in [reader.join().unwrap(), refusal(&source)] {
                assert_eq!(
                    refused,
                    "the secret command \"sh\" was not run to its end: the program is ending"
                );
            }
        }
    }

    #[test]
    fn the_time_limit_has_a_range() {
        let limit = |limit| shell("").time_limit(limit).time_limit;
        assert_eq!(limit(Duration::ZERO), Duration::from_secs(1));
        assert_eq!(limit(Duration::from_secs(60)), Duration::from_secs(60));
        assert_eq!(limit(Duration::MAX), Duration::from_secs(300));
        assert_eq!(shell("").time_limit, Duration::from_secs(10));
    }

    #[test]
    fn the_identity_follows_the_arguments() {
        let identity = |arguments: &[&str]| {
            let env = Env::default();
            CommandSecret::new("x", arguments.iter().copied(), &env, ["y"]).identity()
        };
        assert_eq!(identity(&["a", "b"]), identity(&["a", "b"]));
        assert_ne!(identity(&["a", "b"]), identity(&["ab"]));
        assert_ne!(identity(&["a", "b"]), identity(&["b", "a"]));
        assert_ne!(identity(&[]), identity(&[""]));
        // Fixed for ever: stored tokens are found by it.
        assert_eq!(identity(&[]), "command:x#6c62272e07bb014262b821756295c58d");
    }
}
