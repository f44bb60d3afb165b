//! The service of the configuration file: whether it could start, its sockets, and whether
//! it runs.

use std::io::ErrorKind::PermissionDenied;
use std::time::Duration;

use prove_token::ErrorKind;
use prove_token_config::{Access, Config, Env, Overrides, Profile};
use prove_token_service::{Checkup, Pulse, Service, SocketReport, SocketState};

use super::Terms;
use super::finding::{Check, Finding};

const SETTINGS: Check = Check::new("service.settings", "service");
const SOCKET: Check = Check::new("service.socket", "its socket");
const RUNNING: Check = Check::new("service.running", "running");

/// What is on this machine answers at once, or hangs.
const LOOKING: Duration = Duration::from_secs(5);

/// Looks at the service of the configuration; at nothing, if there is none in it, or if it
/// cannot be read, which is told elsewhere.
pub(super) async fn examine(profile: Option<&str>, terms: &Terms<'_>) -> Vec<Finding> {
    if !is_configured(terms.overrides, terms.env) {
        return Vec::new();
    }
    let (config, env) = (terms.overrides.config.clone(), terms.env.clone());
    let (asks, profile) = (!terms.offline, profile.map(str::to_owned));
    let look = move || match Service::read(config, env) {
        Ok(service) => findings(
            &service.checkup(asks, profile.as_deref()),
            profile.as_deref(),
        ),
        // The service may well have another user, and other variables.
        Err(failure) => vec![
            SETTINGS
                .warning(format!(
                    "as this user it would not start: {}",
                    failure.message()
                ))
                .maybe_remedy(failure.hint_text()),
        ],
    };
    match terms.limit.blocking(LOOKING, look).await {
        Ok((findings, _)) => findings,
        Err(cut) => vec![RUNNING.not_tried(cut.to_string())],
    }
}

fn is_configured(overrides: &Overrides, env: &Env) -> bool {
    if !Profile::reads_file(overrides, env) {
        return false;
    }
    let path = Config::find(overrides.config.as_deref(), env)
        .ok()
        .flatten();
    let config = path.and_then(|path| Config::load(&path).ok());
    config.is_some_and(|config| config.service().is_some())
}

fn findings(checkup: &Checkup, profile: Option<&str>) -> Vec<Finding> {
    let mut findings = vec![settings(checkup)];
    findings.extend(checkup.sockets.iter().map(socket));
    findings.push(match &checkup.pulse {
        None => RUNNING.not_tried("--offline"),
        Some(pulse) => running(pulse, profile.unwrap_or_default()),
    });
    findings
}

fn settings(checkup: &Checkup) -> Finding {
    let listen: Vec<_> = checkup.listen.iter().map(ToString::to_string).collect();
    let callers = match checkup.callers {
        0 => "its own user alone".to_owned(),
        1 => "1 caller".to_owned(),
        many => format!("{many} callers"),
    };
    SETTINGS.good(format!(
        "it can be served, to {callers}, at {}",
        listen.join(" and ")
    ))
}

fn socket(report: &SocketReport) -> Finding {
    let shown = report.path.display();
    match report.state {
        SocketState::Missing => SOCKET.idle(format!("{shown} is made when the service starts")),
        SocketState::NotASocket => SOCKET
            .failed(
                ErrorKind::Configuration,
                format!("{shown} is not a socket, and the service leaves it alone"),
            )
            .remedy("remove it, or write another path into listen"),
        SocketState::Stale => SOCKET
            .warning(format!("{shown} was left behind: nobody listens there"))
            .remedy("start the service, which puts its own in this place"),
        SocketState::Open => open(report),
        SocketState::Unknown(why) => SOCKET
            .warning(format!("{shown} cannot be connected to: {why}"))
            .remedy("callers need the right to enter its folder, and to write it"),
        _ => SOCKET.idle(format!("{shown} is in a state without a name")),
    }
}

fn open(report: &SocketReport) -> Finding {
    let access = Access::of(&report.path);
    let access = access.map_or_else(String::new, |access| format!(": {access}"));
    let sentence = format!("{}{access}", report.path.display());
    if report.mode == Some(report.meant) {
        return SOCKET.good(sentence);
    }
    let meant = match report.meant {
        0o600 => "0600, for there are no callers but its own user",
        _ => "0666, for the kernel says who calls",
    };
    SOCKET
        .warning(format!("{sentence}; it is to be {meant}"))
        .remedy("reload or restart the service, which sets the mode")
}

fn running(pulse: &Pulse, profile: &str) -> Finding {
    match pulse {
        Pulse::Unknown { hint } => RUNNING
            .idle("nobody knows: it listens at no fixed address")
            .maybe_remedy(hint.as_deref()),
        Pulse::Silent { at, why } => {
            let remedy = match why {
                PermissionDenied => "ask as the service's user, or give health_listen a port",
                _ => "start it: prove-token serve, or systemctl start prove-tokend",
            };
            RUNNING
                .warning(format!("no answer at {at}: {why}"))
                .remedy(remedy)
        }
        Pulse::Odd { at, status } => RUNNING
            .warning(format!(
                "another program answers at {at}, with status {status}"
            ))
            .remedy("end it, or choose another address"),
        Pulse::Alive { at, ready: None } => RUNNING.good(format!("it answers at {at}")),
        Pulse::Alive {
            at,
            ready: Some(true),
        } => RUNNING.good(format!("it answers at {at}, and has a token of {profile}")),
        Pulse::Alive {
            at,
            ready: Some(false),
        } => RUNNING
            .warning(format!("it answers at {at}, and has no token of {profile}"))
            .remedy("what is wrong above is wrong for it as well; its log says more"),
        _ => RUNNING.idle("it is in a state without a name"),
    }
}
