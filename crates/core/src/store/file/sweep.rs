//! Tidying up, a little with each save.

use std::fs::File;
use std::io::Read as _;
use std::time::{Duration, UNIX_EPOCH};

use super::folder::Folder;
use super::name::Kind;
use crate::random;
use crate::store::seal::{self, HEADER};

/// How many files are looked at. Each save adds one at most, so that this keeps up.
const MOST: usize = 32;

/// A file that is still being written is no older, and neither is an entry that a
/// process of another version made and that anybody may need.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Removes expired entries, and what nobody will finish or read, as far as a bounded
/// look at the folder finds any. It is never needed, so its failures are nobody's.
pub(super) fn sweep(folder: &Folder<'_>, wall: Duration) {
    let Ok(mut names) = folder.names() else {
        return;
    };
    names.retain(|name| Kind::of(name).is_some());
    // From a place that changes, so that each has its turn in a large folder.
    let start = random::bytes().map_or(0, |bytes| usize::from(u16::from_le_bytes(bytes)));
    for name in names
        .iter()
        .cycle()
        .skip(start % names.len().max(1))
        .take(MOST.min(names.len()))
    {
        if is_over(folder, name, wall) {
            // A newer entry may have come into its place since: it is a miss then.
            let _ = folder.remove(name);
        }
    }
}

pub(super) fn is_over(folder: &Folder<'_>, name: &str, wall: Duration) -> bool {
    let Ok(Some(mut file)) = folder.open_own(name) else {
        return false;
    };
    let ends = match Kind::of(name) {
        Some(Kind::Temporary) => None,
        _ => ends(&mut file),
    };
    match ends {
        Some(ends) => ends <= wall,
        None => age(&file, wall).is_some_and(|age| age > ABANDONED),
    }
}

fn ends(file: &mut File) -> Option<Duration> {
    let mut header = [0; HEADER];
    file.read_exact(&mut header).ok()?;
    seal::ends(&header)
}

/// How long ago a file was written.
pub(super) fn age_of(folder: &Folder<'_>, name: &str, wall: Duration) -> Option<Duration> {
    let file = folder.open_own(name).ok()??;
    age(&file, wall)
}

/// How far the time of a file is from now: one from the future was written by a clock
/// that is set right since.
fn age(file: &File, wall: Duration) -> Option<Duration> {
    let modified = file.metadata().ok()?.modified().ok()?;
    let modified = modified
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    Some(modified.abs_diff(wall))
}
