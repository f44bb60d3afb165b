//! What `cargo metadata` says about this workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::failure::Failure;
use crate::process;

/// The workspace: its folders and its own packages.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// One of our own packages.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) manifest: PathBuf,
    pub(crate) features: Vec<String>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line of a manifest's dependency tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
}

/// Which table a dependency stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Dev,
    Build,
}

impl Workspace {
    /// Asks Cargo about the workspace of the current folder.
    pub(crate) fn load() -> Result<Self, Failure> {
        let mut command = Command::new("cargo");
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        Self::parse(&process::capture(&mut command)?)
    }

    /// Reads the answer of `cargo metadata --format-version 1`.
    pub(crate) fn parse(json: &str) -> Result<Self, Failure> {
        let unreadable = |what: &str| Failure::failed(format!("cargo metadata: {what}"));
        let value: Value =
            serde_json::from_str(json).map_err(|error| unreadable(&error.to_string()))?;
        let packages = value["packages"]
            .as_array()
            .and_then(|packages| packages.iter().map(package).collect::<Option<Vec<_>>>())
            .filter(|packages| !packages.is_empty())
            .ok_or_else(|| unreadable("no readable list of packages"))?;
        Ok(Self {
            root: path(&value["workspace_root"]).ok_or_else(|| unreadable("no root"))?,
            target: path(&value["target_directory"]).ok_or_else(|| unreadable("no target"))?,
            packages,
        })
    }

    pub(crate) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }

    /// The one version of all that is published.
    pub(crate) fn version(&self) -> Result<&str, Failure> {
        self.package("prove-token")
            .map(|core| core.version.as_str())
            .ok_or_else(|| Failure::failed("cargo metadata: no package prove-token"))
    }

    /// A path below the root as text with forward slashes, for messages and tables.
    pub(crate) fn relative(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.root).unwrap_or(path);
        path.to_string_lossy().replace('\\', "/")
    }
}

impl Kind {
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::Normal => "dependencies",
            Self::Dev => "dev-dependencies",
            Self::Build => "build-dependencies",
        }
    }
}

fn package(value: &Value) -> Option<Package> {
    Some(Package {
        name: text(&value["name"])?,
        version: text(&value["version"])?,
        manifest: path(&value["manifest_path"])?,
        features: value["features"].as_object()?.keys().cloned().collect(),
        dependencies: value["dependencies"]
            .as_array()?
            .iter()
            .map(dependency)
            .collect::<Option<_>>()?,
    })
}

fn dependency(value: &Value) -> Option<Dependency> {
    let kind = match value["kind"].as_str() {
        None => Kind::Normal,
        Some("dev") => Kind::Dev,
        Some("build") => Kind::Build,
        Some(_) => return None,
    };
    Some(Dependency {
        name: text(&value["name"])?,
        kind,
        optional: value["optional"].as_bool()?,
    })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn path(value: &Value) -> Option<PathBuf> {
    value.as_str().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_of_this_workspace_is_read() {
        let workspace = Workspace::load().unwrap();
        let ours = workspace.package("xtask").unwrap();
        assert_eq!(workspace.relative(&ours.manifest), "xtask/Cargo.toml");
        assert!(ours.dependencies.contains(&Dependency {
            name: "serde_json".to_owned(),
            kind: Kind::Normal,
            optional: false,
        }));
    }

    #[test]
    fn metadata_without_packages_is_refused() {
        for json in [
            "",
            "{}",
            r#"{"packages":[]}"#,
            r#"{"packages":[{"name":"a"}]}"#,
        ] {
            assert!(Workspace::parse(json).is_err(), "{json}");
        }
    }

    #[test]
    fn tables_and_options_are_told_apart() {
        let json = r#"{"workspace_root":"/w","target_directory":"/w/target","packages":[{
            "name":"a","version":"1.2.3","manifest_path":"/w/a/Cargo.toml","features":{"f":["x"]},"dependencies":[
              {"name":"x","kind":null,"optional":true},
              {"name":"y","kind":"dev","optional":false},
              {"name":"z","kind":"build","optional":false}]}]}"#;
        let workspace = Workspace::parse(json).unwrap();
        assert_eq!(workspace.packages[0].version, "1.2.3");
        assert_eq!(workspace.packages[0].features, ["f"]);
        let seen: Vec<_> = workspace.packages[0]
            .dependencies
            .iter()
            .map(|d| (d.name.as_str(), d.kind, d.optional))
            .collect();
        assert_eq!(
            seen,
            [
                ("x", Kind::Normal, true),
                ("y", Kind::Dev, false),
                ("z", Kind::Build, false)
            ]
        );
    }
}
