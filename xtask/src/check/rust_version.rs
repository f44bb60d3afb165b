//! No dependency of what we publish asks for a newer compiler than we say that we do.
//!
//! What our own code uses of the standard library, clippy compares with the same number
//! (`incompatible_msrv`); CI builds with that version.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Outcome, verdict};
use crate::failure::Failure;
use crate::graph::Graph;
use crate::workspace::{Kind, Workspace};

pub(super) fn run(_: &Workspace) -> Result<Outcome, Failure> {
    verdict(&problems(&Graph::load(None)?))
}

/// Each package below one of ours that is too new for it, on any platform.
fn problems(graph: &Graph) -> Vec<String> {
    let mut problems = BTreeSet::new();
    for ours in graph.ours() {
        // Tools and tests say none.
        let Some(version) = ours["rust_version"].as_str() else {
            continue;
        };
        let all = graph.below(ours, &[Kind::Normal, Kind::Build]);
        if all.len() == 1 {
            // Each has some: what Cargo says was not understood.
            problems.insert(format!("{}: no dependency was seen", word(ours, "name")));
        }
        for wanted in all.into_iter().filter(|theirs| newer(theirs, version)) {
            problems.insert(format!(
                "{} is for Rust {version}, and {} {} for {}: choose an older one with `cargo \
                 update --precise`, or raise rust-version in Cargo.toml",
                word(ours, "name"),
                word(wanted, "name"),
                word(wanted, "version"),
                word(wanted, "rust_version"),
            ));
        }
    }
    problems.into_iter().collect()
}

fn word<'a>(package: &'a Value, key: &str) -> &'a str {
    package[key].as_str().unwrap_or_default()
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
            let found = problems(&Graph::of(metadata("1.91", kind)));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains("ours is for Rust 1.89, and b 3.0.0 for 1.91"));
        }
        assert_eq!(problems(&Graph::of(metadata("1.91", Some("dev")))), [""; 0]);
    }

    #[test]
    fn metadata_that_says_nothing_is_no_pass() {
        let mut json = metadata("1.91", None);
        json["resolve"] = Value::Null;
        assert_eq!(problems(&Graph::of(json)), ["ours: no dependency was seen"]);
    }

    #[test]
    fn versions_are_numbers() {
        for (wanted, is_newer) in [
            ("1.89.0", false),
            ("1.9", false),
            ("1.89.1", true),
            ("2", true),
        ] {
            let found = problems(&Graph::of(metadata(wanted, None)));
            assert_eq!(!found.is_empty(), is_newer, "{wanted}: {found:?}");
        }
    }
}
