//! `prove-tokend`: the service, until it is asked to end.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use prove_token::ErrorKind;
use prove_token_config::Env;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::banner;
use crate::failure::Failure;
use crate::hardening::harden;
use crate::log::Log;
use crate::notice::Notice;
use crate::service::{Ending, Running, Service};
use crate::systemd::{self, State};
use crate::trace::{self, Traces};

/// What work that cannot be cut off, such as a secret command, may still take.
const LAST_WORK: Duration = Duration::from_secs(1);

/// Serves, and returns the exit code.
pub(crate) fn run(config: Option<PathBuf>, log: Log, env: Env) -> Result<u8, Failure> {
    harden()?;
    let tracing = trace::Settings::read(&env)?;
    let env = trace::without_headers(&env);
    let service = Service::read(config, env)?.take_sockets()?;
    let service = service.on_notice(note);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| internal("cannot start the runtime", &error))?;
    let traces = Traces::start(&tracing)?;
    let code = runtime.block_on(serve(service, log, &tracing));
    runtime.shutdown_timeout(LAST_WORK);
    // Whoever asked twice waits for nothing.
    if matches!(code, Ok(0)) {
        traces.end();
    }
    code
}

/// Says it in the log, and where the service manager shows what is served: who reloads
/// with a signal has no other answer.
fn note(notice: &Notice<'_>) {
    match notice.is_problem() {
        true => tracing::warn!("{notice}"),
        false => tracing::info!("{notice}"),
    }
    match notice {
        Notice::Reloaded { status, .. } => systemd::tell(State::Status(status)),
        Notice::ReloadFailed { .. } => systemd::tell(State::Status(&notice.to_string())),
        _ => {}
    }
}

async fn serve(service: Service, log: Log, tracing: &trace::Settings) -> Result<u8, Failure> {
    let mut signals = Signals::new()?;
    let banner = banner::lines(service.plan());
    let running = service.start().await?;
    for line in banner.with_addresses(running.addresses()) {
        log.say(&line);
    }
    for (whom, address) in [
        ("operators", running.admin_address()),
        ("probes", running.health_address()),
    ] {
        if let Some(address) = address {
            log.say(&format!("listening on {address} for {whom}"));
        }
    }
    for line in tracing.lines() {
        log.say(&line);
    }
    systemd::tell(State::Status(&banner.status()));
    systemd::tell(State::Ready);
    log.say(&format!("ready: {}", banner.status()));
    let watchdog = crate::staff::Task::spawn(systemd::keep_watchdog_quiet());
    let first = signals.until_the_end(&running).await;
    systemd::tell(State::Stopping);
    log.say(&format!(
        "{first}: finishing what was accepted; once more ends at once"
    ));
    let code = tokio::select! {
        ending = running.stop() => {
            log.say(&farewell(ending));
            0
        }
        again = signals.end() => {
            log.say(&format!("{again}: ended at once"));
            again.exit_code()
        }
    };
    drop(watchdog);
    Ok(code)
}

fn farewell(ending: Ending) -> String {
    let accepted = banner::count(
        usize::try_from(ending.accepted).unwrap_or(usize::MAX),
        "connection",
    );
    match ending.cut_off {
        0 => format!("ended: {accepted} accepted, none cut off"),
        cut_off => format!("ended: {accepted} accepted, {cut_off} cut off after 25 s"),
    }
}

/// A wish that the service ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Terminate,
    Interrupt,
}

impl End {
    /// As a shell has it.
    fn exit_code(self) -> u8 {
        match self {
            Self::Terminate => 128 + 15,
            Self::Interrupt => 128 + 2,
        }
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        })
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let wait = |kind| signal(kind).map_err(|error| internal("cannot wait for signals", &error));
        Ok(Self {
            terminate: wait(SignalKind::terminate())?,
            interrupt: wait(SignalKind::interrupt())?,
            hang_up: wait(SignalKind::hangup())?,
        })
    }

    /// Reloads as often as it is asked to, until it is asked to end.
    async fn until_the_end(&mut self, running: &Running) -> End {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return End::Terminate,
                _ = self.interrupt.recv() => return End::Interrupt,
                _ = self.hang_up.recv() => {}
            }
            systemd::tell(State::Reloading);
            // The outcome is a notice.
            tokio::select! {
                _ = running.reload() => {}
                end = self.end() => return end,
            }
            systemd::tell(State::Ready);
        }
    }

    async fn end(&mut self) -> End {
        tokio::select! {
            _ = self.terminate.recv() => End::Terminate,
            _ = self.interrupt.recv() => End::Interrupt,
        }
    }
}

fn internal(what: &str, error: &io::Error) -> Failure {
    Failure::new(ErrorKind::Internal, format!("{what}: {}", error.kind()))
}
