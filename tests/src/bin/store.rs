//! Uses a file store in a process of its own, so that a test can kill it, stop it,
//! limit it and run many at once.
//!
//! `store FOLDER COMMAND …`; the time is always an argument, in milliseconds since
//! 1970:
//!
//! - `save SLOT NUMBER WALL` waits for the end of standard input, then saves the entry
//!   of that number.
//! - `lease SLOT WALL` asks for a lease, and keeps one until standard input ends.
//! - `work CYCLES NUMBER WALL` loads, leases, saves and removes, again and again.
//!
//! Standard output gets `done`, `granted`, `busy`, the kind of a store's error, or
//! what `work` saw that must not be. The exit code is 0 for all of them.

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    store::main()
}

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
mod store {
    use std::fs::{self, File};
    use std::io::{self, Read as _};
    use std::path::Path;
    use std::process::ExitCode;
    use std::time::Duration;

    use prove_token::store::{Entry, FileStore, Lease, StoreError, TokenStore as _};
    use prove_token_tests::store::{entry, key, number, wall};

    pub(super) fn main() -> ExitCode {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match run(&arguments) {
            Some(said) => {
                println!("{said}");
                ExitCode::SUCCESS
            }
            None => {
                eprintln!("the arguments make no sense: {arguments:?}");
                ExitCode::from(2)
            }
        }
    }

    fn run(arguments: &[&str]) -> Option<String> {
        let (folder, rest) = arguments.split_first()?;
        let store = FileStore::new(folder);
        let said = match *rest {
            ["save", slot, number, time] => {
                let (slot, number, time) = (slot.parse().ok()?, number.parse().ok()?, wall(time)?);
                wait();
                let saved = store.save(&key(slot), Entry::Token, &entry(number), time);
                saved.map(|()| "done".to_owned())
            }
            ["lease", slot, time] => lease(&store, slot.parse().ok()?, wall(time)?),
            ["work", cycles, number, time] => {
                let (number, time) = (number.parse().ok()?, wall(time)?);
                (0..cycles.parse().ok()?)
                    .try_for_each(|cycle| work(&store, cycle, number, time))
                    .map(|()| "done".to_owned())
            }
            _ => return None,
        };
        Some(said.unwrap_or_else(|error| error.kind().as_str().to_owned()))
    }

    fn lease(store: &FileStore, slot: u8, time: Duration) -> Result<String, StoreError> {
        let Some(_lease) = store.try_lease(&key(slot), time)? else {
            return Ok("busy".to_owned());
        };
        println!("granted");
        wait();
        Ok("done".to_owned())
    }

    /// One cycle of all there is. Anything that must not be is printed.
    fn work(store: &FileStore, cycle: u32, own: u8, time: Duration) -> Result<(), StoreError> {
        let key = key(0);
        look(store.load(&key, Entry::Token)?, "token");
        look(store.load(&key, Entry::Failure)?, "failure");
        let mut lease = hold(store, time)?;
        let marker = store.folder().with_extension("holder");
        if let Err(error) = File::create_new(&marker) {
            println!("two holders at a time: {error}");
        }
        lease.keep(time)?;
        store.save(&key, Entry::Token, &entry(own), time)?;
        if cycle.is_multiple_of(3) {
            store.save(&key, Entry::Failure, &entry(own), time)?;
            store.remove(&key, Entry::Token)?;
        }
        release(&marker);
        drop(lease);
        // Without a lease as well, for nothing but courtesy makes anybody take one.
        store.save(&key, Entry::Token, &entry(own), time)
    }

    fn look(content: Option<Vec<u8>>, what: &str) {
        if content.is_some_and(|content| number(&content).is_none()) {
            println!("a torn {what}");
        }
    }

    fn hold(store: &FileStore, time: Duration) -> Result<Box<dyn Lease>, StoreError> {
        loop {
            if let Some(lease) = store.try_lease(&key(0), time)? {
                return Ok(lease);
            }
            std::thread::yield_now();
        }
    }

    fn release(marker: &Path) {
        if let Err(error) = fs::remove_file(marker) {
            println!("somebody else gave the lease back: {error}");
        }
    }

    /// Until standard input ends.
    fn wait() {
        // What comes, and how it ends, makes no difference.
        let _ = io::stdin().read_to_end(&mut Vec::new());
    }
}
