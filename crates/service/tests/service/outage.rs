//! The outage drill: the provider fails in every way at once, each way for a profile of
//! its own, with tokens that live for seconds.

mod door;
mod kind;

use std::time::Duration;

use prove_token_emulator::{Emulator, Fault};

use self::door::Door;
use self::kind::{KINDS, Kind};
use crate::harness::{ID, KEY, Reply, Service, Setup, emulator};

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

/// In seconds: whoever comes back as late as he is told gets the next token as early as
/// is promised.
const RECOVERY: u64 = 5;

/// Between two questions for one profile: there are many.
const PACE: Duration = Duration::from_millis(50);

/// How many questions are asked before something does not come.
const QUESTIONS: usize = 400;

/// Asks for the token of `profile` until the answer is as wanted.
#[track_caller]
fn until<T>(service: &Service, profile: &str, mut look: impl FnMut(Reply) -> Option<T>) -> T {
    let key = format!("Bearer {KEY}");
    let path = format!("/v1/token/{profile}");
    for _ in 0..QUESTIONS {
        let reply = service.request("GET", &path, &[("Authorization", &*key)], "");
        if let Some(seen) = look(reply) {
            return seen;
        }
        std::thread::park_timeout(PACE);
    }
    panic!("{profile}: it does not come to that");
}

/// What is left of the token that was handed out.
fn life(reply: Reply) -> Option<u64> {
    let is_served = reply.status == 200;
    is_served.then(|| reply.json()["expires_in"].as_u64().unwrap())
}

/// How often a token was asked for in vain.
fn failures(service: &Service, profile: &str) -> u64 {
    let metrics = service.probe("/metrics").body;
    let series = format!("prove_token_upstream_attempts_total{{profile=\"{profile}\",");
    let lines = metrics
        .lines()
        .filter_map(|line| line.strip_prefix(&series));
    let lines = lines.filter(|line| !line.starts_with("outcome=\"ok\""));
    lines
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}

/// The provider of a kind's profile.
struct Provider {
    kind: &'static Kind,
    emulator: Emulator,
    door: Door,
}

impl Provider {
    fn of(kind: &'static Kind) -> Self {
        let emulator = emulator().lifetime(LIFETIME).rate_limit(0).start().unwrap();
        let door = Door::to(emulator.port());
        Self {
            kind,
            emulator,
            door,
        }
    }

    fn profile(&self) -> String {
        let endpoint = match self.kind.fault() {
            None => format!("http://127.0.0.1:{}/token", self.door.port()),
            Some(_) => self.emulator.token_endpoint(),
        };
        let name = self.kind.name;
        format!(
            "[profiles.{name}]\ntoken_endpoint = \"{endpoint}\"\nclient_id = \"{ID}\"\n\
             client_secret = {{ env = \"SECRET\" }}\n{HASTY}"
        )
    }

    fn fail(&self) {
        match self.kind.fault() {
            None => self.door.close(),
            Some(fault) => {
                // What happens to new connections is nothing to one that is kept.
                self.emulator.inject(Fault::close());
                self.emulator.inject(fault);
            }
        }
    }

    fn recover(&self) {
        match self.kind.fault() {
            None => self.door.open(),
            Some(_) => self.emulator.clear_faults(),
        }
    }
}

/// Before the outage, in it with a token, in it without one, and after it.
fn drill(service: &Service, provider: &Provider) {
    let name = provider.kind.name;
    let mut left = until(service, name, life);
    provider.fail();
    // As long as the token lives, nobody notices.
    let failed = until(service, name, |reply| {
        if reply.status != 200 {
            return Some(reply);
        }
        left = life(reply).unwrap();
        None
    });
    assert!(left <= END, "{name}: {left} s were left: {failed:?}");
    assert!(failures(service, name) > 1, "{name}: a renewal was tried");
    let body = failed.json();
    let (status, errors, is_retryable) = provider.kind.heard;
    assert_eq!(failed.status, status, "{name}: {failed:?}");
    assert!(
        errors.iter().any(|error| body["error"] == *error),
        "{name}: {failed:?}"
    );
    assert_eq!(body["retryable"], is_retryable, "{name}: {failed:?}");
    let wait = failed
        .header("retry-after")
        .map(|wait| wait.parse().unwrap());
    assert!(
        wait.map_or(!is_retryable, |wait| (1..=RECOVERY).contains(&wait)),
        "{name}: {failed:?}"
    );
    provider.recover();
    until(service, name, life);
}

#[test]
fn while_a_token_lives_no_outage_is_noticed() {
    let local = emulator().start().unwrap();
    let providers: Vec<_> = KINDS.iter().map(Provider::of).collect();
    let names: Vec<_> = KINDS
        .iter()
        .map(|kind| format!("{:?}", kind.name))
        .collect();
    let profiles: String = providers.iter().map(Provider::profile).collect();
    let service = Setup::new(&local)
        .watched()
        .lines(&profiles)
        .replace_service("\"local\"", &names.join(", "))
        .start();
    std::thread::scope(|scope| {
        for provider in &providers {
            scope.spawn(|| drill(&service, provider));
        }
    });
    let (code, _) = service.stop();
    assert_eq!(code, Some(0));
}
