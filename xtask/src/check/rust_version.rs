//! No dependency of what we publish asks for a newer compiler than we say that we do.
//!
//! What our own code uses of the standard library, clippy compares with the same number
//! (`incompatible_msrv`); CI builds with that version.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use super::{Outcome, verdict};
use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Result<Outcome, Failure> {
    let mut command = Command::new("cargo");
    command.args(["metadata", "--format-version", "1", "--all-features"]);
    command.current_dir(&workspace.root);
    let text = process::capture(&mut command)?;
    let json: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::failed(format!("cargo metadata: {error}")))?;
    verdict(&problems(&json))
}

/// Each package below one of ours that is too new for it, on any platform.
fn problems(json: &Value) -> Vec<String> {
    let packages = by_id(&json["packages"]);
    let nodes = by_id(&json["resolve"]["nodes"]);
    let ours = strings(&json["workspace_members"]);
    let mut problems = BTreeSet::new();
    for ours in ours.filter_map(|id| packages.get(id)) {
        // Tools and tests say none.
        let Some(version) = ours["rust_version"].as_str() else {
            continue;
        };
        for id in below(ours["id"].as_str().unwrap_or_default(), &nodes) {
            let Some(wanted) = packages.get(id).filter(|theirs| newer(theirs, version)) else {
                continue;
            };
            let word = |key: &str| wanted[key].as_str().unwrap_or_default();
            problems.insert(format!(
                "{} is for Rust {version}, and {} {} for {}: choose an older one with `cargo \
                 update --precise`, or raise rust-version in Cargo.toml",
                ours["name"].as_str().unwrap_or_default(),
                word("name"),
                word("version"),
                word("rust_version"),
            ));
        }
    }
    problems.into_iter().collect()
}

fn newer(package: &Value, version: &str) -> bool {
    package["rust_version"]
        .as_str()
        .is_some_and(|wanted| numbers(wanted) > numbers(version))
}

/// `1.89` and `1.89.0` are the same.
fn numbers(version: &str) -> [u32; 3] {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| parts.next().unwrap_or(0))
}

/// All that is compiled for a user of `root`: not what its tests need.
fn below<'a>(root: &'a str, nodes: &BTreeMap<&'a str, &'a Value>) -> BTreeSet<&'a str> {
    let (mut seen, mut left) = (BTreeSet::new(), vec![root]);
    while let Some(id) = left.pop() {
        if !seen.insert(id) {
            continue;
        }
        let edges = nodes.get(id).map(|node| list(&node["deps"]));
        for edge in edges.into_iter().flatten() {
            let mut kinds = list(&edge["dep_kinds"]);
            if kinds.any(|kind| kind["kind"] != "dev") {
                left.extend(edge["pkg"].as_str());
            }
        }
    }
    seen
}

fn by_id(array: &Value) -> BTreeMap<&str, &Value> {
    list(array)
        .filter_map(|value| Some((value["id"].as_str()?, value)))
        .collect()
}

fn strings(array: &Value) -> impl Iterator<Item = &str> {
    list(array).filter_map(Value::as_str)
}

fn list(array: &Value) -> impl Iterator<Item = &Value> {
    array.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(wanted: &str, kind: Option<&str>) -> Value {
        json!({
            "workspace_members": ["ours", "tool"],
            "packages": [
                {"id": "ours", "name": "ours", "version": "1.0.0", "rust_version": "1.89"},
                {"id": "tool", "name": "tool", "version": "1.0.0", "rust_version": null},
                {"id": "a", "name": "a", "version": "2.0.0", "rust_version": null},
                {"id": "b", "name": "b", "version": "3.0.0", "rust_version": wanted},
                {"id": "c", "name": "c", "version": "4.0.0", "rust_version": "1.95"}],
            "resolve": {"nodes": [
                {"id": "ours", "deps": [{"pkg": "a", "dep_kinds": [{"kind": null}]}]},
                {"id": "tool", "deps": [{"pkg": "c", "dep_kinds": [{"kind": null}]}]},
                {"id": "a", "deps": [{"pkg": "b", "dep_kinds": [{"kind": kind}]}]}]}
        })
    }

    #[test]
    fn a_dependency_that_is_too_new_is_named() {
        for kind in [None, Some("build")] {
            let found = problems(&metadata("1.91", kind));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains("ours is for Rust 1.89, and b 3.0.0 for 1.91"));
        }
        assert_eq!(problems(&metadata("1.91", Some("dev"))), [""; 0]);
    }

    #[test]
    fn versions_are_numbers() {
        for (wanted, is_newer) in [
            ("1.89.0", false),
            ("1.9", false),
            ("1.89.1", true),
            ("2", true),
        ] {
            let found = problems(&metadata(wanted, None));
            assert_eq!(!found.is_empty(), is_newer, "{wanted}: {found:?}");
        }
    }
}
