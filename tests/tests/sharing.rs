//! Processes that share a store: one asks, whatever becomes of it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use prove_token::Endpoint;
use prove_token_tests::gate::GatedServer;
use prove_token_tests::http::{answer, granted};
use tempfile::TempDir;

const PROCESSES: usize = 20;

struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// One that has begun to ask.
    fn start(endpoint: &Endpoint, folder: &TempDir) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_share"))
            .args([
                endpoint.as_str().as_ref(),
                folder.path().join("store").as_os_str(),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut process = Self { child, output };
        assert_eq!(process.line(), "asking");
        process
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Ends with the end of its input.
impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It may have been killed.
        let _ = self.child.wait();
    }
}

fn start(count: usize, server: &GatedServer, folder: &TempDir) -> Vec<Process> {
    let endpoint = server.endpoint();
    (0..count)
        .map(|_| Process::start(&endpoint, folder))
        .collect()
}

/// What all of them say, which must be the same.
fn verdict(processes: &mut [Process]) -> String {
    let said: Vec<_> = processes.iter_mut().map(Process::line).collect();
    assert!(said.iter().all(|line| *line == said[0]), "{said:?}");
    said[0].clone()
}

/// Slow, failing and rejecting: the answer comes when all have asked.
#[test]
fn twenty_processes_cost_one_request_whatever_its_answer() {
    for (answer, expected) in [
        (granted(3600), "granted until "),
        (answer(503, &[], ""), "unavailable"),
        (answer(500, &[("retry-after", "60")], ""), "unavailable"),
        (answer(429, &[("retry-after", "60")], ""), "rate_limited"),
        (answer(401, &[], ""), "credentials_rejected"),
        (
            answer(400, &[], r#"{"error":"invalid_scope"}"#),
            "request_rejected",
        ),
    ] {
        let (server, folder) = (GatedServer::start(answer), TempDir::new().unwrap());
        let mut processes = start(PROCESSES, &server, &folder);
        server.await_request();
        server.open();
        let said = verdict(&mut processes);
        assert!(said.starts_with(expected), "{said}");
        // And whoever comes later finds it.
        processes.push(Process::start(&server.endpoint(), &folder));
        assert_eq!(processes[PROCESSES].line(), said);
        assert_eq!(server.requests(), 1, "{said}");
    }
}

#[test]
fn a_killed_holder_costs_one_more_request() {
    let (server, folder) = (GatedServer::start(granted(3600)), TempDir::new().unwrap());
    let holder = Process::start(&server.endpoint(), &folder);
    server.await_request();
    let mut others = start(PROCESSES - 1, &server, &folder);
    holder.kill();
    server.open();
    assert!(verdict(&mut others).starts_with("granted until "));
    assert_eq!(server.requests(), 2);
}

/// The others take over when its lock has stood still for three seconds.
#[test]
fn a_stopped_holder_costs_one_more_request() {
    let (server, folder) = (GatedServer::start(granted(3600)), TempDir::new().unwrap());
    let mut holder = Process::start(&server.endpoint(), &folder);
    server.await_request();
    holder.signal("STOP");
    let mut others = start(PROCESSES - 1, &server, &folder);
    server.open();
    assert!(verdict(&mut others).starts_with("granted until "));
    assert_eq!(server.requests(), 2);
    // Back at last, it has its own answer, and does not put it in the newer one's place.
    holder.signal("CONT");
    assert!(holder.line().starts_with("granted until "));
    let said = verdict(&mut start(1, &server, &folder));
    let mut again = start(1, &server, &folder);
    assert_eq!(verdict(&mut again), said);
    assert_eq!(server.requests(), 2);
}
