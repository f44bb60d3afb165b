//! The server is out: before the first token, while one lives, and after it has ended.

use std::fs;
use std::time::Duration;

use prove_token_emulator::Fault;
use rustix::process::Signal;
use snapbox::str;

use crate::harness::emulator;
use crate::store::Place;

fn out() -> Fault {
    Fault::status(503).times(0)
}

/// A place where tokens are renewed long before their end, which is soon.
fn early(fault: Fault) -> Place {
    let lifetime = Duration::from_secs(5);
    let place = Place::with(emulator().lifetime(lifetime).fault(fault));
    place.configure("renewal = { advisory_percent = 80, jitter_percent = 0 }\n");
    place
}

#[test]
fn the_first_token_is_waited_for_and_the_outage_told_once() {
    let place = Place::with(emulator().fault(out()));
    let mut watch = place.watch(&[]).start();
    let line = watch.stderr_line();
    assert!(
        line.starts_with("error: there is no token: http://127.0.0.1:"),
        "{line}"
    );
    assert!(
        line.contains("(status 503: Service Unavailable); the next try is in "),
        "{line}"
    );
    // Several flights of three requests each.
    assert!(place.emulator.wait_for_requests(7, Duration::from_secs(60)));
    place.emulator.clear_faults();
    watch.has_written();
    watch.end();
}

#[test]
fn a_time_limit_is_for_the_first_token() {
    let place = Place::with(emulator().fault(out()));
    place
        .watch(&["--timeout", "3s", "--once"])
        .outcome()
        .transcript(7, str![], str![[r#"
error: there is no token: http://127.0.0.1:[PORT]/token is not available (status 503: Service Unavailable); the next try is in [..]
error: no result within 3s
hint: raise --timeout; --verbose shows where the time goes

"#]]);
    // It has come, and what comes later has no limit.
    let place = Place::with(emulator().lifetime(Duration::from_secs(3)));
    let mut watch = place.watch(&["--timeout", "1s"]).start();
    watch.has_written();
    watch.has_written();
    watch.end();
}

/// The file keeps its token, also beyond its end: one that is gone is worse.
#[test]
fn a_token_stays_while_there_is_no_other() {
    let place = early(out().skip(1));
    let mut watch = place.watch(&[]).start();
    watch.has_written();
    let held = place.held();
    let line = watch.stderr_line();
    assert!(
        line.starts_with("the token could not be renewed: "),
        "{line}"
    );
    assert!(line.contains(" more, and the next try is in "), "{line}");
    let line = watch.stderr_line();
    assert!(line.starts_with("error: there is no token: "), "{line}");
    assert_eq!(place.held(), held);
    place.emulator.clear_faults();
    watch.has_written();
    assert_ne!(place.held(), held);
    watch.end();
}

/// After the first token nothing ends it.
#[test]
fn a_secret_that_turns_wrong_is_told_and_survived() {
    let place = early(Fault::status(401).times(0).skip(1));
    let mut watch = place.watch(&[]).start();
    watch.has_written();
    for expected in [
        "the token could not be renewed: ",
        "hint: ",
        "error: there is no token: ",
    ] {
        let line = watch.stderr_line();
        assert!(line.starts_with(expected), "{line}");
    }
    place.emulator.clear_faults();
    watch.signal(Signal::HUP);
    while !watch.stderr_line().contains("holds a new token") {}
    watch.end();
}

/// The first write decides whether it can work at all; later ones may work again.
#[test]
fn a_file_that_cannot_be_written_is_told_once_and_tried_again() {
    let place = Place::new();
    let once = place.run(&["watch", "--once", "--sink", "/proc/sink"]);
    once.outcome().transcript(
        1,
        str![],
        str![[r#"
error: the sink /proc/sink cannot be written: entity not found
hint: see whether its folder may be written by the user that runs this, and has room

"#]],
    );
    let folder = place.home().join("folder");
    fs::create_dir(&folder).unwrap();
    let mut watch = place.run(&["watch", "--sink", "folder/sink"]).start();
    watch.has_written();
    fs::remove_dir_all(&folder).unwrap();
    watch.signal(Signal::HUP);
    assert!(watch.stderr_line().starts_with("SIGHUP: "));
    let said = watch.stderr_line();
    assert!(said.starts_with("error: the sink /"), "{said}");
    assert!(
        said.ends_with("/folder/sink cannot be written: entity not found"),
        "{said}"
    );
    assert!(watch.stderr_line().starts_with("hint: "));
    fs::create_dir(&folder).unwrap();
    watch.signal(Signal::HUP);
    assert!(watch.stderr_line().starts_with("SIGHUP: "));
    watch.has_written();
    let token = fs::read_to_string(folder.join("sink")).unwrap();
    assert_eq!(token, place.token());
    watch.end();
}
