//! Prove's TypeScript SDK, unmodified, behind the service: it asks for a token as often
//! as it likes, and the provider is asked once.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use prove_token_config::{Config, Env, ListenAddress, Overrides, Profile};
use prove_token_emulator::Emulator;
use prove_token_service::{Running, Service};
use prove_token_tests::peer::folder;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The caller's key, and its hash.
const KEY: &str = "ptk_key-of-the-sdk";
const KEY_HASH: &str = "sha256:27dc751699dbf9aae8b10b4875db44a8c1235ffb540f71e7236ed106e60dd787";

/// The service, in this process.
struct Broker {
    runtime: Runtime,
    running: Option<Running>,
    address: String,
    _home: TempDir,
}

impl Broker {
    /// Serves the profile `local` of `emulator` to the caller `sdk`, who gets what
    /// `hands_out` says.
    fn start(emulator: &Emulator, hands_out: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let text = format!(
            "version = 1\ndefault_profile = \"local\"\n[profiles.local]\ntoken_endpoint = \"{}\"\napi_base = \"{}\"\n\
             client_id = \"the-client\"\nclient_secret = {{ env = \"SECRET\" }}\n\
             [service]\nlisten = [\"127.0.0.1:0\"]\n[[service.callers]]\nname = \"sdk\"\n\
             key_hash = \"{KEY_HASH}\"\nprofiles = [\"local\"]\nhands_out = \"{hands_out}\"\n",
            emulator.token_endpoint(),
            emulator.url()
        );
        let path = home.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        let variables = [
            ("HOME", home.path().to_str().unwrap()),
            ("SECRET", "the-secret"),
        ];
        let env: Env = variables.into_iter().collect();
        let config = Config::load(&path).unwrap();
        let profile = Profile::from_config(&Overrides::default(), &env, Some(&config)).unwrap();
        let settings = config.service().unwrap().clone();
        let service = Service::new(settings, vec![profile], &env).unwrap();
        let runtime = Runtime::new().unwrap();
        let running = runtime.block_on(service.start()).unwrap();
        let [ListenAddress::Tcp(address)] = running.addresses() else {
            panic!("{:?}", running.addresses());
        };
        Self {
            address: format!("http://{address}"),
            running: Some(running),
            runtime,
            _home: home,
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}

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
            "client_id": "sdk",
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

/// Its rate limit is another matter.
fn emulator() -> Emulator {
    let builder = Emulator::builder().client("the-client", "the-secret");
    builder.rate_limit(0).start().unwrap()
}

/// How many calls the API answered well.
fn served(emulator: &Emulator) -> usize {
    let requests = emulator.requests();
    let is_served = |request: &&prove_token_emulator::RecordedRequest| {
        request.path == "/v3/start" && request.status == Some(200)
    };
    requests.iter().filter(is_served).count()
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
