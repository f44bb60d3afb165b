//! The crates are ready for their registry: each says what people look for there, and builds
//! from its package alone.

use std::process::Command;

use serde_json::Value;

use super::{Outcome, verdict};
use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;

/// What is published, in that order; nothing else is. `cargo publish --workspace` finds the
/// order by itself.
const PUBLISHED: [&str; 5] = [
    "prove-token",
    "prove-token-config",
    "prove-token-emulator",
    "prove-token-service",
    "prove-token-cli",
];

/// What the registry asks for, and what it shows.
const FIELDS: [&str; 7] = [
    "description",
    "license",
    "repository",
    "readme",
    "keywords",
    "categories",
    "rust_version",
];

pub(super) fn run(workspace: &Workspace) -> Result<Outcome, Failure> {
    let mut metadata = Command::new("cargo");
    metadata.args(["metadata", "--no-deps", "--format-version", "1"]);
    metadata.current_dir(&workspace.root);
    let json: Value = serde_json::from_str(&process::capture(&mut metadata)?)
        .map_err(|error| Failure::failed(format!("cargo metadata: {error}")))?;
    verdict(&problems(&json))
}

/// Packs and builds each as if it came from the registry, and publishes none.
pub(super) fn rehearse(workspace: &Workspace) -> Result<Outcome, Failure> {
    let mut cargo = Command::new("cargo");
    cargo.args(["publish", "--dry-run", "--workspace", "--locked"]);
    // A check comes before a commit.
    cargo.arg("--allow-dirty").current_dir(&workspace.root);
    process::run(&mut cargo).map(|()| Outcome::Passed)
}

fn problems(json: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let mut missing = PUBLISHED.to_vec();
    for package in json["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let known = missing.iter().position(|known| *known == name);
        match (known, is_published(package)) {
            (Some(index), true) => {
                missing.remove(index);
                problems.extend(empty_fields(name, package));
            }
            (None, true) => problems.push(format!(
                "{name}: say `publish = false`, or decide in xtask/src/check/publish.rs that it \
                 is published"
            )),
            (_, false) => {}
        }
    }
    problems.extend(
        missing
            .iter()
            .map(|name| format!("{name}: must be published")),
    );
    problems
}

/// `publish = false` is a list of no registries.
fn is_published(package: &Value) -> bool {
    package["publish"].is_null()
}

fn empty_fields(name: &str, package: &Value) -> Vec<String> {
    let is_empty = |value: &Value| match value {
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => true,
    };
    FIELDS
        .iter()
        .filter(|field| is_empty(&package[**field]))
        .map(|field| format!("{name}: Cargo.toml says nothing of `{field}`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str) -> Value {
        json!({
            "name": name, "publish": null, "description": "a", "license": "MIT",
            "repository": "https://a", "readme": "README.md", "keywords": ["a"],
            "categories": ["a"], "rust_version": "1.89"
        })
    }

    fn found(change: impl FnOnce(&mut Vec<Value>)) -> String {
        let mut packages = PUBLISHED.map(package).to_vec();
        change(&mut packages);
        problems(&json!({ "packages": packages })).join("\n")
    }

    #[test]
    fn each_says_what_people_look_for() {
        assert_eq!(found(|_| ()), "");
        let said = found(|packages| packages[1]["readme"] = Value::Null);
        assert_eq!(
            said,
            "prove-token-config: Cargo.toml says nothing of `readme`"
        );
        let said = found(|packages| packages[0]["keywords"] = json!([]));
        assert_eq!(said, "prove-token: Cargo.toml says nothing of `keywords`");
    }

    #[test]
    fn what_is_published_is_what_was_decided() {
        let said = found(|packages| packages[4]["publish"] = json!([]));
        assert_eq!(said, "prove-token-cli: must be published");
        let said = found(|packages| packages.push(package("xtask")));
        assert!(said.starts_with("xtask: say `publish = false`"), "{said}");
        let mut private = package("xtask");
        private["publish"] = json!([]);
        assert_eq!(found(|packages| packages.push(private)), "");
    }
}
