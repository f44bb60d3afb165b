//! `prove-token profile add|remove|use` and `secret set|remove|check`.

#[cfg(target_os = "linux")]
mod keyring;
mod profile;
mod secret;

use std::fs;
use std::path::Path;

use crate::harness::{ID, Outcome, run_in};

const CONFIG: &str = ".config/prove-token/config.toml";

fn config(home: &Path) -> String {
    fs::read_to_string(home.join(CONFIG)).unwrap()
}

fn in_home(home: &Path, line: &str) -> Outcome {
    run_in(home, &line.split(' ').collect::<Vec<_>>()).outcome()
}

/// A profile of the emulator at this address, whose secret is to be in the file `kept`.
fn add_acme(home: &Path, endpoint: &str) {
    let line = format!(
        "profile add acme --token-endpoint {endpoint} --client-id {ID} \
         --client-secret-file kept --default"
    );
    in_home(home, &line).success();
}
