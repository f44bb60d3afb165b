//! The service as a whole: bound, running, asked to end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prove_token::ErrorKind;
use prove_token_config::{Env, HandsOut, ListenAddress, Profile, ServiceSettings};
use prove_token_emulator::Emulator;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::accept::{Hall, accept};
use crate::bearer::Bearers;
use crate::caller::Callers;
use crate::desk::Desk;
use crate::failure::Failure;
use crate::listener::Listener;
use crate::office::{Front, Office};
use crate::provider;
use crate::roster::Roster;
use crate::state::StateKey;

/// Connections at a time.
const MOST_CONNECTIONS: usize = 1024;

/// How long requests that are under way may take once the service was asked to end.
const DRAIN: Duration = Duration::from_secs(25);

/// The name of the socket in its folder.
const SOCKET: &str = "prove-token.sock";

/// What to serve, and to whom.
#[derive(Debug)]
pub struct Service {
    settings: ServiceSettings,
    profiles: Vec<Profile>,
    state: StateKey,
    notices: Vec<String>,
}

/// A service that accepts requests.
#[derive(Debug)]
pub struct Running {
    addresses: Vec<ListenAddress>,
    notices: Vec<String>,
    stop: watch::Sender<bool>,
    roster: Arc<Roster>,
    listeners: JoinSet<()>,
    keepers: JoinSet<()>,
    /// Ends with the service.
    _emulator: Option<Emulator>,
}

impl Service {
    /// A service of `profiles` as `settings` say; without an address it listens on a Unix
    /// socket in the run-time folder that `env` names.
    ///
    /// # Errors
    ///
    /// `Configuration` if there is nowhere to listen, nothing to serve, or if others can
    /// read what local bearers are sealed with.
    pub fn new(
        mut settings: ServiceSettings,
        profiles: Vec<Profile>,
        env: &Env,
    ) -> Result<Self, Failure> {
        if profiles.is_empty() {
            return Err(
                Failure::new(ErrorKind::Configuration, "there is no profile to serve")
                    .hint("add one to the configuration file, or set PROVE_CLIENT_ID"),
            );
        }
        if settings.listen.is_empty() {
            let socket = runtime_folder(env)?.join(SOCKET);
            settings.listen.push(ListenAddress::Unix(socket));
        }
        let (state, notice) = state(&settings, env)?;
        Ok(Self {
            settings,
            profiles,
            state,
            notices: notice.into_iter().collect(),
        })
    }

    /// Binds every address and begins to serve, on the runtime that this is called on.
    ///
    /// # Errors
    ///
    /// `Configuration` if an address cannot be listened on.
    pub async fn start(self) -> Result<Running, Failure> {
        let (stop, stopped) = watch::channel(false);
        let (profiles, emulator) = provider::settle(self.profiles)?;
        let office = Arc::new(office(&self.settings, &profiles, &self.state)?);
        let mut keepers = JoinSet::new();
        for desk in office.desks.values().map(Arc::clone) {
            keepers.spawn(async move { desk.keep().await });
        }
        let roster = Roster::new(MOST_CONNECTIONS);
        let open = office.callers.are_told_by_the_kernel();
        let hall = Arc::new(Hall {
            answers: Arc::new(Front::new(office)),
            roster: Arc::clone(&roster),
            stop: stopped,
        });
        let (mut listeners, mut addresses) = (JoinSet::new(), Vec::new());
        for address in &self.settings.listen {
            let refuse = |error: std::io::Error| {
                let kind = ErrorKind::Configuration;
                Failure::new(
                    kind,
                    format!("cannot listen on {address}: {}", error.kind()),
                )
            };
            let listener = Listener::bind(address, open).await.map_err(refuse)?;
            addresses.push(listener.address().map_err(refuse)?);
            listeners.spawn(accept(listener, Arc::clone(&hall)));
        }
        Ok(Running {
            addresses,
            notices: self.notices,
            stop,
            roster,
            listeners,
            keepers,
            _emulator: emulator,
        })
    }
}

/// A desk for each profile, and who may come to it.
fn office(
    settings: &ServiceSettings,
    profiles: &[Profile],
    state: &StateKey,
) -> Result<Office, Failure> {
    let mut desks = BTreeMap::new();
    for profile in profiles {
        let client = profile
            .client_builder(profile.transport()?.build())?
            .keep_warm(true)
            .build()?;
        desks.insert(profile.name.clone(), Arc::new(Desk::new(profile, client)?));
    }
    let names: Vec<_> = profiles
        .iter()
        .map(|profile| profile.name.clone())
        .collect();
    let bearers = Bearers::new(state, &settings.callers);
    let uid = rustix::process::geteuid().as_raw();
    Ok(Office {
        desks,
        callers: Callers::new(&settings.callers, uid, &names, bearers),
    })
}

impl Running {
    /// Where it can be reached, in the order of the settings; a port that was 0 is the
    /// one that was chosen.
    pub fn addresses(&self) -> &[ListenAddress] {
        &self.addresses
    }

    /// What an operator should know, a line each.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Accepts nothing more, and lets what was accepted come to its end: for 25 s at
    /// most.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let drained = async {
            while self.listeners.join_next().await.is_some() {}
            self.roster.empty().await;
        };
        let _ = tokio::time::timeout(DRAIN, drained).await;
        self.keepers.shutdown().await;
    }
}

/// What local bearers are sealed with: kept if there is a caller that gets them.
fn state(settings: &ServiceSettings, env: &Env) -> Result<(StateKey, Option<String>), Failure> {
    let mut callers = settings.callers.iter();
    match callers.any(|caller| caller.hands_out == HandsOut::Proxy) {
        true => StateKey::settle(env),
        false => Ok((StateKey::random()?, None)),
    }
}

/// The folder of sockets: systemd's, or the user's.
fn runtime_folder(env: &Env) -> Result<PathBuf, Failure> {
    // systemd names several with colons between.
    let first = |value: &std::ffi::OsStr| value.to_str()?.split(':').next().map(PathBuf::from);
    let folder = ["RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"]
        .into_iter()
        .filter_map(|name| env.var_os(name).and_then(first))
        .find(|folder| folder.is_absolute());
    folder.ok_or_else(|| {
        Failure::new(
            ErrorKind::Configuration,
            "there is no folder for the socket",
        )
        .hint("set XDG_RUNTIME_DIR, or write listen = [\"unix:/path\"] under [service]")
    })
}
