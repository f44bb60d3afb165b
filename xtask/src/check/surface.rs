//! The public interface of the core shows no type of a library but those of `http` and
//! `bytes`: a new version of any other one is then no breaking change of ours.
//!
//! rustdoc tells what is public, as JSON. That format is not stable; the toolchain lets
//! us read it all the same, and a version that we do not know is reported as skipped.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::{Map, Value};

use super::{Outcome, verdict};
use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;

const PACKAGE: &str = "prove-token";

/// The oldest and the newest format that this was written for.
const FORMATS: std::ops::RangeInclusive<u64> = 45..=70;

/// The language's own, and those that the interface is about.
const CRATES: [&str; 5] = ["std", "core", "alloc", "http", "bytes"];

/// Single types of others, and why.
const TYPES: [(&str, &str); 1] = [
    // The runtime that flights are to run on can only be given by its handle.
    ("tokio", "Handle"),
];

pub(super) fn run(workspace: &Workspace) -> Result<Outcome, Failure> {
    let mut command = Command::new("cargo");
    command
        .args(["rustdoc", "--package", PACKAGE, "--lib", "--"])
        .args(["-Z", "unstable-options", "--output-format", "json"])
        .env("RUSTC_BOOTSTRAP", "1");
    process::run(&mut command)?;
    let file = workspace.target.join("doc/prove_token.json");
    let unreadable = |why: String| Failure::failed(format!("rustdoc's JSON: {why}"));
    let text = fs::read(&file).map_err(|error| unreadable(error.to_string()))?;
    let json: Value =
        serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
    match json["format_version"].as_u64() {
        Some(version) if FORMATS.contains(&version) => verdict(&problems(&json)),
        version => Ok(Outcome::Skipped(format!(
            "rustdoc writes format {version:?}, and xtask reads {FORMATS:?}"
        ))),
    }
}

/// Each foreign name that a public item shows.
fn problems(json: &Value) -> Vec<String> {
    let mut shown = BTreeSet::new();
    for item in objects(&json["index"]).filter(|item| is_shown(item)) {
        names(&item["inner"], json, &mut shown);
    }
    shown
        .into_iter()
        .map(|name| format!("{PACKAGE} shows {name} in public: wrap it in a type of its own"))
        .collect()
}

/// Blanket and automatic implementations are written down by whoever made the trait.
fn is_shown(item: &Value) -> bool {
    let implementation = &item["inner"]["impl"];
    item["crate_id"] == 0
        && implementation["blanket_impl"].is_null()
        && implementation["is_synthetic"] != true
}

/// Collects the foreign names below `value`: a name is an object with path and id.
fn names(value: &Value, json: &Value, shown: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| names(value, json, shown)),
        Value::Object(fields) => {
            if let Some(name) = foreign(fields, json) {
                shown.insert(name);
            }
            fields.values().for_each(|value| names(value, json, shown));
        }
        _ => {}
    }
}

fn foreign(fields: &Map<String, Value>, json: &Value) -> Option<String> {
    let (path, id) = (fields.get("path")?.as_str()?, fields.get("id")?.as_u64()?);
    let number = json["paths"][id.to_string()]["crate_id"].as_u64()?;
    let name = json["external_crates"][number.to_string()]["name"].as_str()?;
    let last = path.rsplit("::").next().unwrap_or(path);
    let is_allowed = CRATES.contains(&name) || TYPES.contains(&(name, last));
    (!is_allowed).then(|| format!("{name}::{last}"))
}

fn objects(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_object().into_iter().flat_map(Map::values)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function whose only argument has this type.
    fn documented(name: &str, crate_id: u64, implementation: Value) -> Value {
        serde_json::json!({
            "index": {
                "7": {
                    "crate_id": 0,
                    "inner": {
                        "function": { "inputs": [["x", { "resolved_path": { "path": name, "id": 9, "args": null } }]] },
                        "impl": implementation,
                    },
                },
            },
            "paths": { "9": { "crate_id": crate_id } },
            "external_crates": {
                "1": { "name": "std" }, "2": { "name": "reqwest" }, "3": { "name": "tokio" }, "4": { "name": "http" },
            },
        })
    }

    #[test]
    fn a_foreign_type_is_named() {
        let found = |name, number| problems(&documented(name, number, Value::Null));
        assert_eq!(
            found("blocking::Client", 2),
            ["prove-token shows reqwest::Client in public: wrap it in a type of its own"]
        );
        assert_eq!(found("Runtime", 3).len(), 1);
        for (name, number) in [
            ("Handle", 3),
            ("Duration", 1),
            ("HeaderValue", 4),
            ("Ours", 0),
        ] {
            assert!(found(name, number).is_empty(), "{name}");
        }
    }

    #[test]
    fn blanket_implementations_are_not_ours() {
        let blanket = serde_json::json!({ "blanket_impl": { "generic": "T" } });
        assert!(problems(&documented("Instrument", 2, blanket)).is_empty());
    }
}
