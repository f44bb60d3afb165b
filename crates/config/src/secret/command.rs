//! A secret that a command prints.

use std::ffi::OsString;
use std::fmt;
use std::io::Read as _;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use prove_token::{ClientSecret, Clock as _, Error, Secret, SecretSource, SystemClock};
use zeroize::Zeroizing;

use super::{LIMIT, accept, refuse};
use crate::env::Env;

/// A command has this long before it is killed.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// How long to wait between two looks at a child that has closed its output.
const POLL: Duration = Duration::from_millis(5);

/// A client secret that a command prints on its standard output.
///
/// The program is run directly, without a shell, with nothing on its standard
/// input and with the captured environment less the variables that hold client
/// secrets. It must print the secret within 10 s, in at most 64 KiB, and exit
/// with status 0; it is killed, with its children, if it takes longer. What it
/// writes to standard error is dropped: such messages repeat secrets too easily.
#[derive(Clone)]
pub struct CommandSecret {
    program: String,
    arguments: Vec<Secret>,
    environment: Vec<(OsString, OsString)>,
    time_limit: Duration,
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
        let withheld: Vec<OsString> = withheld
            .into_iter()
            .map(|name| OsString::from(name.as_ref()))
            .collect();
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Secret::new).collect(),
            environment: env
                .iter()
                .filter(|(name, _)| !withheld.iter().any(|other| other == name))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            time_limit: TIME_LIMIT,
        }
    }

    fn spawn(&self) -> std::io::Result<(Running, ChildStdout)> {
        let mut command = Command::new(&self.program);
        command
            .args(self.arguments.iter().map(Secret::expose_secret))
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt as _;
            // A group of its own, so that its children die with it.
            command.process_group(0);
        }
        let mut child = command.spawn()?;
        let output = child.stdout.take();
        let running = Running {
            child,
            is_reaped: false,
        };
        match output {
            Some(output) => Ok((running, output)),
            None => Err(std::io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn run(&self) -> Output {
        let deadline = SystemClock.now().boot + self.time_limit;
        let (mut running, output) = self.spawn().map_err(|error| Failure::Start(error.kind()))?;
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
            Self::TooLong => "the command must print the secret and nothing else",
            Self::TooSlow(_) | Self::Output | Self::Exit(_) => {
                "run the command by hand to see its messages, which are not shown here"
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(kind) => write!(f, "cannot be run: {kind}"),
            Self::TooSlow(limit) => write!(f, "took longer than {limit:?}"),
            Self::TooLong => write!(f, "printed more than {} KiB", LIMIT / 1024),
            Self::Output => f.write_str("broke off its output"),
            Self::Exit(status) => match status.code() {
                Some(code) => write!(f, "failed with exit status {code}"),
                None => f.write_str("was ended by a signal"),
            },
        }
    }
}

/// A child that does not outlive us: killed and reaped on drop.
struct Running {
    child: Child,
    /// Once reaped, its process id may be somebody else's.
    is_reaped: bool,
}

impl Running {
    /// Waits for the end; `None` if it did not come in time. The standard
    /// library has no wait with a time limit.
    fn wait_until(&mut self, deadline: Duration) -> Result<Option<ExitStatus>, Failure> {
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    self.is_reaped = true;
                    return Ok(Some(status));
                }
                Ok(None) if SystemClock.now().boot >= deadline => return Ok(None),
                Ok(None) => std::thread::park_timeout(POLL),
                Err(error) => return Err(Failure::Start(error.kind())),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.is_reaped {
            return;
        }
        // The whole group: the program may have ended, and left a child behind
        // that still holds the pipe.
        #[cfg(unix)]
        let _ = rustix::process::kill_process_group(
            rustix::process::Pid::from_child(&self.child),
            rustix::process::Signal::KILL,
        );
        let _ = self.child.kill();
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
        CommandSecret::new("sh", ["-c", script], &env, ["WITHHELD"])
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

    /// Runs `script`, which must not end by itself, with a short time limit, and
    /// proves by the end of a pipe that no process of it is left.
    fn assert_killed(script: &str) {
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
        let (sender, receiver) = mpsc::channel();
        let reading = pipe.clone();
        std::thread::spawn(move || {
            // Ends when the last process that has the pipe open has ended.
            let content = std::fs::read_to_string(reading).expect("the content");
            let _ = sender.send(content);
        });
        let mut source = shell(&format!("exec 3>{}; echo up >&3; {script}", pipe.display()));
        source.time_limit = Duration::from_secs(2);
        assert_eq!(
            refusal(&source),
            "the secret command \"sh\" took longer than 2s"
        );
        let content = receiver.recv_timeout(Duration::from_secs(20));
        assert_eq!(content.as_deref(), Ok("up\n"), "{script}");
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
