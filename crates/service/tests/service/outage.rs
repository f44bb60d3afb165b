//! The outage drill: the provider fails in every way at once, each way for a profile of
//! its own, with tokens that live for seconds.

use std::collections::BTreeMap;
use std::time::Duration;

use prove_token_emulator::{Emulator, Fault, Stage};

use crate::harness::{KEY, Reply, Service, Setup, emulator};

/// Renewed as soon as a fifth of the life is over, and tried once a second.
const HASTY: &str = "api_base = \"http://127.0.0.1:1\"\nconnect_timeout = \"1s\"\n\
    attempt_timeout = \"1s\"\nflight_timeout = \"1500ms\"\n\
    renewal = { advisory_percent = 80, jitter_percent = 0, mandatory_percent = 1, \
    renewal_pause = \"1s\", renewal_pause_limit = \"1s\", attempts = 2, \
    rejection_pause_least = \"1s\", rejection_pause_most = \"1s\", \
    rejection_pause_limit = \"1s\" }\n";

const LIFETIME: Duration = Duration::from_secs(6);

/// In seconds, as `expires_in` tells it: what is left of a token that is not handed out
/// any more, with a second for the rounding.
const END: u64 = 2;

fn kinds() -> BTreeMap<&'static str, Fault> {
    let bad_gateway = Fault::status(502).body("<html>");
    let refused = serde_json::json!({ "error": "invalid_client" });
    BTreeMap::from([
        ("status-500", Fault::status(500)),
        ("status-502", bad_gateway),
        ("status-503", Fault::status(503)),
        ("limited", Fault::status(429).header("Retry-After", "1")),
        ("closed", Fault::close()),
        ("reset", Fault::reset(Stage::Headers)),
        ("silent", Fault::silence()),
        ("half", Fault::headers_then_silence()),
        (
            "no-json",
            Fault::raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"),
        ),
        ("no-token", Fault::without_token_member("access_token")),
        ("revoked", Fault::status(401).json(&refused)),
    ])
}

fn ask(service: &Service, profile: &str) -> Reply {
    let key = format!("Bearer {KEY}");
    let path = format!("/v1/token/{profile}");
    service.request("GET", &path, &[("Authorization", &*key)], "")
}

fn life(reply: &Reply) -> u64 {
    reply.json()["expires_in"].as_u64().unwrap()
}

/// Before the outage, in it with a token, in it without one, and after it.
fn drill(service: &Service, name: &str, emulator: &Emulator, fault: Fault) {
    let first = service.until("the first token", |service| {
        let reply = ask(service, name);
        (reply.status == 200).then_some(reply)
    });
    let mut left = life(&first);
    emulator.inject(fault.times(0));
    // As long as the token lives, nobody notices.
    let failed = service.until("the end of the token", |service| {
        let reply = ask(service, name);
        if reply.status != 200 {
            return Some(reply);
        }
        left = life(&reply);
        None
    });
    assert!(left <= END, "{name}: {left} s were left: {failed:?}");
    assert!(emulator.token_requests() > 2, "{name}: a renewal was tried");
    let body = failed.json();
    assert!((502..=504).contains(&failed.status), "{name}: {failed:?}");
    assert_eq!(
        body["retryable"],
        name != "revoked" && name != "no-token",
        "{name}: {failed:?}"
    );
    if failed.status == 503 {
        assert!(failed.header("retry-after").is_some(), "{name}: {failed:?}");
    }
    emulator.clear_faults();
    service.until("the token after the outage", |service| {
        (ask(service, name).status == 200).then_some(())
    });
}

#[test]
fn while_a_token_lives_no_outage_is_noticed() {
    let emulators: BTreeMap<_, _> = kinds()
        .into_keys()
        .map(|name| {
            (
                name,
                emulator().lifetime(LIFETIME).rate_limit(0).start().unwrap(),
            )
        })
        .collect();
    let local = emulator().start().unwrap();
    let mut setup = Setup::new(&local);
    for (name, emulator) in &emulators {
        setup = setup.profile_of(name, emulator, "", HASTY);
    }
    let names: Vec<_> = emulators.keys().map(|name| format!("\"{name}\"")).collect();
    let profiles = format!("profiles = [{}]", names.join(", "));
    let service = setup
        .replace_service("profiles = [\"local\"]", &profiles)
        .start();
    std::thread::scope(|scope| {
        for (name, fault) in kinds() {
            let (service, emulator) = (&service, &emulators[name]);
            scope.spawn(move || drill(service, name, emulator, fault));
        }
    });
    let (code, _) = service.stop();
    assert_eq!(code, Some(0));
}
