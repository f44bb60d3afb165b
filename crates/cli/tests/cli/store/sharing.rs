//! Runs that share what is kept.

use std::time::Duration;

use prove_token_emulator::{Emulator, Fault};

use super::Place;
use crate::harness::{SECRET, emulator, run_in};

const START: &str = r#"{"flowType":"mobile","phoneNumber":"2001001695"}"#;

#[test]
fn the_second_run_asks_nobody() {
    let place = Place::new();
    let json = |source| {
        let json = place.run(&["token", "-o", "json"]).outcome().success();
        let object: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(object["source"], source, "{json}");
        object["access_token"].as_str().unwrap().to_owned()
    };
    let token = json("server");
    assert_eq!(json("cache"), token);
    assert_eq!(place.token(), format!("{token}\n"));
    let call = place.run(&["call", "/v3/start", "-d", START]);
    call.outcome().success();
    place.assert_requests(1);
}

/// A renewal in the background would end with the command: until callers have to wait
/// for one, the kept token is served as it is.
#[test]
fn a_token_is_renewed_when_it_must_be_and_not_before() {
    let late = |lifetime: u64, delay| {
        Fault::token_member("expires_in", lifetime).delay(Duration::from_millis(delay))
    };
    // In its advisory phase when it arrives.
    let place = Place::at(emulator().fault(late(15, 3_200)).start().unwrap());
    place.configure("renewal = { advisory_percent = 80, jitter_percent = 0 }\n");
    let first = place.token();
    assert_eq!(place.token(), first);
    place.assert_requests(1);
    // In its mandatory phase when it arrives.
    let place = Place::at(emulator().fault(late(8, 4_100)).start().unwrap());
    place.configure("renewal = { mandatory_percent = 50 }\n");
    let first = place.token();
    let second = place.token();
    assert_ne!(second, first);
    place.assert_requests(2);
    assert_eq!(
        place.token(),
        second,
        "it was kept before the command ended"
    );
    place.assert_requests(2);
}

#[test]
fn many_at_once_share_one_request() {
    for runs in [2, 20] {
        // Slow enough for most to be there before it answers.
        let slow: Fault = "delay=300ms".parse().unwrap();
        let place = Place::at(emulator().fault(slow).start().unwrap());
        let started: Vec<_> = (0..runs).map(|_| place.run(&["token"]).start()).collect();
        let mut tokens: Vec<_> = started
            .into_iter()
            .map(|run| run.outcome().success())
            .collect();
        tokens.dedup();
        assert_eq!(tokens.len(), 1, "{tokens:?}");
        place.assert_requests(1);
    }
}

#[test]
fn different_requests_have_different_tokens() {
    let place = Place::new();
    for _ in 0..2 {
        place.token();
        for flags in [
            ["--audience", "https://a.example"],
            ["--audience", "https://b.example"],
            ["--resource", "https://a.example"],
        ] {
            place
                .run(&[&["token"][..], &flags].concat())
                .outcome()
                .success();
        }
    }
    place.assert_requests(4);
}

/// However it comes to us, the secret is what opens the store.
#[test]
fn the_source_of_the_secret_makes_no_difference() {
    let place = Place::new();
    let token = place.token();
    let endpoint = place.emulator.token_endpoint();
    let flags = [
        "token",
        "--token-endpoint",
        &endpoint,
        "--client-id",
        "the-client",
    ];
    let piped = run_in(
        place.home(),
        &[&flags[..], &["--client-secret-stdin"]].concat(),
    );
    assert_eq!(piped.stdin(SECRET).outcome().success(), token);
    let file = run_in(
        place.home(),
        &[&flags[..], &["--client-secret-file", "secret"]].concat(),
    );
    assert_eq!(file.file("secret", SECRET).outcome().success(), token);
    place.configure(&format!(
        "[profiles.printed]\ntoken_endpoint = \"{endpoint}\"\nclient_id = \"the-client\"\n\
         client_secret = {{ command = [\"cat\", \"{}\"] }}\n",
        place.home().join("secret").display()
    ));
    for args in [
        &["token", "printed"][..],
        &["token", "printed", "--cached-only"],
    ] {
        let printed = place.run(args).env("PATH", "/usr/bin:/bin");
        assert_eq!(printed.outcome().success(), token);
    }
    place.assert_requests(1);
}

#[test]
fn another_secret_finds_nothing() {
    let place = Place::new();
    let token = place.token();
    let wrong = place.run_with("canary-wrong", &["token", "-v"]).outcome();
    assert!(
        wrong
            .stderr
            .contains("no token that is kept can be used: damaged"),
        "{wrong:?}"
    );
    assert_eq!(wrong.code, Some(4), "{wrong:?}");
    place.assert_requests(2);
    assert_eq!(place.token(), token, "the right one still does");
    place.assert_requests(2);
}

/// The old token was sealed with the old secret, and is not used under the new one.
#[test]
fn a_rotated_secret_asks_anew() {
    let old = Place::new();
    old.token();
    let new = Emulator::builder()
        .client("the-client", "canary-rotated")
        .port(old.emulator.port());
    let Place { emulator, home } = old;
    emulator.stop();
    drop(emulator);
    let place = Place {
        emulator: new.start().unwrap(),
        home,
    };
    let rotated = place.run_with("canary-rotated", &["token"]).outcome();
    let token = rotated.success();
    let again = place.run_with("canary-rotated", &["token"]).outcome();
    assert_eq!(again.success(), token);
    place.assert_requests(1);
}

#[test]
fn a_call_with_a_revoked_token_renews_once() {
    let place = Place::new();
    let old = place.token();
    place.emulator.revoke_all_tokens();
    let call = || place.run(&["call", "/v3/start", "-d", START]).outcome();
    let answer = call().success();
    assert!(answer.contains("correlationId"), "{answer}");
    place.assert_requests(2);
    call().success();
    assert_ne!(place.token(), old, "the new one is kept");
    place.assert_requests(2);
}

#[test]
fn a_call_that_names_another_reason_keeps_its_token() {
    let place = Place::new();
    let token = place.token();
    let refusal = Fault::status(401)
        .header("WWW-Authenticate", "Bearer error=\"insufficient_scope\"")
        .path("/v3/start");
    place.emulator.inject(refusal);
    let outcome = place.run(&["call", "/v3/start", "-d", START]).outcome();
    assert_eq!(outcome.code, Some(4), "{outcome:?}");
    assert_eq!(place.token(), token);
    place.assert_requests(1);
}

/// A job that runs each minute with a wrong secret must not lock the account.
#[test]
fn a_failure_is_remembered_for_the_runs_to_come() {
    let place = Place::new();
    place.configure(
        "renewal = { rejection_pause_least = \"10m\", rejection_pause_most = \"10m\", \
         rejection_pause_limit = \"1h\" }\n",
    );
    for _ in 0..5 {
        let words = place
            .run_with("canary-wrong", &["token"])
            .outcome()
            .failure(4);
        assert!(words.contains("rejected the client credentials"), "{words}");
    }
    place.assert_requests(1);
    // It holds for that secret alone.
    place.token();
    place.assert_requests(2);
}
