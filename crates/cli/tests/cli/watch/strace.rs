//! Killed while it writes.

use std::fs;

use super::{mode, names};
use crate::store::Place;

/// Before each call that changes what is seen: the new file was made, written, opened to
/// others, is on the disk, has the name, has it on the disk.
const CALLS: [(&str, usize); 5] = [
    ("flock", 1),
    ("fchmod", 1),
    ("fsync", 1),
    ("/^rename", 1),
    ("fsync", 2),
];

#[test]
fn the_file_is_the_old_one_or_the_new_one_wherever_it_is_killed() {
    for before in [None, Some("old")] {
        for (call, number) in CALLS {
            let place = Place::new();
            let token = place.token();
            if let Some(old) = before {
                fs::write(place.sink(), old).unwrap();
            }
            let inject = format!("inject={call}:signal=KILL:when={number}");
            let outcome = place
                .watch(&["--once", "--mode", "0640"])
                .below(&[
                    "strace",
                    "-f",
                    "-qqq",
                    "-o",
                    "/dev/null",
                    "-e",
                    &inject,
                    "sh",
                    "-c",
                    "umask 000; exec \"$0\" \"$@\"",
                ])
                .outcome();
            let at = format!("{call} {number}, {before:?}: {outcome:?}");
            assert_eq!((outcome.code, outcome.signal), (None, Some(9)), "{at}");
            match fs::read_to_string(place.sink()) {
                Ok(held) if held == token => {
                    assert_eq!(
                        (call, number, mode(&place.sink())),
                        ("fsync", 2, 0o640),
                        "{at}"
                    );
                }
                Ok(held) => assert_eq!(Some(held.as_str()), before, "{at}"),
                Err(_) => assert_eq!(before, None, "{at}"),
            }
            let left = names(place.home())
                .into_iter()
                .filter(|name| name != "sink");
            for name in left {
                let wide = call == "/^rename" || (call, number) == ("fsync", 1);
                let expected = if wide { 0o640 } else { 0o600 };
                assert_eq!(mode(&place.home().join(&name)), expected, "{at}");
            }
            place.watch(&["--once"]).outcome().success();
            assert_eq!(place.held(), token);
            assert_eq!(names(place.home()), ["sink"], "{at}");
        }
    }
}
