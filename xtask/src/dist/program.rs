//! The archive of the programs, and of what belongs to them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Job;
use super::archive::{Content, Entry, Format};
use super::licence;
use crate::disk;
use crate::failure::Failure;
use crate::process;

const COMMAND: &str = "prove-token";
const SERVICE: &str = "prove-tokend";

/// The shells, and what a script for each is called where that shell looks for it.
const COMPLETIONS: [(&str, &str); 5] = [
    ("bash", "prove-token.bash"),
    ("zsh", "_prove-token"),
    ("fish", "prove-token.fish"),
    ("powershell", "prove-token.ps1"),
    ("elvish", "prove-token.elv"),
];

const PAPERS: [&str; 4] = ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];

/// The licences of what we did not write.
const THIRD_PARTY: &str = "LICENSES-THIRD-PARTY.txt";

/// What the programs are built from. There is no service on Windows.
const PACKAGES: &[&str] = if cfg!(windows) {
    &["prove-token-cli"]
} else {
    &["prove-token-cli", "prove-token-service"]
};

/// What systemd, Kubernetes and Prometheus take.
const DEPLOYMENTS: &[&str] = if cfg!(windows) {
    &[]
} else {
    &["crates/cli/deploy", "crates/service/deploy"]
};

/// Builds the programs, and puts them into an archive with all that belongs to them.
pub(super) fn pack(job: &Job<'_>) -> Result<(), Failure> {
    process::run(job.dated(&mut build(cfg!(windows))))?;
    let host = host()?;
    let name = format!("{COMMAND}-{}-{host}", job.workspace.version()?);
    let mut content = content(&job.workspace.root, &job.workspace.target)?;
    let licences = licence::collect(PACKAGES, &host)?;
    content.insert(THIRD_PARTY.to_owned(), Entry::text(licences));
    let format = Format::HERE;
    let file = format!("{name}.{}", format.extension());
    job.folder
        .add(&file, |out| format.write(out, &name, &content, job.seconds))
}

/// Released programs offer every place for secrets, and traces to whoever sets the
/// variables for them: who has a program and no compiler cannot add a feature.
fn build(without_service: bool) -> Command {
    let mut cargo = Command::new("cargo");
    // What is built for elsewhere could not be asked for its completions.
    cargo.env_remove("CARGO_BUILD_TARGET");
    cargo.args(["build", "--release", "--locked", "--bins"]);
    cargo.args(["--package", "prove-token-cli"]);
    if without_service {
        return with_features(cargo, "prove-token-cli/secret-service");
    }
    cargo.args(["--package", "prove-token-service"]);
    with_features(
        cargo,
        "prove-token-cli/secret-service,prove-token-cli/otlp,\
         prove-token-service/secret-service,prove-token-service/otlp",
    )
}

fn with_features(mut cargo: Command, features: &str) -> Command {
    cargo.args(["--features", features]);
    cargo
}

/// For which platform this compiler builds.
fn host() -> Result<String, Failure> {
    let said = process::capture(Command::new("rustc").arg("-vV"))?;
    host_in(&said)
        .map(str::to_owned)
        .ok_or_else(|| Failure::failed("`rustc -vV` names no host"))
}

fn host_in(said: &str) -> Option<&str> {
    said.lines().find_map(|line| line.strip_prefix("host: "))
}

fn content(root: &Path, target: &Path) -> Result<Content, Failure> {
    let programs = target.join("release");
    let command = process::executable(&programs, COMMAND);
    let mut content = Content::new();
    for name in programs_here() {
        let path = process::executable(&programs, name);
        let inside = format!("bin/{name}{}", std::env::consts::EXE_SUFFIX);
        content.insert(inside, Entry::program(bytes(&path)?));
    }
    for (shell, name) in COMPLETIONS {
        let script = process::capture(Command::new(&command).args(["completion", shell]))?;
        content.insert(format!("completions/{name}"), Entry::text(script));
    }
    for path in manual(&command, target)? {
        content.insert(below("man/man1", &path), Entry::text(bytes(&path)?));
    }
    for path in deployment(root)? {
        content.insert(below("deploy", &path), Entry::text(bytes(&path)?));
    }
    for name in PAPERS {
        content.insert(name.to_owned(), Entry::text(bytes(&root.join(name))?));
    }
    Ok(content)
}

fn programs_here() -> &'static [&'static str] {
    if cfg!(windows) {
        &[COMMAND]
    } else {
        &[COMMAND, SERVICE]
    }
}

/// The pages, written by the command itself.
fn manual(command: &Path, target: &Path) -> Result<Vec<PathBuf>, Failure> {
    let folder = target.join("dist-man");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| disk::failure("empty", &folder, &error))?;
    }
    process::capture(Command::new(command).args(["man", "--dir"]).arg(&folder))?;
    files(&folder)
}

/// What runs the programs as they come. The image is another thing: it is built from the
/// sources.
fn deployment(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut all = Vec::new();
    for folder in DEPLOYMENTS {
        all.extend(files(&root.join(folder))?);
    }
    all.retain(|path| !file_name(path).starts_with("Dockerfile"));
    Ok(all)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error| disk::failure("read", folder, &error);
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    entries
        .map(|entry| entry.map(|entry| entry.path()).map_err(unreadable))
        .collect()
}

fn below(folder: &str, path: &Path) -> String {
    format!("{folder}/{}", file_name(path))
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| disk::failure("read", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    #[test]
    fn the_platform_is_the_compilers() {
        let said = "rustc 1.95.0\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\nLLVM: 22\n";
        assert_eq!(host_in(said), Some("x86_64-unknown-linux-gnu"));
        assert_eq!(host_in("rustc 1.95.0"), None);
        assert!(host().unwrap().contains(std::env::consts::ARCH));
    }

    #[test]
    fn released_programs_have_every_feature() {
        let everywhere = process::line(&build(false));
        for feature in ["cli/secret-service", "cli/otlp", "service/otlp", "--locked"] {
            assert!(everywhere.contains(feature), "{feature}: {everywhere}");
        }
        assert!(!process::line(&build(true)).contains("service/"));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_deployed_comes_along_and_what_builds_stays() {
        let root = root();
        let mut names: Vec<_> = deployment(&root)
            .unwrap()
            .iter()
            .map(|p| file_name(p))
            .collect();
        names.sort();
        let expected = [
            "alerts.yaml",
            "kubernetes.yaml",
            "prove-token-watch.service",
            "prove-tokend.service",
            "prove-tokend.socket",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn the_papers_are_there() {
        for name in PAPERS {
            assert!(!bytes(&root().join(name)).unwrap().is_empty(), "{name}");
        }
    }
}
