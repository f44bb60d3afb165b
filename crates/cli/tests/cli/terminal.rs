//! The real binary at a real pseudo-terminal, with somebody who types.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::num::NonZero;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use snapbox::IntoData;

const ROWS: u16 = 50;
/// Far longer than any answer takes: a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A run whose three streams are one terminal.
pub(crate) struct Terminal {
    child: Child,
    master: File,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    raw: Vec<u8>,
    /// How much had been written when something was typed last.
    typed_at: usize,
    home: String,
}

impl Terminal {
    /// Runs the command in `home` at a terminal of so many columns.
    pub(crate) fn start(home: &Path, columns: u16, args: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let window = Winsize {
            ws_row: ROWS,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&master, window).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let end = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlags::NOCTTY.bits().cast_signed())
            .open(name)
            .unwrap();
        let stream = || Stdio::from(end.try_clone().unwrap());
        let child = Command::new("setsid")
            .args(["--ctty", "--wait", env!("CARGO_BIN_EXE_prove-token")])
            .args(args)
            .env_clear()
            .env("HOME", home)
            .env("TERM", "xterm")
            .env("LC_ALL", "C.UTF-8")
            .current_dir(home)
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .expect("setsid of util-linux");
        let master = File::from(master);
        let size = |cells| NonZero::new(cells).unwrap();
        Self {
            child,
            output: read_on_thread(master.try_clone().unwrap()),
            master,
            screen: vt100::Parser::new(size(ROWS), size(columns), 0),
            raw: Vec::new(),
            typed_at: 0,
            home: home.to_str().unwrap().to_owned(),
        }
    }

    /// Waits until `question` is asked, after what was typed last.
    #[track_caller]
    pub(crate) fn expect(&mut self, question: &str) {
        loop {
            let news = String::from_utf8_lossy(&self.raw[self.typed_at..]);
            let last = news.rsplit('\n').next().unwrap_or_default();
            if last.contains(question) {
                return;
            }
            let more = self.output.recv_timeout(PATIENCE);
            let more = more.unwrap_or_else(|_| panic!("no {question:?}, but:\n{}", self.text()));
            self.take(&more);
        }
    }

    /// Types `text` and Enter.
    pub(crate) fn answer(&mut self, text: &str) {
        self.press(&format!("{text}\r"));
    }

    /// Types `keys` as they are.
    pub(crate) fn press(&mut self, keys: &str) {
        self.typed_at = self.raw.len();
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// That `text` was said before the question that is asked.
    #[cfg(not(feature = "secret-service"))]
    #[track_caller]
    pub(crate) fn expect_said(&self, text: &str) {
        let news = String::from_utf8_lossy(&self.raw[self.typed_at..]);
        assert!(news.contains(text), "{news}");
    }

    /// Waits until `question` is asked, by when the terminal shows nothing that is typed.
    #[track_caller]
    pub(crate) fn expect_hidden(&mut self, question: &str) {
        self.expect(question);
        let modes = tcgetattr(&self.master).unwrap().local_modes;
        assert!(!modes.contains(LocalModes::ECHO), "{}", self.text());
    }

    pub(crate) fn shows_what_is_typed(&self) -> bool {
        let modes = tcgetattr(&self.master).unwrap().local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end: the exit code, and the screen with the home folder replaced.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ended {
        let status = self.child.wait().unwrap();
        // The terminal's other end is closed now.
        while let Ok(more) = self.output.recv_timeout(PATIENCE) {
            self.take(&more);
        }
        let raw = String::from_utf8_lossy(&self.raw).into_owned();
        for needle in ["canary", "Y2FuYXJ5", "eyJ", "panicked"] {
            assert!(!raw.contains(needle), "{needle} in {raw}");
        }
        Ended {
            code: status.code(),
            shows_what_is_typed: self.shows_what_is_typed(),
            text: self.text().replace(&self.home, "[HOME]"),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        self.screen.process(bytes);
    }

    fn text(&self) -> String {
        let screen = self.screen.screen();
        let columns = screen.size().1;
        let rows: Vec<_> = screen.rows(0, columns.get()).collect();
        rows.join("\n").trim_end().to_owned()
    }
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) shows_what_is_typed: bool,
    pub(crate) text: String,
}

impl Ended {
    /// Compares what the screen looks like with what is written in the test.
    #[track_caller]
    pub(crate) fn screen(self, code: i32, screen: impl IntoData) {
        assert!(self.shows_what_is_typed, "{self:?}");
        let text: String = self
            .text
            .lines()
            .map(|line| {
                // How long a token lives differs from run to run by a second.
                let line = match line.split_once("a token for ") {
                    Some((before, _)) => format!("{before}a token for [LIFE]"),
                    None => line.trim_end().to_owned(),
                };
                format!("{line}\n")
            })
            .collect();
        let compare = snapbox::Assert::new().action_env("SNAPSHOTS");
        compare.eq(text, screen);
        assert_eq!(self.code, Some(code), "{:?}", self.text);
    }
}

/// What is written to the terminal, until its other end is closed.
fn read_on_thread(mut master: File) -> Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        // The end is an error (EIO) on Linux.
        while let Ok(read @ 1..) = master.read(&mut buffer) {
            if send.send(buffer[..read].to_vec()).is_err() {
                break;
            }
        }
    });
    receive
}
