//! `prove-token emulator`: its first line is the variable by which other commands
//! find it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::harness::{ID, SECRET, run, run_with};

struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(args: &[&str], secret: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_prove-token"))
            .arg("emulator")
            .args(args)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(secret.as_bytes())
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line
            .trim_end()
            .strip_prefix("PROVE_EMULATOR=")
            .expect(&line)
            .to_owned();
        Self { child, url }
    }

    /// Reads what it says until a line holds `last`.
    fn words_until(&mut self, last: &str) -> String {
        let mut words = String::new();
        let stderr = BufReader::new(self.child.stderr.as_mut().unwrap());
        for line in stderr.lines() {
            words.push_str(&line.unwrap());
            words.push('\n');
            if words.contains(last) {
                return words;
            }
        }
        panic!("no {last} in:\n{words}")
    }

    /// Ends it and returns what it said.
    fn stop(mut self) -> String {
        self.child.kill().unwrap();
        let mut words = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut words)
            .unwrap();
        self.child.wait().unwrap();
        words
    }

    /// The tutorial's request, byte for byte as curl sends it.
    fn curl(&self, path: &str, secret: &str) -> String {
        let authority = self.url.strip_prefix("http://").unwrap();
        let body = format!(
            "grant_type=client_credentials&client_id=emulator-client-id&client_secret={secret}"
        );
        let mut stream = TcpStream::connect(authority).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

#[test]
fn the_tutorial_works_as_it_stands() {
    let mut emulator = Running::start(&[], "");
    let good = emulator.curl("/token", "emulator-client-secret");
    assert!(good.starts_with("HTTP/1.1 200 "), "{good}");
    for member in [
        "\"access_token\":\"",
        "\"token_type\":\"Bearer\"",
        "\"expires_in\":3600",
        "\"refresh_token\":\"",
        "\"refresh_expires_in\":",
    ] {
        assert!(good.contains(member), "{member}: {good}");
    }
    assert!(
        emulator
            .curl("/v3/token", "emulator-client-secret")
            .starts_with("HTTP/1.1 403 ")
    );
    let wrong = emulator.curl("/token", "canary-wrong");
    assert!(
        wrong.starts_with("HTTP/1.1 401 ") && wrong.contains("8002"),
        "{wrong}"
    );
    // A thread of its own writes the lines; the wrong secret's is the last.
    let words = emulator.words_until(" 401 ");
    emulator.stop();
    assert!(
        words.contains("emulator-client-id") && words.contains("POST /token"),
        "{words}"
    );
    assert!(
        !words.contains("canary") && !words.contains("eyJ"),
        "{words}"
    );
}

#[test]
fn above_the_rate_it_is_429_with_retry_after() {
    let emulator = Running::start(&[], "");
    let answers: Vec<_> = (0..26)
        .map(|_| emulator.curl("/token", "emulator-client-secret"))
        .collect();
    assert_eq!(
        answers
            .iter()
            .filter(|answer| answer.starts_with("HTTP/1.1 200 "))
            .count(),
        25
    );
    let last = answers.last().unwrap().to_ascii_lowercase();
    assert!(
        last.starts_with("http/1.1 429 ") && last.contains("retry-after: 1\r\n"),
        "{last}"
    );
    emulator.stop();
}

#[test]
fn its_own_client_and_faults_are_taken() {
    let emulator = Running::start(
        &[
            "--client-id",
            ID,
            "--client-secret-stdin",
            "--fault",
            "status=503,times=2",
            "--lifetime",
            "120",
            "-q",
        ],
        SECRET,
    );
    let endpoint = format!("{}/token", emulator.url);
    let token = run_with(&endpoint, &emulator.url, SECRET, &["token", "-o", "json"])
        .outcome()
        .success();
    assert!(token.contains("\"expires_in\":1"), "{token}");
    assert_eq!(emulator.stop(), "", "quiet");
}

#[test]
fn a_fault_with_a_mistake_is_explained() {
    let words = run(&["emulator", "--fault", "staus=503"])
        .outcome()
        .failure(2);
    assert!(
        words.contains("staus") && words.contains("status"),
        "{words}"
    );
    let words = run(&["emulator", "--client-id", "x"]).outcome().failure(2);
    assert!(words.contains("--client-secret-stdin"), "{words}");
}

/// A program that starts it with a pipe and forgets the pipe.
#[test]
fn a_pipe_that_nobody_reads_does_not_stop_it() {
    let mut emulator = Running::start(&["--rate", "0"], "");
    for number in 0..3000 {
        let answer = emulator.curl("/token", "emulator-client-secret");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{number}: {answer}");
    }
    let words = emulator.words_until(" lines dropped: ");
    let last = words.lines().last().unwrap();
    let dropped: usize = last.split(' ').next().unwrap().parse().unwrap();
    assert!((1..3000).contains(&dropped), "{last}");
    emulator.stop();
}

#[test]
fn a_port_in_use_is_3_with_one_remedy() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let words = run(&["emulator", "--port", &port]).outcome().failure(3);
    assert!(words.contains("address in use"), "{words}");
    assert_eq!(words.matches("port").count(), 1, "{words}");
}

#[test]
fn where_no_emulator_listens_it_is_said() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let words = run(&["token", "--environment", "emulator"])
        .env("PROVE_EMULATOR", &format!("http://127.0.0.1:{port}"))
        .outcome()
        .failure(7);
    assert!(words.contains("no emulator listens there"), "{words}");
}

#[test]
fn credentials_that_the_built_in_one_ignores_are_mentioned() {
    let config = "version = 1\ndefault_profile = \"mine\"\n[profiles.mine]\n\
                  environment = \"emulator\"\nclient_id = \"x\"\nclient_secret = { env = \"S\" }\n";
    let outcome = run(&["token"]).config(config).env("S", SECRET).outcome();
    assert!(
        outcome.stderr.contains("those of the profile are not used"),
        "{outcome:?}"
    );
    outcome.success();
}
