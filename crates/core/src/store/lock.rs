//! Leases by locked files: one holder at a time among the processes of a machine.
//!
//! A key has two lock files, which are never unlinked. Whoever locks the first is the
//! holder, and sets its time of modification each second. When it is locked but its
//! time stands still, the holder was stopped; the second file, used the same way, then
//! elects one to take over. The kernel frees the locks of a process that dies.
//!
//! Locking a file and setting its time are two steps, between which the time is that
//! of an earlier holder. So both sides say that they are there before they look for
//! the other: the one who locked the first file sets its time and then looks at the
//! second; the one who locked the second sets its time and then looks at the first.
//! Whatever the order, at least one of them sees the other, and gives way.

use std::fs::{File, TryLockError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Lease, StoreError, StoreErrorKind};

/// How long a holder may stand still.
const STALE: Duration = Duration::from_secs(3);

/// The right that a locked file stands for.
#[derive(Debug)]
pub(super) struct FileLease {
    file: File,
    /// Forked children inherit the file, and must not give it back.
    process: u32,
    /// Whether this is the second file, whose time is cleared at the end.
    took_over: bool,
}

/// A lease, or `None` while another holder is at work.
pub(super) fn try_lease(
    first: File,
    second: File,
    wall: Duration,
) -> Result<Option<FileLease>, StoreError> {
    if lock(&first)? {
        let lease = FileLease::begin(first, false, wall)?;
        return Ok((!is_at_work(&second, wall)?).then_some(lease));
    }
    if is_fresh(&first, wall)? {
        return Ok(None);
    }
    take_over(&first, second, wall)
}

/// The same, when the holder of the first file seems to be stopped.
fn take_over(first: &File, second: File, wall: Duration) -> Result<Option<FileLease>, StoreError> {
    if lock(&second)? {
        let lease = FileLease::begin(second, true, wall)?;
        return Ok((!is_fresh(first, wall)?).then_some(lease));
    }
    // Cleared: it was locked just now, and its time is about to be set. A fresh first
    // file: its new holder is looking at the second.
    let time = time(&second)?;
    if time.is_zero() || time.abs_diff(wall) <= STALE || is_fresh(first, wall)? {
        return Ok(None);
    }
    Err(unavailable("both who asked for this token stand still"))
}

/// Whether somebody who took over is at work. If not, the time of the second file is
/// cleared: whoever locks it next is then seen to have just done so.
fn is_at_work(second: &File, wall: Duration) -> Result<bool, StoreError> {
    if !lock(second)? {
        return is_fresh(second, wall);
    }
    let cleared = second.set_modified(UNIX_EPOCH);
    second
        .unlock()
        .and(cleared)
        .map_err(|_| unavailable("a lock cannot be given back"))?;
    Ok(false)
}

impl FileLease {
    /// Takes over the lock on `file`, and gives it back if its time cannot be set.
    fn begin(file: File, took_over: bool, wall: Duration) -> Result<Self, StoreError> {
        let mut lease = Self {
            file,
            process: std::process::id(),
            took_over,
        };
        lease.keep(wall)?;
        Ok(lease)
    }
}

impl Lease for FileLease {
    fn keep(&mut self, wall: Duration) -> Result<(), StoreError> {
        UNIX_EPOCH
            .checked_add(wall)
            .and_then(|time| self.file.set_modified(time).ok())
            .ok_or_else(|| unavailable("the time of a lock cannot be set"))
    }
}

/// Unlocked and not just closed: a child that inherited the file keeps it open.
impl Drop for FileLease {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            return;
        }
        // Nobody is left to be told of a failure, and closing the file comes next.
        if self.took_over {
            let _ = self.file.set_modified(UNIX_EPOCH);
        }
        let _ = self.file.unlock();
    }
}

/// Whether the lock was free, and is ours now.
pub(super) fn lock(file: &File) -> Result<bool, StoreError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(unavailable(format!(
            "this file system gives no locks: {}",
            error.kind()
        ))),
    }
}

fn is_fresh(file: &File, wall: Duration) -> Result<bool, StoreError> {
    Ok(time(file)?.abs_diff(wall) <= STALE)
}

/// When the file was modified, since 1970.
fn time(file: &File) -> Result<Duration, StoreError> {
    let modified: SystemTime = file
        .metadata()
        .and_then(|metadata| metadata.modified())
        .map_err(|_| unavailable("the time of a lock cannot be read"))?;
    Ok(modified
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO))
}

fn unavailable(text: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, text)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const NOW: Duration = Duration::from_secs(1_700_000_000);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn open(folder: &Path, name: &str) -> File {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        options.open(folder.join(name)).unwrap()
    }

    fn ask(folder: &Path, wall: Duration) -> Result<Option<FileLease>, StoreError> {
        try_lease(open(folder, "first"), open(folder, "second"), wall)
    }

    fn is_granted(folder: &Path, wall: Duration) -> bool {
        ask(folder, wall).unwrap().is_some()
    }

    #[test]
    fn there_is_one_holder_until_it_gives_back() {
        let folder = tempfile::tempdir().unwrap();
        let lease = ask(folder.path(), NOW).unwrap().unwrap();
        // Clocks may differ by as much in either direction.
        for wall in [NOW, NOW + STALE, NOW - STALE] {
            assert!(!is_granted(folder.path(), wall));
        }
        drop(lease);
        assert!(is_granted(folder.path(), NOW));
    }

    #[test]
    fn a_holder_that_keeps_its_lease_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut lease = ask(folder.path(), NOW).unwrap().unwrap();
        for second in 1..20 {
            lease.keep(NOW + seconds(second)).unwrap();
            assert!(!is_granted(folder.path(), NOW + seconds(second)));
        }
    }

    #[test]
    fn one_takes_over_from_a_holder_that_stands_still() {
        let folder = tempfile::tempdir().unwrap();
        let _stopped = ask(folder.path(), NOW).unwrap().unwrap();
        for wall in [NOW + seconds(4), NOW - seconds(4)] {
            let second = ask(folder.path(), wall).unwrap().unwrap();
            assert!(!is_granted(folder.path(), wall));
            drop(second);
        }
        assert!(is_granted(folder.path(), NOW + seconds(4)));
    }

    #[test]
    fn nothing_is_left_when_both_stand_still() {
        let folder = tempfile::tempdir().unwrap();
        let _stopped = ask(folder.path(), NOW).unwrap().unwrap();
        let mut second = ask(folder.path(), NOW + seconds(4)).unwrap().unwrap();
        let later = NOW + seconds(8);
        let error = ask(folder.path(), later).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        second.keep(later).unwrap();
        assert!(!is_granted(folder.path(), later));
    }

    #[test]
    fn the_end_of_a_stopped_holder_gives_nobody_the_place_of_its_successor() {
        let folder = tempfile::tempdir().unwrap();
        let stopped = ask(folder.path(), NOW).unwrap().unwrap();
        let wall = NOW + seconds(4);
        let second = ask(folder.path(), wall).unwrap().unwrap();
        drop(stopped);
        assert!(!is_granted(folder.path(), wall));
        drop(second);
        assert!(is_granted(folder.path(), wall));
    }

    #[test]
    fn a_successor_that_was_never_seen_is_about_to_begin() {
        let folder = tempfile::tempdir().unwrap();
        let _stopped = ask(folder.path(), NOW).unwrap().unwrap();
        let wall = NOW + seconds(4);
        let begun = open(folder.path(), "second");
        begun.try_lock().unwrap();
        assert!(!is_granted(folder.path(), wall + seconds(60)));
    }

    /// All files are free, and old: the moment in which locking and setting the time
    /// are two steps.
    #[test]
    fn of_many_who_ask_at_once_one_at_most_is_granted() {
        const THREADS: usize = 4;
        let folder = tempfile::tempdir().unwrap();
        let (barrier, granted) = (Barrier::new(THREADS), AtomicUsize::new(0));
        let cycle = |number: u64| {
            // Older than the leases before.
            let wall = NOW + seconds(10 * number);
            barrier.wait();
            let lease = ask(folder.path(), wall);
            // A failure counts as too many: to panic here would keep the others waiting.
            let count = lease
                .as_ref()
                .map_or(2, |lease| usize::from(lease.is_some()));
            granted.fetch_add(count, Ordering::SeqCst);
            barrier.wait();
            let count = granted.load(Ordering::SeqCst);
            drop(lease);
            if barrier.wait().is_leader() {
                granted.store(0, Ordering::SeqCst);
            }
            count
        };
        let counts: Vec<Vec<usize>> = std::thread::scope(|scope| {
            let run = || (0..1000).map(cycle).collect();
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        let most = counts.iter().flatten().max();
        assert_eq!(most, Some(&1));
    }
}
