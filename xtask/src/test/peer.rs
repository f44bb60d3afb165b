//! The optional peers of the interop tests, prepared below the target folder.
//!
//! `tests/interop/README.md` says what they are. Each is installed once, from its
//! lock file; a stamp beside it holds the text of that lock file and is written
//! last, so an interrupted or outdated installation is made anew.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::disk::{failure as disk, read};
use crate::failure::Failure;
use crate::process;
use crate::python;

/// The lowest Node.js that runs oidc-provider: `jose` needs its global Web Crypto. The
/// SDK needs its `fetch`.
const NODE_MAJOR: u32 = 20;

/// A peer or a tool that cannot be had on this machine.
#[derive(Debug)]
pub(crate) struct Missing {
    pub(crate) name: &'static str,
    /// The package whose tests want it.
    pub(crate) package: &'static str,
    /// The path that the names of its tests begin with.
    pub(crate) prefix: &'static str,
    pub(crate) why: Failure,
}

struct Peer {
    name: &'static str,
    prefix: &'static str,
    /// What is copied beside the installation; the first is the lock file.
    files: &'static [&'static str],
    /// What must be there for an installation to count as one.
    installed: fn(&Path) -> PathBuf,
    available: fn() -> Result<(), Failure>,
    install: fn(&Path) -> Result<(), Failure>,
}

const PEERS: [Peer; 5] = [
    Peer {
        name: "oidc-provider",
        prefix: "interop::oidc_provider::",
        files: &["package-lock.json", "package.json", "server.mjs"],
        installed: |folder| folder.join("node_modules/oidc-provider/package.json"),
        available: node_is_available,
        install: npm_ci,
    },
    Peer {
        name: "authlib",
        prefix: "interop::authlib::",
        files: &["requirements.txt", "server.py"],
        installed: python::interpreter,
        available: || version(python::NAME).map(drop),
        install: python::install,
    },
    Peer {
        name: "oauth-clients",
        prefix: "interop::oauth_clients::",
        files: &["requirements.txt", "calls.py"],
        installed: python::interpreter,
        available: || version(python::NAME).map(drop),
        install: python::install,
    },
    Peer {
        name: "prove-sdk",
        prefix: "interop::prove_sdk::",
        files: &["package-lock.json", "package.json", "calls.mjs"],
        installed: |folder| folder.join("node_modules/@prove-identity/prove-api/package.json"),
        available: node_is_available,
        install: npm_ci,
    },
    Peer {
        name: "schemathesis",
        prefix: "interop::schemathesis::",
        files: &["requirements.txt"],
        installed: python::interpreter,
        available: || version(python::NAME).map(drop),
        install: python::install,
    },
];

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Prepares every peer from its files in `sources` and returns those that cannot be had.
///
/// A failure is one of this machine's disk; a peer that does not install is missing.
pub(crate) fn prepare_all(sources: &Path, target: &Path) -> Result<Vec<Missing>, Failure> {
    fs::create_dir_all(target).map_err(|error| disk("create", target, &error))?;
    // Two runs at once must not install into one folder.
    let lock = target.join("lock");
    let _held = File::create(&lock)
        .and_then(|file| file.lock().map(|()| file))
        .map_err(|error| disk("lock", &lock, &error))?;

    let mut missing = Vec::new();
    for peer in &PEERS {
        let folder = target.join(peer.name);
        copy(&sources.join(peer.name), &folder, peer.files)?;
        if let Err(why) = prepare(peer, &folder) {
            missing.push(Missing {
                name: peer.name,
                package: "prove-token-tests",
                prefix: peer.prefix,
                why,
            });
        }
    }
    Ok(missing)
}

fn prepare(peer: &Peer, folder: &Path) -> Result<(), Failure> {
    (peer.available)()?;
    let lock = read(&folder.join(peer.files[0]))?;
    let stamp = folder.join("installed");
    let current = fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock);
    if current && (peer.installed)(folder).is_file() {
        return Ok(());
    }
    (peer.install)(folder)?;
    fs::write(&stamp, lock).map_err(|error| disk("write", &stamp, &error))
}

fn copy(source: &Path, folder: &Path, files: &[&str]) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| disk("create", folder, &error))?;
    for file in files {
        let from = source.join(file);
        fs::copy(&from, folder.join(file)).map_err(|error| disk("copy", &from, &error))?;
    }
    Ok(())
}

fn node_is_available() -> Result<(), Failure> {
    let node = version("node")?;
    if major(&node).is_none_or(|major| major < NODE_MAJOR) {
        return Err(Failure::failed(format!(
            "`node` is {node}, and the peer needs {NODE_MAJOR} or later"
        )));
    }
    version(NPM).map(drop)
}

fn npm_ci(folder: &Path) -> Result<(), Failure> {
    // No package here needs a script of its own to be installed.
    let flags = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    process::run(Command::new(NPM).args(flags).current_dir(folder))
}

fn version(program: &str) -> Result<String, Failure> {
    process::capture(Command::new(program).arg("--version")).map(|text| text.trim().to_owned())
}

/// The major number of a version like `v20.20.2`.
fn major(version: &str) -> Option<u32> {
    version
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static INSTALLATIONS: AtomicUsize = AtomicUsize::new(0);

    #[test]
    fn node_versions_are_read() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("18"), Some(18));
        assert_eq!(major("node"), None);
    }

    #[test]
    fn a_peer_is_installed_once_per_lock_file() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path();
        let peer = Peer {
            name: "fake",
            prefix: "interop::fake::",
            files: &["lock.txt"],
            installed: |folder| folder.join("program"),
            available: || Ok(()),
            install: |folder| {
                INSTALLATIONS.fetch_add(1, Ordering::Relaxed);
                fs::write(folder.join("program"), "").map_err(|e| disk("write", folder, &e))
            },
        };
        let prepared = |lock: &str| {
            fs::write(folder.join("lock.txt"), lock).unwrap();
            prepare(&peer, folder).unwrap();
            INSTALLATIONS.load(Ordering::Relaxed)
        };
        assert_eq!(prepared("one"), 1);
        assert_eq!(prepared("one"), 1);
        assert_eq!(prepared("two"), 2);
        fs::remove_file(folder.join("program")).unwrap();
        assert_eq!(prepared("two"), 3);
    }

    #[test]
    fn a_failed_installation_leaves_no_stamp() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path();
        fs::write(folder.join("lock.txt"), "one").unwrap();
        let peer = Peer {
            name: "fake",
            prefix: "interop::fake::",
            files: &["lock.txt"],
            installed: |folder| folder.join("lock.txt"),
            available: || Ok(()),
            install: |_| Err(Failure::failed("offline")),
        };
        assert_eq!(prepare(&peer, folder).unwrap_err().to_string(), "offline");
        assert_eq!(prepare(&peer, folder).unwrap_err().to_string(), "offline");
    }

    #[test]
    fn the_files_of_every_peer_exist() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/interop");
        for peer in &PEERS {
            for file in peer.files {
                assert!(
                    sources.join(peer.name).join(file).is_file(),
                    "{} {file}",
                    peer.name
                );
            }
        }
    }
}
