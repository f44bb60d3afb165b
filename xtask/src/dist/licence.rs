//! The licences of all that is in the programs beside our own: most of them ask to come
//! along with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::disk;
use crate::failure::Failure;
use crate::graph::Graph;
use crate::workspace::Kind;

/// What the names of such files begin with, in capitals.
const NAMES: [&str; 6] = [
    "LICENSE",
    "LICENCE",
    "COPYING",
    "COPYRIGHT",
    "NOTICE",
    "UNLICENSE",
];

const HEAD: &str = "\
These programs contain the following packages. Below each list stands the text that comes
with the packages in it.
";

/// One text for all packages that `programs` are made of on a platform.
pub(super) fn collect(programs: &[&str], platform: &str) -> Result<String, Failure> {
    gather(programs, &Graph::load(Some(platform))?)
}

fn gather(programs: &[&str], graph: &Graph) -> Result<String, Failure> {
    let mut texts = BTreeMap::new();
    let ours = graph
        .ours()
        .filter(|package| programs.iter().any(|name| package["name"] == *name));
    for package in ours.flat_map(|ours| graph.below(ours, &[Kind::Normal])) {
        // Our own have no source, and their licences stand beside this.
        if !package["source"].is_null() {
            add(package, &mut texts)?;
        }
    }
    Ok(written(&texts))
}

/// Adds the texts of a package. Some come without one: then there is the name alone.
fn add(package: &Value, texts: &mut BTreeMap<String, BTreeSet<String>>) -> Result<(), Failure> {
    let word = |key: &str| package[key].as_str().unwrap_or_default();
    let name = format!("{} {} ({})", word("name"), word("version"), word("license"));
    let folder = Path::new(word("manifest_path"))
        .parent()
        .unwrap_or(Path::new(""));
    let unreadable = |error| disk::failure("read", folder, &error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let file = entry.file_name().to_string_lossy().to_uppercase();
        if NAMES.iter().any(|begin| file.starts_with(begin)) && entry.path().is_file() {
            let bytes = fs::read(entry.path()).map_err(unreadable)?;
            let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
            found.push(text.trim_end().to_owned());
        }
    }
    if found.is_empty() {
        found.push(String::new());
    }
    for text in found {
        texts.entry(text).or_default().insert(name.clone());
    }
    Ok(())
}

fn written(texts: &BTreeMap<String, BTreeSet<String>>) -> String {
    // By the packages and not by the texts, as a reader looks for them.
    let mut parts: Vec<_> = texts.iter().map(|(text, names)| (names, text)).collect();
    parts.sort();
    let mut all = HEAD.to_owned();
    for (names, text) in parts {
        let names = names.iter().map(String::as_str).collect::<Vec<_>>();
        // Writing to memory does not fail.
        let _ = write!(
            all,
            "\n{}\n{}\n\n{text}\n",
            "=".repeat(80),
            names.join("\n")
        );
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_stands_once_for_all_who_share_it() {
        let place = tempfile::tempdir().unwrap();
        let mut texts = BTreeMap::new();
        for (name, files) in [
            (
                "b",
                &[("LICENSE-MIT", "mine\r\n"), ("license.md", "b's")][..],
            ),
            ("a", &[("COPYING", "mine\n"), ("README", "not this")]),
            ("c", &[]),
        ] {
            let folder = place.path().join(name);
            fs::create_dir_all(&folder).unwrap();
            for (file, text) in files {
                fs::write(folder.join(file), text).unwrap();
            }
            let package = json!({
                "name": name, "version": "1.0.0", "license": "MIT",
                "manifest_path": folder.join("Cargo.toml")
            });
            add(&package, &mut texts).unwrap();
        }
        let line = "=".repeat(80);
        let expected = format!(
            "{HEAD}\n{line}\na 1.0.0 (MIT)\nb 1.0.0 (MIT)\n\nmine\n\
             \n{line}\nb 1.0.0 (MIT)\n\nb's\n\n{line}\nc 1.0.0 (MIT)\n\n\n"
        );
        assert_eq!(written(&texts), expected);
    }

    #[test]
    fn what_is_linked_is_named_and_what_only_builds_is_not() {
        let place = tempfile::tempdir().unwrap();
        let package = |name: &str, source: Option<&str>| {
            json!({
                "id": name, "name": name, "version": "1.0.0", "license": "MIT",
                "source": source, "manifest_path": place.path().join("Cargo.toml")
            })
        };
        let dep = |to: &str, kind: Option<&str>| json!({"pkg": to, "dep_kinds": [{"kind": kind}]});
        let from = Some("registry");
        let graph = Graph::of(json!({
            "workspace_members": ["program", "core", "tool"],
            "packages": [
                package("program", None), package("core", None), package("tool", None),
                package("linked", from), package("builds", from), package("of-tool", from)],
            "resolve": {"nodes": [
                {"id": "program", "deps": [dep("core", None), dep("builds", Some("build"))]},
                {"id": "core", "deps": [dep("linked", None)]},
                {"id": "tool", "deps": [dep("of-tool", None)]}]}
        }));
        let text = gather(&["program"], &graph).unwrap();
        let line = "=".repeat(80);
        assert_eq!(text, format!("{HEAD}\n{line}\nlinked 1.0.0 (MIT)\n\n\n"));
    }
}
