//! Which tests a missing peer keeps from running, by name.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::invocation::Invocation;
use super::peer::Missing;
use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;

/// The tests of the selection that want what is missing, in order.
pub(crate) fn tests_below(
    missing: &Missing,
    workspace: &Workspace,
    invocation: &Invocation,
) -> Result<Vec<String>, Failure> {
    let package = workspace
        .package(missing.package)
        .ok_or_else(|| Failure::failed(format!("there is no package {}", missing.package)))?;
    let messages = process::capture(&mut invocation.build())?;
    let mut tests = Vec::new();
    for binary in binaries(&messages, &package.manifest) {
        let mut command = Command::new(binary);
        command.args(&invocation.tests).arg("--list");
        let listed = process::capture(&mut command)?;
        tests.extend(names(&listed, missing.prefix));
    }
    tests.sort();
    Ok(tests)
}

/// The test binaries of one package among Cargo's JSON messages.
fn binaries(messages: &str, manifest: &Path) -> Vec<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter(|message| message["profile"]["test"] == true)
        .filter(|message| message["manifest_path"].as_str().map(Path::new) == Some(manifest))
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .collect()
}

/// The names below the prefix in what a test binary prints for `--list`.
fn names(listed: &str, prefix: &str) -> Vec<String> {
    listed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .filter(|name| name.starts_with(prefix))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_test_binaries_of_the_package_are_taken() {
        let messages = r#"
   Compiling noise
{"reason":"compiler-artifact","manifest_path":"/w/tests/Cargo.toml","profile":{"test":true},"executable":"/w/target/a"}
{"reason":"compiler-artifact","manifest_path":"/w/tests/Cargo.toml","profile":{"test":false},"executable":"/w/target/b"}
{"reason":"compiler-artifact","manifest_path":"/w/core/Cargo.toml","profile":{"test":true},"executable":"/w/target/c"}
{"reason":"compiler-artifact","manifest_path":"/w/tests/Cargo.toml","profile":{"test":true},"executable":null}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(
            binaries(messages, Path::new("/w/tests/Cargo.toml")),
            [PathBuf::from("/w/target/a")]
        );
    }

    #[test]
    fn only_tests_below_the_prefix_are_named() {
        let listed = "interop::authlib::post: test\ninterop::authlib_more::x: test\n\
            my::interop::authlib::y: test\ninterop::authlib::bench: benchmark\n\n4 tests, 1 benchmark\n";
        assert_eq!(
            names(listed, "interop::authlib::"),
            ["interop::authlib::post"]
        );
    }
}
