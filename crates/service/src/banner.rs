//! What the service says when it starts: what listens where, who may call, what is served.

use prove_token_config::{Caller, HandsOut, Identity, ListenAddress, Profile};

use crate::console::printable;
use crate::plan::Plan;

/// The lines, but for the addresses, which are known when they are bound.
#[derive(Debug)]
pub(crate) struct Banner {
    head: String,
    rest: Vec<String>,
    has_callers: bool,
    status: String,
}

/// What there is to say of `plan`.
pub(crate) fn lines(plan: &Plan) -> Banner {
    let settings = &plan.settings;
    let source = match &plan.file {
        Some(path) => format!(", configured by {}", printable(path)),
        None => ", configured by the environment".to_owned(),
    };
    Banner {
        head: format!("prove-tokend {}{source}", env!("CARGO_PKG_VERSION")),
        rest: rest(plan),
        has_callers: !settings.callers.is_empty(),
        status: status(plan),
    }
}

/// What is served, in a few words.
pub(crate) fn status(plan: &Plan) -> String {
    format!(
        "{} for {}",
        count(plan.profiles.len(), "profile"),
        count(plan.settings.callers.len().max(1), "caller")
    )
}

/// Who may call, what is served, what is kept, and what is not safe.
fn rest(plan: &Plan) -> Vec<String> {
    let settings = &plan.settings;
    let mut rest = Vec::new();
    for caller in &settings.callers {
        rest.push(of_caller(caller));
    }
    if settings.callers.is_empty() {
        let uid = rustix::process::geteuid().as_raw();
        rest.push(format!(
            "caller: this user alone (uid {uid}), for every profile"
        ));
    }
    rest.extend(plan.profiles.iter().map(of_profile));
    for sink in &plan.sinks {
        let (path, mode) = (printable(&sink.path), sink.mode);
        rest.push(format!(
            "sink {path}: the token of {}, mode {mode:04o}",
            sink.profile
        ));
    }
    for profile in &plan.profiles {
        for setting in profile.insecure_settings() {
            rest.push(format!(
                "warning: {setting} is set for the secret of {}",
                profile.name
            ));
        }
    }
    rest
}

impl Banner {
    /// All lines but the last.
    pub(crate) fn with_addresses(&self, addresses: &[ListenAddress]) -> Vec<String> {
        let mut lines = vec![self.head.clone()];
        for address in addresses {
            let who = match (address, self.has_callers) {
                (ListenAddress::Unix(_), true) => "callers by user, group or key",
                (ListenAddress::Unix(_), false) => "this user alone",
                (ListenAddress::Tls(_), _) => "callers with a key, by TLS",
                _ => "callers with a key, from this machine",
            };
            lines.push(format!("listening on {address} for {who}"));
        }
        lines.extend(self.rest.iter().cloned());
        lines
    }

    /// In a few words.
    pub(crate) fn status(&self) -> String {
        self.status.clone()
    }
}

fn of_caller(caller: &Caller) -> String {
    let known = known_by(&caller.identity);
    let gets = match caller.hands_out {
        HandsOut::Proxy => "calls through the proxy with",
        _ => "gets tokens of",
    };
    format!(
        "caller {} ({known}) {gets} {}",
        caller.name,
        caller.profiles.join(", ")
    )
}

/// How a caller is known, in words.
pub(crate) fn known_by(identity: &Identity) -> String {
    match identity {
        Identity::Uid(uid) => format!("uid {uid}"),
        Identity::Gid(gid) => format!("gid {gid}"),
        _ => "key".to_owned(),
    }
}

fn of_profile(profile: &Profile) -> String {
    let from = match &profile.token_endpoint {
        Some(endpoint) => endpoint.to_string(),
        None => "an emulator of its own".to_owned(),
    };
    let rows = profile.explain();
    let secret = rows.iter().find(|row| row.key == "client_secret");
    let secret = secret.map_or("brought by the emulator", |row| row.value.as_str());
    format!(
        "profile {}: tokens of {from}, secret {secret}",
        profile.name
    )
}

/// `1 caller`, `2 callers`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        more => format!("{more} {noun}s"),
    }
}
