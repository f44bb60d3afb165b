//! Many processes at once.

use super::*;

#[test]
fn eight_processes_tear_nothing_and_hold_one_at_a_time() {
    let (fixture, now) = (Fixture::new(), now());
    let workers: Vec<_> = (1..=8)
        .map(|number| fixture.start(&["work", "200", &number.to_string()], now))
        .collect();
    for worker in workers {
        assert_eq!(worker.finish(), "done");
    }
    assert!(matches!(fixture.number(0), Some(1..=8)));
    assert_eq!(fixture.half_written(), 0);
}

#[test]
fn processes_that_make_the_first_key_at_once_agree() {
    for _ in 0..10 {
        let (fixture, now) = (Fixture::new(), now());
        let start = |slot: u8| fixture.start(&["save", &slot.to_string(), "7"], now);
        let mut savers: Vec<_> = (0..8).map(start).collect();
        // All wait for the end of their input.
        for saver in &mut savers {
            drop(saver.stdin.take());
        }
        for saver in savers {
            assert_eq!(saver.finish(), "done");
        }
        for slot in 0..8 {
            assert_eq!(fixture.number(slot), Some(7));
        }
        assert_eq!(fixture.half_written(), 0);
    }
}
