//! Tests of reading a configuration file.

mod key;
mod location;
mod secrecy;
mod value;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

const CANARY: &str = "canary-4d1f";

/// Every key of the file, each with a value that it may hold.
const FULL: &str = r#"version = 1
default_profile = "acme"

[profiles.prove]
environment = "uat-us"
client_id = "abc123"
client_secret = { command = ["printer", "--field", "secret"], timeout = "20s" }

[profiles.acme]
token_endpoint = "https://idp.example.com/oauth2/token"
api_base = "https://api.example.com"
client_id = { env = "ACME_ID" }
client_secret = { file = "acme-secret", allow_insecure_mode = true }
client_authentication = "client_secret_basic"
scope = ["read", "write"]
accept_narrower_scope = true
audience = "https://api.example.com"
resource = "https://api.example.com/v1"
parameters = { tenant = "t1" }
ca_file = "acme.pem"
proxy = "https://proxy.example.com:3128"
connect_timeout = "500ms"
attempt_timeout = "5s"
flight_timeout = "1m"
rate_limit = 50

[profiles.acme.renewal]
advisory_percent = 30
advisory_limit = "30m"
jitter_percent = 5
jitter_limit = "1m"
mandatory_percent = 15
mandatory_limit = "90s"
mandatory_wait = "1s"
guard_percent = 6
guard_least = "1s"
guard_limit = "20s"
default_lifetime = "10m"
longest_lifetime = "2h"
renewal_pause = "2s"
renewal_pause_limit = "30s"
failure_pause = "500ms"
failure_pause_limit = "2s"
rejection_pause_least = "2s"
rejection_pause_most = "6s"
rejection_pause_limit = "2m"
no_gain_pause = "20s"
forced_renewal_interval = "1m"
cool_down_limit = "10m"
attempts = 5
retry_base = "100ms"
retry_cap = "1s"

[profiles."dotted.name"]
environment = "emulator"
client_id = { file = "/etc/id" }
client_secret = { env = "DOTTED_SECRET" }

[cache]
store = "none"
"#;

/// A folder with a configuration file in it.
struct Fixture {
    folder: TempDir,
}

impl Fixture {
    fn new(text: impl AsRef<[u8]>) -> Self {
        let fixture = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::write(fixture.path(), text).unwrap();
        // The umask of whoever runs the tests must not matter.
        fixture.set_mode(0o600);
        fixture
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    #[cfg(unix)]
    fn set_mode(&self, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.path(), permissions).unwrap();
    }

    #[cfg(not(unix))]
    fn set_mode(&self, _: u32) {}
}

fn load(text: impl AsRef<[u8]>) -> Result<Config, Error> {
    Config::load(&Fixture::new(text).path())
}

/// The problems of a text: `line:column key: message (hint)`.
fn problems(text: &str) -> Vec<String> {
    let error = load(text).expect_err(text);
    assert_eq!(error.kind(), prove_token::ErrorKind::Configuration);
    error
        .problems()
        .iter()
        .map(|problem| {
            let place = problem.place.as_ref().expect("a place");
            format!(
                "{}:{} {}: {} ({})",
                place.line,
                place.column,
                problem.key.as_deref().unwrap_or("-"),
                problem.message,
                problem.hint.as_deref().unwrap_or("-"),
            )
        })
        .collect()
}

/// As [`problems`], of a profile that is right but for these lines, which begin
/// at line 4.
fn problems_of_profile(lines: &str) -> Vec<String> {
    problems(&format!(
        "version = 1\n[profiles.p]\nenvironment = \"uat-us\"\n{lines}\n"
    ))
}
