//! The commands that run now, so that a process which ends early can end them.
//!
//! Only atomics: [`end_commands`] may be called while any other thread is
//! anywhere, and from a handler of signals, where a lock could hang.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

/// How many commands may run at once: as many as Tokio has threads for blocking
/// work, on which secrets are read.
const SLOTS: usize = 512;

// A slot: 31 bits for the command's process id, 31 for the process that runs it,
// and two marks. Without a command it is reserved, without an owner it is free.
const FREE: u64 = 0;
const ID: u64 = (1 << 31) - 1;
const OWNER_SHIFT: u32 = 31;
const LEADS_GROUP: u64 = 1 << 62;
/// Somebody is about to kill the command, which must not be reaped until then:
/// its process id could be another's.
const ENDING: u64 = 1 << 63;

static REGISTRY: Registry = Registry::new();

/// Kills every secret command that this process runs, and lets no other start:
/// for the end of a process, whose secret commands would outlive it otherwise.
///
/// A front end calls it when it leaves before its token requests have ended (a
/// time limit, SIGINT, SIGTERM): last in `main`, and before it exits from a
/// handler of signals. It takes no lock, allocates nothing and does not block.
/// From then on reading a [`CommandSecret`](crate::CommandSecret) is an error.
/// In a forked child it leaves the parent's commands alone.
///
/// A command with a process group of its own is killed with its children. On
/// Windows it kills nothing: Ctrl-C reaches a command there through the console.
pub fn end_commands() {
    REGISTRY.end();
}

/// The commands of one process; a test has its own.
pub(super) struct Registry {
    has_ended: AtomicBool,
    slots: [AtomicU64; SLOTS],
}

/// Why a command may not be started. `Display` follows its name in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Ended,
    Full,
}

impl Refusal {
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Ended => "start the program again; nothing is wrong with the command",
            Self::Full => "keep secrets that are read so often in files, which need no process",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("was not run to its end: the program is ending"),
            Self::Full => write!(f, "was not run: {SLOTS} commands are running already"),
        }
    }
}

impl Registry {
    pub(super) const fn new() -> Self {
        Self {
            has_ended: AtomicBool::new(false),
            slots: [const { AtomicU64::new(FREE) }; SLOTS],
        }
    }

    /// The one that [`end_commands`] ends.
    pub(super) fn of_process() -> &'static Self {
        &REGISTRY
    }

    /// Whether the commands were ended.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(SeqCst)
    }

    /// A place for a command that is about to start.
    pub(super) fn reserve(&'static self) -> Result<Slot, Refusal> {
        if self.has_ended() {
            return Err(Refusal::Ended);
        }
        let own = own_id();
        let is_reserved = |slot: &&AtomicU64| {
            let entry = slot.load(SeqCst);
            // What a forked child inherits are its parent's commands.
            owner(entry) != own
                && slot
                    .compare_exchange(entry, own << OWNER_SHIFT, SeqCst, SeqCst)
                    .is_ok()
        };
        match self.slots.iter().find(is_reserved) {
            Some(entry) => Ok(Slot {
                registry: self,
                entry,
            }),
            None => Err(Refusal::Full),
        }
    }

    /// Kills what runs, and refuses what comes.
    pub(super) fn end(&self) {
        // First this and then the look at the slots; `occupy` does it the other
        // way round. So one of them sees what the other did.
        self.has_ended.store(true, SeqCst);
        let own = own_id();
        for slot in &self.slots {
            let entry = slot.load(SeqCst);
            let runs = entry & ID != 0 && entry & ENDING == 0 && owner(entry) == own;
            if runs
                && slot
                    .compare_exchange(entry, entry | ENDING, SeqCst, SeqCst)
                    .is_ok()
            {
                kill(entry);
                slot.store(own << OWNER_SHIFT, SeqCst);
            }
        }
    }
}

/// A place in the registry. Dropped before the command is reaped.
pub(super) struct Slot {
    registry: &'static Registry,
    entry: &'static AtomicU64,
}

impl Slot {
    /// Notes the command that was started. An error means that it must be killed
    /// by the caller.
    pub(super) fn occupy(&self, id: u32, leads_group: bool) -> Result<(), Refusal> {
        let mark = if leads_group { LEADS_GROUP } else { 0 };
        let entry = u64::from(id) & ID | own_id() << OWNER_SHIFT | mark;
        self.entry.store(entry, SeqCst);
        match self.registry.has_ended() {
            true => Err(Refusal::Ended),
            false => Ok(()),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        loop {
            let entry = self.entry.load(SeqCst);
            let is_left = entry & ENDING == 0
                && self
                    .entry
                    .compare_exchange(entry, FREE, SeqCst, SeqCst)
                    .is_ok();
            if is_left {
                return;
            }
            // For the length of one system call of another thread.
            std::thread::yield_now();
        }
    }
}

fn own_id() -> u64 {
    u64::from(std::process::id()) & ID
}

fn owner(entry: u64) -> u64 {
    entry >> OWNER_SHIFT & ID
}

#[cfg(unix)]
fn kill(entry: u64) {
    use rustix::process::{Pid, Signal, kill_process, kill_process_group};
    let id = i32::try_from(entry & ID).ok().and_then(Pid::from_raw);
    let Some(id) = id else { return };
    // That it has ended already is no error.
    let _ = match entry & LEADS_GROUP {
        0 => kill_process(id, Signal::KILL),
        _ => kill_process_group(id, Signal::KILL),
    };
}

/// There a process is killed by its handle, which belongs to whoever waits.
#[cfg(not(unix))]
fn kill(_: u64) {}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
    use std::process::{Child, Command};

    use super::*;

    fn registry() -> &'static Registry {
        Box::leak(Box::new(Registry::new()))
    }

    fn sleep() -> Child {
        Command::new("sleep")
            .arg("60")
            .process_group(0)
            .spawn()
            .expect("sleep runs")
    }

    fn signal(mut child: Child) -> Option<i32> {
        child.wait().expect("a status").signal()
    }

    #[test]
    fn what_runs_is_killed_and_what_comes_is_refused() {
        let registry = registry();
        let (group, single) = (sleep(), sleep());
        let slots = [registry.reserve().unwrap(), registry.reserve().unwrap()];
        slots[0].occupy(group.id(), true).unwrap();
        slots[1].occupy(single.id(), false).unwrap();
        registry.end();
        drop(slots);
        assert_eq!((signal(group), signal(single)), (Some(9), Some(9)));
        assert_eq!(registry.reserve().err(), Some(Refusal::Ended));
        // A second time, as from main after a handler of signals.
        registry.end();
    }

    #[test]
    fn a_command_that_was_just_started_is_left_to_its_starter() {
        let registry = registry();
        let slot = registry.reserve().unwrap();
        registry.end();
        let mut child = sleep();
        assert_eq!(slot.occupy(child.id(), true), Err(Refusal::Ended));
        drop(slot);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_command_that_has_ended_is_left_alone() {
        let registry = registry();
        let mut child = sleep();
        let slot = registry.reserve().unwrap();
        slot.occupy(child.id(), true).unwrap();
        drop(slot);
        registry.end();
        assert_eq!(child.try_wait().unwrap(), None, "it runs still");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn places_are_used_again_and_are_not_endless() {
        let registry = registry();
        for _ in 0..=SLOTS {
            assert!(registry.reserve().is_ok());
        }
        let all: Vec<_> = (0..SLOTS).map(|_| registry.reserve().unwrap()).collect();
        assert_eq!(registry.reserve().err(), Some(Refusal::Full));
        drop(all);
        assert!(registry.reserve().is_ok());
    }

    #[test]
    fn the_commands_of_a_parent_are_left_alone_and_their_places_used() {
        let registry = registry();
        let mut child = sleep();
        let parent = own_id() ^ 1;
        let inherited = parent << OWNER_SHIFT | u64::from(child.id()) | LEADS_GROUP;
        for slot in &registry.slots {
            slot.store(inherited, SeqCst);
        }
        assert!(registry.reserve().is_ok());
        registry.end();
        assert_eq!(child.try_wait().unwrap(), None, "it runs still");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
