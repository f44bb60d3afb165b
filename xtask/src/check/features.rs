//! A package with features builds with none of them, with each alone, and with all:
//! the builds of the whole workspace see only one set.

use std::process::Command;

use super::Outcome;
use crate::failure::Failure;
use crate::process;
use crate::workspace::{Package, Workspace};

pub(super) fn run(workspace: &Workspace) -> Result<Outcome, Failure> {
    for package in &workspace.packages {
        for choice in choices(package) {
            let mut command = Command::new("cargo");
            command.args(["clippy", "--quiet", "--package", &package.name]);
            command.args(choice).args(["--", "-D", "warnings"]);
            process::run(&mut command)?;
        }
    }
    Ok(Outcome::Passed)
}

/// The arguments of each build; none for a package without features.
fn choices(package: &Package) -> Vec<Vec<&str>> {
    let features: Vec<&str> = package
        .features
        .iter()
        .map(String::as_str)
        .filter(|feature| *feature != "default")
        .collect();
    if features.is_empty() {
        return Vec::new();
    }
    let mut choices = vec![vec!["--no-default-features"]];
    if features.len() > 1 {
        for feature in &features {
            choices.push(vec!["--no-default-features", "--features", feature]);
        }
    }
    // With their tests: the lints of the whole workspace see those of no feature.
    choices.push(vec!["--all-features", "--all-targets"]);
    choices
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn count(features: &[&str]) -> usize {
        let package = Package {
            name: "a".to_owned(),
            version: String::new(),
            manifest: PathBuf::new(),
            features: features.iter().map(|name| (*name).to_owned()).collect(),
            dependencies: Vec::new(),
        };
        choices(&package).len()
    }

    #[test]
    fn every_feature_is_built_alone() {
        assert_eq!(count(&[]), 0);
        assert_eq!(count(&["default"]), 0);
        assert_eq!(count(&["default", "a"]), 2);
        assert_eq!(count(&["a", "b"]), 4);
    }
}
