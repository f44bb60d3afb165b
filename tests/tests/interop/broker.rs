//! The service as the clients of these tests meet it: in this process, in front of an
//! emulator.

use std::path::PathBuf;

use prove_token_config::{Config, Env, ListenAddress, Overrides, Profile};
use prove_token_emulator::Emulator;
use prove_token_service::{Running, Service};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The caller.
pub(super) const NAME: &str = "sdk";

/// Its key, and the hash.
pub(super) const KEY: &str = "ptk_key-of-the-sdk";
const KEY_HASH: &str = "sha256:27dc751699dbf9aae8b10b4875db44a8c1235ffb540f71e7236ed106e60dd787";

/// It ends when this is dropped.
pub(super) struct Broker {
    runtime: Runtime,
    running: Option<Running>,
    /// Where it listens: its URL on loopback.
    pub(super) address: String,
    home: TempDir,
}

impl Broker {
    /// Serves the profile `local` of `emulator` to the one caller, who gets what
    /// `hands_out` says.
    pub(super) fn start(emulator: &Emulator, hands_out: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let text = format!(
            "version = 1\ndefault_profile = \"local\"\n[profiles.local]\ntoken_endpoint = \"{}\"\napi_base = \"{}\"\n\
             client_id = \"the-client\"\nclient_secret = {{ env = \"SECRET\" }}\n\
             [service]\nlisten = [\"127.0.0.1:0\", \"unix:{}\"]\n[[service.callers]]\nname = \"{NAME}\"\n\
             key_hash = \"{KEY_HASH}\"\nprofiles = [\"local\"]\nhands_out = \"{hands_out}\"\n",
            emulator.token_endpoint(),
            emulator.url(),
            socket(&home).display(),
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
        let Some(ListenAddress::Tcp(address)) = running.addresses().first() else {
            panic!("{:?}", running.addresses());
        };
        Self {
            address: format!("http://{address}"),
            running: Some(running),
            runtime,
            home,
        }
    }

    /// The Unix socket on which it listens as well.
    pub(super) fn socket(&self) -> PathBuf {
        socket(&self.home)
    }
}

fn socket(home: &TempDir) -> PathBuf {
    home.path().join("prove-token.sock")
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}

/// Its rate limit is another matter.
pub(super) fn emulator() -> Emulator {
    let builder = Emulator::builder().client("the-client", "the-secret");
    builder.rate_limit(0).start().unwrap()
}

/// How many calls the API answered well.
pub(super) fn served(emulator: &Emulator) -> usize {
    let requests = emulator.requests();
    let is_served = |request: &&prove_token_emulator::RecordedRequest| {
        request.path == "/v3/start" && request.status == Some(200)
    };
    requests.iter().filter(is_served).count()
}
