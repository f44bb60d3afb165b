//! The flags that say whether a kept token will do.

use std::time::Duration;

use prove_token_emulator::Fault;

use super::Place;
use crate::harness::{emulator, run};

#[test]
fn force_asks_and_keeps_the_answer() {
    let place = Place::new();
    let first = place.token();
    let forced = place.run(&["token", "--force"]).outcome().success();
    assert_ne!(forced, first);
    place.assert_requests(2);
    assert_eq!(place.token(), forced);
    place.assert_requests(2);
    place.run(&["call", "--force", "/v3/nowhere"]).outcome();
    place.assert_requests(3);
}

/// A live token is never taken away by a failure; that it is not new is said.
#[test]
fn force_that_fails_leaves_the_token_that_is_kept() {
    let place = Place::new();
    let kept = place.token();
    place.emulator.inject(Fault::status(403));
    let outcome = place.run(&["token", "--force", "-o", "json"]).outcome();
    assert!(
        outcome.stderr.contains("no new token could be had"),
        "{outcome:?}"
    );
    let json = outcome.success();
    assert!(json.contains(kept.trim_end()), "{json}");
    assert!(json.contains("\"source\":\"cache\""), "{json}");
    place.assert_requests(2);
}

#[test]
fn no_cache_leaves_no_trace() {
    let place = Place::new();
    place.run(&["token", "--no-cache"]).outcome().success();
    assert!(!place.cache().exists(), "nothing was written");
    let kept = place.token();
    let own = place.run(&["token", "--no-cache"]).outcome().success();
    assert_ne!(own, kept);
    place.run(&["call", "--no-cache", "/v3/nowhere"]).outcome();
    place.assert_requests(4);
    assert_eq!(place.token(), kept);
    place.assert_requests(4);
}

#[test]
fn cached_only_asks_nobody() {
    let place = Place::new();
    let words = place.run(&["token", "--cached-only"]).outcome().failure(10);
    assert!(words.contains("no usable token is kept"), "{words}");
    assert!(words.contains("leave out --cached-only"), "{words}");
    assert_eq!(place.emulator.connections(), 0);
    let kept = place.token();
    let cached = place.run(&["token", "--cached-only"]).outcome().success();
    assert_eq!(cached, kept);
    let json = place
        .run_with("canary-wrong", &["token", "--cached-only", "-o", "json"])
        .outcome()
        .failure(10);
    assert!(json.contains("\"error\":\"expired\""), "{json}");
    assert!(json.contains("cannot be used: damaged"), "{json}");
    place.assert_requests(1);
}

#[test]
fn min_validity_renews_a_token_that_is_too_old() {
    let place = Place::new();
    let min = |time| {
        place
            .run(&["token", "--min-validity", time])
            .outcome()
            .success()
    };
    let kept = min("20m");
    assert_eq!(min("20m"), kept);
    // Half of its life counts at the most, which a new token has.
    assert_eq!(min("24h"), kept);
    place.assert_requests(1);
    // More than half of this one is over when it arrives: its life is counted from
    // before the request.
    let late = Fault::token_member("expires_in", 4).delay(Duration::from_millis(2200));
    let place = Place::at(emulator().fault(late).start().unwrap());
    place.token();
    let words = place
        .run(&["token", "--cached-only", "--min-validity", "1h"])
        .outcome()
        .failure(10);
    assert!(words.contains("there is one"), "{words}");
    place
        .run(&["token", "--min-validity", "1h"])
        .outcome()
        .success();
    place.assert_requests(2);
}

/// A live token is never taken away by a failure.
#[test]
fn min_validity_that_cannot_be_had_is_said() {
    let late = Fault::token_member("expires_in", 10).delay(Duration::from_millis(5_100));
    let refused = Fault::status(403);
    let place = Place::at(emulator().fault(late).fault(refused).start().unwrap());
    let kept = place.token();
    let outcome = place.run(&["token", "--min-validity", "1h"]).outcome();
    assert!(
        outcome.stderr.contains("it could not be renewed"),
        "{outcome:?}"
    );
    assert_eq!(outcome.success(), kept);
    place.assert_requests(2);
}

/// The flags contradict each other, and none is left to win in silence.
#[test]
fn contradictions_are_wrong_usage() {
    for args in [
        &["token", "--force", "--no-cache"][..],
        &["token", "--force", "--cached-only"],
        &["token", "--no-cache", "--cached-only"],
        &["token", "--no-cache", "--min-validity", "5s"],
        &["token", "--force", "--min-validity", "5s"],
        &["call", "--force", "--no-cache", "/x"],
    ] {
        let words = run(args).outcome().failure(2);
        assert!(words.contains("cannot be used with"), "{words}");
    }
    let words = run(&["token", "--min-validity", "canary"])
        .outcome()
        .failure(2);
    assert!(words.contains("500ms, 5s or 2m"), "{words}");
}
