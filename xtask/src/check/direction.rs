//! What a crate must not know: the direction of the dependencies.
//!
//! `crates/README.md` explains it. The table is complete, so a new edge or a new
//! crate fails until someone decides here that it may be.

use std::collections::BTreeSet;

use super::{Outcome, verdict};
use crate::failure::Failure;
use crate::workspace::{Kind, Package, Workspace};

const CORE: &str = "prove-token";
const TESTS: &str = "prove-token-tests";

/// Who may depend on whom, in every table of its manifest.
///
/// The end-to-end tests are not here: they may use every crate.
const ALLOWED: &[(&str, &[&str])] = &[
    (CORE, &[]),
    ("prove-token-emulator", &[]),
    ("prove-token-config", &[CORE]),
    (
        "prove-token-service",
        &[CORE, "prove-token-config", "prove-token-emulator"],
    ),
    (
        "prove-token-cli",
        &[
            CORE,
            "prove-token-config",
            "prove-token-emulator",
            "prove-token-service",
        ],
    ),
    (
        "prove-token-python",
        &[
            CORE,
            "prove-token-cli",
            "prove-token-config",
            "prove-token-emulator",
        ],
    ),
    ("xtask", &[]),
];

/// What the core leaves to its callers: front ends, configuration files, default
/// folders, metrics and log output. Its tests may use them.
const NOT_IN_CORE: &[&str] = &[
    "anyhow",
    "axum",
    "clap",
    "config",
    "directories",
    "dirs",
    "dotenvy",
    "etcetera",
    "figment",
    "metrics",
    "opentelemetry",
    "opentelemetry-otlp",
    "prometheus",
    "prometheus-client",
    "pyo3",
    "toml",
    "toml_edit",
    "tower-http",
    "tracing-subscriber",
];

/// How many crates a user of the core takes on with no feature turned on.
const CORE_DIRECT: usize = 15;

pub(super) fn run(workspace: &Workspace) -> Result<Outcome, Failure> {
    verdict(&problems(&workspace.packages))
}

fn problems(packages: &[Package]) -> Vec<String> {
    let mut problems = Vec::new();
    let ours: BTreeSet<&str> = packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    for package in packages {
        problems.extend(new_edges(package, &ours));
    }
    if let Some(core) = packages.iter().find(|package| package.name == CORE) {
        problems.extend(foreign_to_core(core));
        problems.extend(too_many_in_core(core));
    }
    problems
}

fn new_edges(package: &Package, ours: &BTreeSet<&str>) -> Vec<String> {
    let name = package.name.as_str();
    if name == TESTS {
        return Vec::new();
    }
    let Some((_, allowed)) = ALLOWED.iter().find(|(from, _)| *from == name) else {
        return vec![format!(
            "{name}: a new crate; decide in xtask/src/check/direction.rs what it may know"
        )];
    };
    package
        .dependencies
        .iter()
        .filter(|to| ours.contains(to.name.as_str()) && !allowed.contains(&to.name.as_str()))
        .map(|to| format!("{name}: must not know {} ([{}])", to.name, to.kind.table()))
        .collect()
}

fn foreign_to_core(core: &Package) -> Vec<String> {
    core.dependencies
        .iter()
        .filter(|to| to.kind != Kind::Dev && NOT_IN_CORE.contains(&to.name.as_str()))
        .map(|to| {
            format!(
                "{CORE}: {} belongs to a front end ([{}])",
                to.name,
                to.kind.table()
            )
        })
        .collect()
}

fn too_many_in_core(core: &Package) -> Option<String> {
    // A crate may stand in several tables, one for each platform.
    let direct: BTreeSet<&str> = core
        .dependencies
        .iter()
        .filter(|to| to.kind == Kind::Normal && !to.optional)
        .map(|to| to.name.as_str())
        .collect();
    (direct.len() > CORE_DIRECT).then(|| {
        format!(
            "{CORE}: {} direct dependencies, at most {CORE_DIRECT}",
            direct.len()
        )
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::workspace::Dependency;

    fn package(name: &str, dependencies: &[(&str, Kind)]) -> Package {
        Package {
            name: name.to_owned(),
            version: String::new(),
            manifest: PathBuf::new(),
            features: Vec::new(),
            dependencies: dependencies
                .iter()
                .map(|(name, kind)| dependency(name, *kind))
                .collect(),
        }
    }

    fn dependency(name: &str, kind: Kind) -> Dependency {
        Dependency {
            name: name.to_owned(),
            kind,
            optional: false,
        }
    }

    #[test]
    fn the_designed_edges_pass() {
        let packages = [
            package(
                CORE,
                &[("http", Kind::Normal), ("tracing-subscriber", Kind::Dev)],
            ),
            package("prove-token-emulator", &[("http", Kind::Normal)]),
            package(
                "prove-token-config",
                &[(CORE, Kind::Normal), ("toml", Kind::Normal)],
            ),
            package(
                "prove-token-cli",
                &[(CORE, Kind::Normal), ("prove-token-emulator", Kind::Dev)],
            ),
            package(
                TESTS,
                &[
                    ("prove-token-cli", Kind::Dev),
                    ("prove-token-emulator", Kind::Normal),
                ],
            ),
        ];
        assert_eq!(problems(&packages), [""; 0]);
    }

    #[test]
    fn a_new_edge_fails_in_every_table() {
        for kind in [Kind::Normal, Kind::Dev, Kind::Build] {
            let packages = [
                package(CORE, &[("prove-token-emulator", kind)]),
                package("prove-token-emulator", &[]),
            ];
            let found = problems(&packages);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains("must not know prove-token-emulator"));
            assert!(found[0].contains(kind.table()));
        }
    }

    #[test]
    fn an_unknown_crate_fails() {
        let found = problems(&[package("prove-token-new", &[])]);
        assert!(
            found[0].contains("prove-token-new: a new crate"),
            "{found:?}"
        );
    }

    #[test]
    fn the_core_knows_no_configuration_file() {
        let found = problems(&[package(
            CORE,
            &[("toml", Kind::Normal), ("clap", Kind::Build)],
        )]);
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn the_core_stays_small() {
        let names: Vec<String> = (0..16).map(|i| format!("crate-{i}")).collect();
        let with = |count: usize| {
            let mut core = package(CORE, &[]);
            core.dependencies = names[..count]
                .iter()
                .map(|n| dependency(n, Kind::Normal))
                .collect();
            core
        };
        assert_eq!(problems(&[with(15)]), [""; 0]);
        assert!(problems(&[with(16)])[0].contains("16 direct dependencies"));

        let mut optional = with(15);
        let layer = Dependency {
            optional: true,
            ..dependency("tower", Kind::Normal)
        };
        optional
            .dependencies
            .extend([layer, dependency("crate-0", Kind::Normal)]);
        assert_eq!(problems(&[optional]), [""; 0]);
    }
}
