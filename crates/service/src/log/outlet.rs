//! Standard error, written to only while somebody takes what is written.
//!
//! Whoever reads the log may stand still: a pipe that is full would hold up every thread
//! that has something to say, and with them everything that is served. A line that there
//! is no room for is lost, and counted.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// So much of a line is written at a time, in bytes: a pipe that has room takes this as a
/// whole (`PIPE_BUF` of Linux).
const PIECE: usize = 4096;

/// Lines that were lost.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Whether the last line was written in part.
static IS_TORN: AtomicBool = AtomicBool::new(false);

/// How many lines were lost so far.
pub(crate) fn lost_lines() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// Writes lines to standard error, each with one call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outlet;

impl Write for Outlet {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // One line at a time: between the look and the write nobody else uses up the room.
        let mut stderr = io::stderr().lock();
        if IS_TORN.load(Ordering::Relaxed) && put(&mut stderr, b"\n") {
            IS_TORN.store(false, Ordering::Relaxed);
        }
        let mut pieces = line.chunks(PIECE).enumerate();
        if let Some((number, _)) = pieces.find(|(_, piece)| !put(&mut stderr, piece)) {
            LOST.fetch_add(1, Ordering::Relaxed);
            IS_TORN.fetch_or(number > 0, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes `piece`, if there is room; that nobody reads it any more is no error.
fn put(to: &mut (impl Write + AsFd), piece: &[u8]) -> bool {
    has_room(to) && {
        let _ = to.write_all(piece);
        true
    }
}

fn has_room(to: &impl AsFd) -> bool {
    let mut wanted = [PollFd::new(to, PollFlags::OUT)];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // Where nothing can be learnt, it is tried.
    poll(&mut wanted, Some(&at_once)).map_or(true, |ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn a_full_pipe_takes_no_more_and_holds_up_nobody() {
        let (reader, writer) = io::pipe().unwrap();
        let mut writer = File::from(std::os::fd::OwnedFd::from(writer));
        let line = [b'x'; PIECE];
        let taken = (0..1000).take_while(|_| put(&mut writer, &line)).count();
        assert!((1..1000).contains(&taken), "{taken}");
        drop(reader);
        assert!(put(&mut writer, b"nobody reads it"));
    }
}
