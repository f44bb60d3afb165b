//! What becomes of a lease when its holder dies or is stopped.

use std::sync::Barrier;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn is_granted(fixture: &Fixture, wall: Duration) -> bool {
    fixture.store.try_lease(&key(0), wall).unwrap().is_some()
}

#[test]
fn a_killed_holder_gives_it_back_at_once() {
    let (fixture, now) = (Fixture::new(), now());
    let mut holder = fixture.start(&["lease", "0"], now);
    assert_eq!(holder.line(), "granted");
    assert!(!is_granted(&fixture, now));
    assert_eq!(fixture.start(&["lease", "0"], now).finish(), "busy");
    holder.child.kill().unwrap();
    holder.child.wait().unwrap();
    assert!(is_granted(&fixture, now));
}

#[test]
fn a_stopped_holder_is_succeeded_by_exactly_one() {
    const WAITERS: usize = 8;
    let (fixture, now) = (Fixture::new(), now());
    let mut holder = fixture.start(&["lease", "0"], now);
    assert_eq!(holder.line(), "granted");
    holder.signal("STOP");
    assert!(!is_granted(&fixture, now + 2 * SECOND));

    let later = now + 4 * SECOND;
    let mut waiters: Vec<_> = (0..WAITERS)
        .map(|_| fixture.start(&["lease", "0"], later))
        .collect();
    let mut said: Vec<_> = waiters.iter_mut().map(Helper::line).collect();
    said.sort();
    assert_eq!(said[..WAITERS - 1], ["busy"; WAITERS - 1]);
    assert_eq!(said[WAITERS - 1], "granted");

    // The stopped one, back at last, finds that nobody minds.
    holder.signal("CONT");
    assert_eq!(holder.finish(), "done");
    // The first lock is free, and its successor is still at work.
    assert!(!is_granted(&fixture, later));
    drop(waiters);
    assert!(is_granted(&fixture, later));
}

/// The same within one process, so that all ask at the same moment.
#[test]
fn exactly_one_of_several_threads_succeeds_a_stopped_holder() {
    const THREADS: usize = 4;
    for _ in 0..200 {
        let (fixture, now) = (Fixture::new(), now());
        let _stopped = fixture.store.try_lease(&key(0), now).unwrap().unwrap();
        let later = now + 4 * SECOND;
        let (start, end) = (Barrier::new(THREADS), Barrier::new(THREADS));
        let ask = || {
            start.wait();
            let lease = fixture.store.try_lease(&key(0), later);
            // One that failed must not keep the others waiting.
            end.wait();
            usize::from(lease.unwrap().is_some())
        };
        let granted: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(ask)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!(granted, 1);
    }
}
