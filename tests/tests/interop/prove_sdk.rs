//! Prove's TypeScript SDK, unmodified, behind the service: it asks for a token as often
//! as it likes, and the provider is asked once.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use prove_token_tests::peer::folder;
use serde_json::{Value, json};

use super::broker::{Broker, KEY, NAME, emulator, served};

/// A program that uses the SDK. It ends when this is dropped.
struct Sdk {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Sdk {
    fn start(server: &str, token_url: Option<&str>) -> Self {
        let mut child = Command::new("node")
            .arg(folder().join("prove-sdk/calls.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut sdk = Self {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
        };
        sdk.say(&json!({
            "server": server,
            "token_url": token_url,
            "client_id": NAME,
            "client_secret": KEY,
        }));
        sdk
    }

    fn say(&mut self, line: &Value) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// So many calls at once, all of which succeed.
    #[track_caller]
    fn calls(&mut self, calls: usize, new_objects: bool) {
        self.say(&json!({ "calls": calls, "new_objects": new_objects }));
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let outcome: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(outcome, json!({ "succeeded": calls, "failures": [] }));
    }
}

impl Drop for Sdk {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

#[test]
fn behind_the_proxy_fifty_calls_are_one_token_request() {
    let emulator = emulator();
    let broker = Broker::start(&emulator, "proxy");
    let mut sdk = Sdk::start(&format!("{}/proxy/local", broker.address), None);
    sdk.calls(50, false);
    assert_eq!((emulator.token_requests(), served(&emulator)), (1, 50));
    emulator.revoke_all_tokens();
    sdk.calls(50, false);
    assert_eq!((emulator.token_requests(), served(&emulator)), (2, 100));
}

#[test]
fn with_the_token_url_alone_fifty_objects_are_one_token_request() {
    let emulator = emulator();
    let broker = Broker::start(&emulator, "token");
    let token_url = format!("{}/token", broker.address);
    let mut sdk = Sdk::start(emulator.url(), Some(&token_url));
    sdk.calls(50, true);
    assert_eq!((emulator.token_requests(), served(&emulator)), (1, 50));
}
