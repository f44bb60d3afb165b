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
