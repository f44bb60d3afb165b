//! Tests of editing the configuration file.

mod caller;
#[cfg(unix)]
mod files;
mod layout;

use prove_token::ClientId;

use super::*;
use crate::setting::EnvironmentName;

const FILE: &str = "# Of the payments team.
default_profile = \"a\"  # the usual one
version = 1

# --- for tests ---
[profiles.a]
environment   = \"uat-us\"   # aligned by hand
client_id     = \"abc\"
client_secret = { env = \"A\" }

  [profiles.a.renewal]
  attempts = 2

# the real one
[profiles.b]
environment = 'prod-us'
client_id = \"def\"
client_secret = { env = \"B\" }

[cache]
store = \"none\" # for now
# the end
";

/// A folder with a configuration file in it.
struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn new(text: &str) -> Self {
        let fixture = Self::empty();
        crate::replace_file(&fixture.path(), text.as_bytes(), 0o600).unwrap();
        fixture
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }
}

/// The text that `edit` makes of `text`.
fn edited(text: &str, edit: Edit) -> String {
    let fixture = Fixture::new(text);
    let seen = edit.preview(&fixture.path()).unwrap();
    let config = edit.apply(&fixture.path()).unwrap();
    let names = |config: &Config| config.names().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(names(&seen), names(&config));
    assert_eq!(
        names(&Config::load(&fixture.path()).unwrap()),
        names(&config)
    );
    fixture.text()
}

/// The words with which an edit is refused, which leaves the file as it was.
fn refusal(text: &str, edit: Edit) -> String {
    let fixture = Fixture::new(text);
    let error = edit.apply(&fixture.path()).unwrap_err();
    assert_eq!(fixture.text(), text);
    let seen = edit.preview(&fixture.path()).unwrap_err();
    assert_eq!(error.to_string(), seen.to_string());
    format!("{error} ({})", error.hint().unwrap_or("-"))
}

fn profile(id: &str) -> NewProfile {
    let mut profile = NewProfile::new(Issuer::Environment(EnvironmentName::Emulator));
    profile.client_id = Some(ClientId::new(id).unwrap());
    profile
}

/// [`profile`] as it is written.
fn table(name: &str, id: &str) -> String {
    format!("\n[profiles.{name}]\nenvironment = \"emulator\"\nclient_id = \"{id}\"\n")
}
