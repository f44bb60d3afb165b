//! The tests that need a desktop's keyring: a build of their own, with a feature that is
//! off by default, and programs that no Rust package brings.

use std::process::Command;

use super::feature;
use super::summary::Summary;
use crate::environment;
use crate::failure::Failure;
use crate::process;

/// What offers the keyring, and what its tests start; Debian's packages dbus and
/// gnome-keyring.
const TOOLS: [&str; 3] = ["dbus-run-session", "dbus-send", "gnome-keyring-daemon"];

/// Runs them and adds what came of it. Where a tool is missing they are skipped by name,
/// and a failure where everything must be there.
pub(super) fn run(summary: &mut Summary) -> Result<(), Failure> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let missing = TOOLS.iter().find_map(|tool| find(tool).err());
    if let Some(why) = missing {
        let (word, count) = match environment::is_ci() {
            true => ("failed", &mut summary.failed),
            false => ("skipped", &mut summary.skipped),
        };
        process::say(format_args!("{word}: no desktop keyring: {why}"));
        process::say(format_args!("{word}: the test binary secret_service"));
        *count += 1;
        return Ok(());
    }
    feature::run(&mut command(), summary)
}

/// Some of them answer no question about themselves.
fn find(tool: &str) -> Result<(), Failure> {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("command -v {tool}")]);
    process::capture(&mut command).map(drop)
}

fn command() -> Command {
    let mut command = feature::command("prove-token-config", "secret-service");
    command.args(["--test", "secret_service"]);
    command
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::process::line;

    #[test]
    fn its_tests_are_where_the_command_looks() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/config");
        assert!(package.join("tests/secret_service.rs").is_file());
        let manifest = std::fs::read_to_string(package.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("\nsecret-service = ["));
        assert!(line(&command()).contains("--test secret_service"));
    }
}
