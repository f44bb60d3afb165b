//! The unit for systemd.
//!
//! `cargo xtask test` names this as skipped where systemd-analyze is missing.

use std::fs;
use std::path::Path;
use std::process::Command;

const UNIT: &str = "deploy/prove-token-watch.service";

#[test]
fn the_unit_is_sound() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join(UNIT);
    let unit = fs::read_to_string(unit).unwrap();
    // It looks for the program.
    let unit = unit.replace("/usr/bin/prove-token", env!("CARGO_BIN_EXE_prove-token"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prove-token-watch.service");
    prove_token_config::replace_file(&path, unit.as_bytes(), 0o644).unwrap();
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(&path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

/// A user that is made for the service has private folders, also below /run where one that
/// is to be kept is among them: nobody else comes to a file in it.
#[test]
fn the_readers_come_to_the_folder_of_the_file() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join(UNIT);
    let unit = fs::read_to_string(unit).unwrap();
    let has = |setting: &str| unit.lines().any(|line| line == setting);
    assert!(has("RuntimeDirectoryPreserve=restart") && has("RuntimeDirectoryMode=0750"));
    assert!(has("Group=prove-token") && !unit.contains("\nDynamicUser="));
}
