//! The service of the configuration file, as it is met.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;

use prove_token_emulator::{Emulator, Fault};
use rustix::process::Signal;
use serde_json::Value;
use snapbox::str;
use tempfile::TempDir;

use super::{assert_finding, findings};
use crate::harness::{ID, Run, Running, SECRET, emulator, run_in};
use crate::serve::said_until;

/// A home with the profile `acme` of an emulator, and a service.
struct Place {
    home: TempDir,
    emulator: Emulator,
    service: String,
}

impl Place {
    /// With a Unix socket for callers, and one for operators.
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| format!("unix:{}", home.path().join(name).display());
        let service = format!(
            "[service]\nlisten = [\"{}\"]\nadmin_listen = \"{}\"\n",
            at("socket"),
            at("admin")
        );
        Self {
            service,
            home,
            emulator: emulator().start().unwrap(),
        }
    }

    fn service(mut self, lines: &str) -> Self {
        self.service = format!("[service]\n{lines}");
        self
    }

    fn run(&self, args: &[&str]) -> Run {
        let config = format!(
            "version = 1\ndefault_profile = \"acme\"\n[profiles.acme]\ntoken_endpoint = \"{}\"\n\
             client_id = \"{ID}\"\nclient_secret = {{ env = \"MY_SECRET\" }}\n{}",
            self.emulator.token_endpoint(),
            self.service
        );
        let run = run_in(self.home.path(), args).config(&config);
        run.env("MY_SECRET", SECRET)
    }

    fn socket(&self) -> std::path::PathBuf {
        self.home.path().join("socket")
    }

    /// What the doctor finds, who exits with `code`.
    #[track_caller]
    fn findings(&self, code: i32) -> Vec<(String, Value)> {
        findings(self.run(&["doctor", "--json"]), code)
    }

    fn serve(&self) -> Running {
        self.serve_until("ready")
    }

    /// Serves, and waits until that was said as well: it asks for a token as it starts.
    fn serve_until(&self, news: &str) -> Running {
        let mut running = self.run(&["serve"]).start();
        let said = said_until(&mut running, "ready");
        if !said.iter().any(|line| line.contains(news)) {
            said_until(&mut running, news);
        }
        running
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn end(running: Running) {
    running.signal(Signal::TERM);
    running.outcome().success();
}

#[test]
fn one_that_runs_and_has_the_token() {
    let place = Place::new();
    let running = place.serve_until("a new token");
    let report = place.run(&["doctor"]).outcome().success();
    let lines = report
        .lines()
        .skip_while(|line| !line.contains(" service "));
    let lines = lines.take_while(|line| !line.contains("sent: "));
    let lines: String = lines.map(|line| format!("{line}\n")).collect();
    let lines = lines.replace(place.home.path().to_str().unwrap(), "[HOME]");
    snapbox::assert_data_eq!(
        lines,
        str![[r#"
  [ok] service        it can be served, to its own user alone, at unix:[HOME]/socket
  [ok] its socket     [HOME]/socket: mode 0600
  [ok] running        it answers at unix:[HOME]/admin, and has a token of acme

"#]]
    );
    end(running);
}

#[test]
fn one_that_does_not_run_is_no_failure() {
    let place = Place::new();
    let findings = place.findings(0);
    assert_finding(&findings, "service.settings", "ok", &["it can be served"]);
    let words = ["is made when the service starts"];
    assert_finding(&findings, "service.socket", "not_tried", &words);
    let words = ["/admin: entity not found", "prove-token serve"];
    assert_finding(&findings, "service.running", "warning", &words);
    // A socket of one that was killed.
    drop(UnixListener::bind(place.socket()).unwrap());
    let words = ["was left behind", "start the service"];
    assert_finding(&place.findings(0), "service.socket", "warning", &words);
    let offline = super::findings(place.run(&["doctor", "--offline", "--json"]), 0);
    assert_finding(&offline, "service.running", "not_tried", &["--offline"]);
}

#[test]
fn one_that_cannot_get_a_token_says_so() {
    let place = Place::new();
    place.emulator.inject(Fault::status(503).times(0));
    let running = place.serve_until("no new token");
    let words = ["has no token of acme", "its log says more"];
    assert_finding(&place.findings(7), "service.running", "warning", &words);
    end(running);
}

#[test]
fn a_socket_that_was_meddled_with() {
    let place = Place::new();
    fs::write(place.socket(), "").unwrap();
    let words = ["is not a socket", "remove it"];
    assert_finding(&place.findings(3), "service.socket", "failed", &words);
    fs::remove_file(place.socket()).unwrap();
    let running = place.serve();
    set_mode(&place.socket(), 0o666);
    let words = ["mode 0666; it is to be 0600", "reload or restart"];
    assert_finding(&place.findings(0), "service.socket", "warning", &words);
    end(running);
}

#[test]
fn settings_that_nobody_would_serve() {
    let place = Place::new();
    let open = place.home.path().join("open");
    fs::create_dir(&open).unwrap();
    set_mode(&open, 0o777);
    let place = place.service(&format!("listen = [\"unix:{}/s\"]\n", open.display()));
    let words = ["other users can write the folder", "choose a folder"];
    assert_finding(&place.findings(0), "service.settings", "warning", &words);
    let place = place.service("");
    let words = ["there is no folder for the socket", "set XDG_RUNTIME_DIR"];
    assert_finding(&place.findings(0), "service.settings", "warning", &words);
    // What is wrong with the file itself is told of the file.
    for (lines, words) in [
        (
            "listen = [\"127.0.0.1:7878\"]\n",
            "has no caller with a key",
        ),
        (
            "listen = [\"0.0.0.0:7878\"]\n",
            "where other machines can connect",
        ),
    ] {
        let place = Place::new().service(lines);
        let findings = place.findings(3);
        assert_finding(&findings, "configuration.file", "failed", &[words]);
        assert!(findings.iter().all(|(id, _)| !id.starts_with("service.")));
    }
}

#[test]
fn without_a_table_there_is_no_line() {
    let mut place = Place::new();
    place.service.clear();
    let findings = place.findings(0);
    assert!(findings.iter().all(|(id, _)| !id.starts_with("service.")));
}
