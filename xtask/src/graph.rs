//! What is below our packages, as Cargo resolves it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::failure::Failure;
use crate::process;
use crate::workspace::Kind;

/// The answer of `cargo metadata`, with every feature turned on.
#[derive(Debug)]
pub(crate) struct Graph(Value);

impl Graph {
    /// Asks Cargo about the workspace of the current folder, for one platform or for all.
    pub(crate) fn load(platform: Option<&str>) -> Result<Self, Failure> {
        let mut cargo = Command::new("cargo");
        cargo.args(["metadata", "--format-version", "1", "--all-features"]);
        if let Some(platform) = platform {
            cargo.args(["--filter-platform", platform]);
        }
        serde_json::from_str(&process::capture(&mut cargo)?)
            .map(Self)
            .map_err(|error| Failure::failed(format!("cargo metadata: {error}")))
    }

    #[cfg(test)]
    pub(crate) fn of(json: Value) -> Self {
        Self(json)
    }

    /// The packages of the workspace.
    pub(crate) fn ours(&self) -> impl Iterator<Item = &Value> {
        let packages = by_id(&self.0["packages"]);
        list(&self.0["workspace_members"]).filter_map(move |id| packages.get(id.as_str()?).copied())
    }

    /// `package`, and what it is made of by dependencies of these kinds.
    pub(crate) fn below(&self, package: &Value, kinds: &[Kind]) -> Vec<&Value> {
        let packages = by_id(&self.0["packages"]);
        let nodes = by_id(&self.0["resolve"]["nodes"]);
        let mut left: Vec<&str> = packages
            .keys()
            .filter(|id| package["id"] == **id)
            .copied()
            .collect();
        let mut seen = BTreeSet::new();
        while let Some(id) = left.pop() {
            if !seen.insert(id) {
                continue;
            }
            let edges = nodes.get(id).map(|node| list(&node["deps"]));
            for edge in edges.into_iter().flatten() {
                if list(&edge["dep_kinds"]).any(|kind| kinds.contains(&kind_of(kind))) {
                    left.extend(edge["pkg"].as_str());
                }
            }
        }
        seen.iter()
            .filter_map(|id| packages.get(id).copied())
            .collect()
    }
}

fn kind_of(value: &Value) -> Kind {
    match value["kind"].as_str() {
        None => Kind::Normal,
        Some("build") => Kind::Build,
        Some(_) => Kind::Dev,
    }
}

fn by_id(array: &Value) -> BTreeMap<&str, &Value> {
    list(array)
        .filter_map(|value| Some((value["id"].as_str()?, value)))
        .collect()
}

fn list(array: &Value) -> impl Iterator<Item = &Value> {
    array.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_kinds_that_are_asked_for_are_followed() {
        let node = |id: &str, deps: &[(&str, Option<&str>)]| {
            let deps: Vec<_> = deps
                .iter()
                .map(|(to, kind)| json!({"pkg": to, "dep_kinds": [{"kind": kind}]}))
                .collect();
            json!({"id": id, "deps": deps})
        };
        let packages: Vec<_> = ["ours", "a", "b", "c", "d"]
            .iter()
            .map(|id| json!({"id": id}))
            .collect();
        let graph = Graph::of(json!({
            "workspace_members": ["ours"],
            "packages": packages,
            "resolve": {"nodes": [
                node("ours", &[("a", None), ("b", Some("build")), ("c", Some("dev"))]),
                // A circle ends.
                node("a", &[("ours", Some("dev")), ("d", None), ("a", None)])]}
        }));
        let ours = graph.ours().next().unwrap();
        let below = |kinds: &[Kind]| {
            let found = graph.below(ours, kinds);
            let ids = found.iter().map(|package| package["id"].as_str().unwrap());
            ids.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(below(&[]), "ours");
        assert_eq!(below(&[Kind::Normal]), "a d ours");
        assert_eq!(below(&[Kind::Normal, Kind::Build]), "a b d ours");
        assert_eq!(below(&[Kind::Dev]), "c ours");
    }
}
