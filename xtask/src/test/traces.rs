//! The tests of the service's traces, which no build has unless it is asked to.

use std::process::Command;

use super::feature;
use super::summary::Summary;
use crate::failure::Failure;

/// Runs them and adds what came of it; not where there is no service.
pub(super) fn run(summary: &mut Summary) -> Result<(), Failure> {
    if !cfg!(unix) {
        return Ok(());
    }
    feature::run(&mut command(), summary)
}

fn command() -> Command {
    let mut command = feature::command("prove-token-service", "otlp");
    // All else is as in the build without them, and has been tested there.
    command.args(["--no-fail-fast", "--lib", "--test", "service", "--"]);
    command.args(["trace::", "otlp::"]);
    command
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::process::line;

    #[test]
    fn its_tests_are_where_the_command_looks() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/service");
        assert!(package.join("tests/service/otlp.rs").is_file());
        assert!(package.join("src/trace/settings/tests.rs").is_file());
        let manifest = std::fs::read_to_string(package.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("\notlp = ["));
        assert!(line(&command()).ends_with("--test service -- trace:: otlp::"));
    }
}
