//! Tokens that outlive the command: who gets them, and who asks the server.

mod file;
mod flag;
mod sharing;

use std::path::{Path, PathBuf};

use prove_token_emulator::Emulator;
use tempfile::TempDir;

use crate::harness::{ID, Run, SECRET, emulator, run_in};

/// A server, and a home that runs share.
pub(crate) struct Place {
    pub(crate) emulator: Emulator,
    home: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::at(emulator().start().unwrap())
    }

    pub(crate) fn at(emulator: Emulator) -> Self {
        let home = tempfile::tempdir().unwrap();
        let place = Self { emulator, home };
        place.configure("");
        place
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where tokens are kept.
    pub(crate) fn cache(&self) -> PathBuf {
        self.home().join(".cache").join("prove-token")
    }

    /// A run with the right secret.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.run_with(SECRET, args)
    }

    /// A run of the profile `mine`.
    pub(crate) fn run_with(&self, secret: &str, args: &[&str]) -> Run {
        run_in(self.home(), args).env("MY_SECRET", secret)
    }

    /// Adds lines to the configuration, after those of the profile.
    pub(crate) fn configure(&self, lines: &str) {
        let config = format!(
            "version = 1\ndefault_profile = \"mine\"\n[profiles.mine]\n\
             token_endpoint = \"{}\"\napi_base = \"{}\"\nclient_id = \"{ID}\"\n\
             client_secret = {{ env = \"MY_SECRET\" }}\n{lines}",
            self.emulator.token_endpoint(),
            self.emulator.url(),
        );
        // Written where runs find it.
        drop(run_in(self.home(), &[]).config(&config));
    }

    pub(crate) fn token(&self) -> String {
        self.run(&["token"]).outcome().success()
    }

    #[track_caller]
    pub(crate) fn assert_requests(&self, expected: usize) {
        assert_eq!(self.emulator.token_requests(), expected);
    }
}
