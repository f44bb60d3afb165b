//! The file store among processes: killed, stopped, limited, and many at once.

mod crowd;
mod lease;
mod limit;
mod strace;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use prove_token::store::{Entry, FileStore, StoreErrorKind, TokenStore as _};
use prove_token::{Clock as _, SystemClock};
use prove_token_tests::store::{entry, key, number};
use tempfile::TempDir;

const HELPER: &str = env!("CARGO_BIN_EXE_store");

/// A store in a folder that does not exist yet.
struct Fixture {
    store: FileStore,
    _around: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let around = tempfile::tempdir().unwrap();
        let store = FileStore::new(around.path().join("cache"));
        Self {
            store,
            _around: around,
        }
    }

    fn save(&self, number: u8, wall: Duration) -> Result<(), StoreErrorKind> {
        let saved = self.store.save(&key(0), Entry::Token, &entry(number), wall);
        saved.map_err(|error| error.kind())
    }

    /// The number of the entry that is kept; one that is torn or refused panics.
    fn number(&self, slot: u8) -> Option<u8> {
        let content = self.store.load(&key(slot), Entry::Token).unwrap()?;
        Some(number(&content).expect("a whole entry"))
    }

    /// How many files are half written. All files must have mode 0600.
    fn half_written(&self) -> usize {
        let Ok(entries) = fs::read_dir(self.store.folder()) else {
            return 0;
        };
        assert_eq!(mode(self.store.folder()), 0o700);
        let names = entries.map(|entry| {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            path
        });
        names
            .filter(|path| path.extension().is_some_and(|extension| extension == "tmp"))
            .count()
    }

    /// The helper's words for what is to be done in this store.
    fn arguments(&self, words: &[&str], wall: Duration) -> Vec<String> {
        let folder = self.store.folder().to_str().unwrap();
        let mut arguments = vec![folder.to_owned()];
        arguments.extend(words.iter().map(|word| (*word).to_owned()));
        arguments.push(wall.as_millis().to_string());
        arguments
    }

    fn start(&self, words: &[&str], wall: Duration) -> Helper {
        Helper::start(Command::new(HELPER).args(self.arguments(words, wall)))
    }

    /// The helper below a shell that does something to itself before.
    fn start_after(&self, shell: &str, words: &[&str], wall: Duration) -> Helper {
        let script = format!("{shell}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, HELPER]);
        Helper::start(command.args(self.arguments(words, wall)))
    }
}

/// A running helper.
struct Helper {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Helper {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// The next line it prints.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// What it still prints once its input has ended.
    fn finish(mut self) -> String {
        drop(self.stdin.take());
        let mut said = String::new();
        self.stdout.read_to_string(&mut said).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {said}");
        said.trim_end().to_owned()
    }

    fn signal(&self, name: &str) {
        let script = format!("kill -{name} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &script])
                .status()
                .unwrap()
                .success()
        );
    }
}

/// A test that fails leaves nothing running, not even what is stopped.
impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn now() -> Duration {
    SystemClock.now().wall
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}
