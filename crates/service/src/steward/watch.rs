//! Tells when files change: by what is in them, as soon as the system says that
//! something happened in their folders, and every few seconds in any case.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use prove_token_config::FileFingerprints;
use tokio::sync::mpsc;

use crate::notice::{Notice, Observer};

/// Between two looks where the system says nothing, as on network file systems.
const POLL: Duration = Duration::from_secs(3);

/// Whoever writes a file is given so long to come to its end, and so often.
const SETTLE: Duration = Duration::from_millis(50);
const MOST_LOOKS: u32 = 20;

/// Files, and what was in them when this was last told.
pub(super) struct Watch {
    fingerprints: FileFingerprints,
    files: Vec<(PathBuf, Option<u64>)>,
    folders: BTreeSet<PathBuf>,
    watcher: Option<RecommendedWatcher>,
    events: mpsc::Receiver<()>,
    wake: mpsc::Sender<()>,
}

impl Watch {
    pub(super) fn new(fingerprints: FileFingerprints, observer: &Observer) -> Self {
        // One event is as good as many.
        let (sender, events) = mpsc::channel(1);
        let wake = sender.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.map_or(true, |event| may_change(&event.kind)) {
                let _ = wake.try_send(());
            }
        });
        if let Err(error) = &watcher {
            observer.tell(&Notice::NotWatching {
                problem: &error.to_string(),
            });
        }
        Self {
            fingerprints,
            files: Vec::new(),
            folders: BTreeSet::new(),
            watcher: watcher.ok(),
            events,
            wake: sender,
        }
    }

    /// Watches these files from now on, of which `seen` tells what was in them before.
    pub(super) fn follow(&mut self, seen: &[(PathBuf, Option<u64>)]) {
        self.files = seen.to_vec();
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        let folders: BTreeSet<_> = seen.iter().flat_map(|(path, _)| folders(path)).collect();
        for folder in self.folders.difference(&folders) {
            let _ = watcher.unwatch(folder);
        }
        // Again, too: it may be another folder of the same name. One that cannot be
        // watched is looked at.
        for folder in &folders {
            let _ = watcher.watch(folder, RecursiveMode::NonRecursive);
        }
        self.folders = folders;
        // What happened meanwhile was no event.
        let _ = self.wake.try_send(());
    }

    /// Ends when there is something else in a file than before.
    pub(super) async fn changed(&mut self) {
        loop {
            tokio::select! {
                _ = self.events.recv() => tokio::time::sleep(SETTLE).await,
                () = tokio::time::sleep(POLL) => {}
            }
            while self.events.try_recv().is_ok() {}
            let now = self.settled().await;
            if now != self.files {
                self.files = now;
                return;
            }
        }
    }

    /// What is in the files once that stays the same for a moment: whoever writes one in
    /// place is seen with half of it. Who never comes to an end is not waited for.
    async fn settled(&self) -> Vec<(PathBuf, Option<u64>)> {
        let mut now = self.look().await;
        for _ in 0..MOST_LOOKS {
            if now == self.files {
                break;
            }
            tokio::time::sleep(SETTLE).await;
            let again = self.look().await;
            if again == now {
                break;
            }
            now = again;
        }
        now
    }

    /// What is in the files, read on a thread for blocking work.
    async fn look(&self) -> Vec<(PathBuf, Option<u64>)> {
        let paths: Vec<_> = self.files.iter().map(|(path, _)| path.clone()).collect();
        let fingerprints = self.fingerprints.clone();
        let look = move || {
            let of = |path: PathBuf| {
                let seen = fingerprints.of(&path);
                (path, seen)
            };
            paths.into_iter().map(of).collect()
        };
        let seen = tokio::task::spawn_blocking(look).await;
        seen.unwrap_or_else(|_| self.files.clone())
    }
}

/// Whether something is different afterwards: reading a file is an event as well.
fn may_change(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

/// The folders in which the content of `path` can be replaced: its own, and those of the
/// links that it leads over.
fn folders(path: &Path) -> Vec<PathBuf> {
    /// As many as the kernel follows.
    const MOST_LINKS: usize = 40;
    let mut folders = Vec::new();
    // A relative path has no folder of its own to be watched.
    let mut next = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for _ in 0..MOST_LINKS {
        let Some(folder) = next.parent().map(Path::to_owned) else {
            break;
        };
        // A folder of the path may be a link, as Kubernetes has it.
        folders.extend(folder.canonicalize());
        if let Some(above) = folder.parent().filter(|_| folder.is_symlink()) {
            folders.push(above.to_owned());
        }
        match std::fs::read_link(&next) {
            Ok(target) => next = folder.join(target),
            Err(_) => break,
        }
    }
    folders
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_is_no_change() {
        use notify::event::{CreateKind, ModifyKind, RemoveKind};
        for (kind, expected) in [
            (EventKind::Access(AccessKind::Open(AccessMode::Any)), false),
            (EventKind::Access(AccessKind::Read), false),
            (
                EventKind::Access(AccessKind::Close(AccessMode::Read)),
                false,
            ),
            (
                EventKind::Access(AccessKind::Close(AccessMode::Write)),
                true,
            ),
            (EventKind::Create(CreateKind::File), true),
            (EventKind::Modify(ModifyKind::Any), true),
            (EventKind::Remove(RemoveKind::File), true),
            (EventKind::Any, true),
        ] {
            assert_eq!(may_change(&kind), expected, "{kind:?}");
        }
    }

    #[test]
    fn every_folder_on_the_way_is_watched() {
        use std::os::unix::fs::symlink;
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        for folder in ["mount/..one", "elsewhere"] {
            std::fs::create_dir_all(home.join(folder)).unwrap();
        }
        std::fs::write(home.join("mount/..one/key"), "x").unwrap();
        symlink("..one", home.join("mount/..data")).unwrap();
        symlink("..data/key", home.join("mount/key")).unwrap();
        symlink("../mount/key", home.join("elsewhere/key")).unwrap();
        let found = folders(&home.join("elsewhere/key"));
        for folder in ["elsewhere", "mount", "mount/..one"] {
            assert!(found.contains(&home.join(folder)), "{folder}: {found:?}");
        }
        assert!(folders(Path::new("/none/at/all")).is_empty());
        // Tests run in the folder of their package.
        let here = Path::new(env!("CARGO_MANIFEST_DIR"))
            .canonicalize()
            .unwrap();
        assert_eq!(folders(Path::new("Cargo.toml")), [here]);
    }
}
