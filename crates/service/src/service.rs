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
use crate::admin::{Admin, Kind, View};
use crate::bearer::Bearers;
use crate::caller::Callers;
use crate::chronicle::Chronicle;
use crate::connection::Answer;
use crate::desk::Desk;
use crate::failure::Failure;
use crate::listener::Listener;
use crate::lookout::Lookout;
use crate::office::{Front, Office};
use crate::provider;
use crate::roster::Roster;
use crate::state::StateKey;

/// Connections at a time.
const MOST_CONNECTIONS: usize = 1024;

/// Connections of operators at a time, and of probes: apart from those of callers, so that
/// they get through when nobody else does.
const MOST_WATCHERS: usize = 64;

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
    admin_address: Option<ListenAddress>,
    health_address: Option<ListenAddress>,
    lookout: Arc<Lookout>,
    rosters: Vec<(&'static str, Arc<Roster>)>,
    stop: watch::Sender<bool>,
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
        let lookout = Arc::<Lookout>::default();
        let (profiles, emulator) = provider::settle(self.profiles)?;
        let office = Arc::new(office(&self.settings, &profiles, &self.state, &lookout)?);
        let mut keepers = JoinSet::new();
        for desk in office.desks.values().map(Arc::clone) {
            keepers.spawn(async move { desk.keep().await });
        }
        let open = office.callers.are_told_by_the_kernel();
        let rosters = vec![
            ("data", Roster::new(MOST_CONNECTIONS)),
            ("admin", Roster::new(MOST_WATCHERS)),
            ("health", Roster::new(MOST_WATCHERS)),
        ];
        let hall = |index: usize| (Arc::clone(&rosters[index].1), stopped.clone());
        let front = Arc::new(Front::new(office, Arc::clone(&lookout)));
        let view = Arc::new(View::new(Arc::clone(&front), rosters.clone()));
        let mut listeners = JoinSet::new();
        let mut addresses = Vec::new();
        for address in &self.settings.listen {
            let answers = Arc::clone(&front);
            addresses.push(listen(address, open, answers, hall(0), &mut listeners).await?);
        }
        let mut watchers = [None, None];
        let others = [
            (&self.settings.admin_listen, Kind::Admin),
            (&self.settings.health_listen, Kind::Health),
        ];
        for (index, (address, kind)) in others.into_iter().enumerate() {
            let Some(address) = address else { continue };
            let answers = Arc::new(Admin::new(kind, Arc::clone(&view)));
            let hall = hall(index + 1);
            watchers[index] = Some(listen(address, false, answers, hall, &mut listeners).await?);
        }
        let [admin_address, health_address] = watchers;
        Ok(Running {
            addresses,
            notices: self.notices,
            admin_address,
            health_address,
            lookout,
            rosters,
            stop,
            listeners,
            keepers,
            _emulator: emulator,
        })
    }
}

/// Listens at `address` until the end; returns where that is.
async fn listen<A: Answer>(
    address: &ListenAddress,
    open: bool,
    answers: Arc<A>,
    (roster, stop): (Arc<Roster>, watch::Receiver<bool>),
    listeners: &mut JoinSet<()>,
) -> Result<ListenAddress, Failure> {
    let refuse = |error: std::io::Error| {
        let kind = ErrorKind::Configuration;
        Failure::new(
            kind,
            format!("cannot listen on {address}: {}", error.kind()),
        )
    };
    let listener = Listener::bind(address, open).await.map_err(refuse)?;
    let bound = listener.address().map_err(refuse)?;
    let hall = Arc::new(Hall {
        answers,
        roster,
        stop,
    });
    listeners.spawn(accept(listener, hall));
    Ok(bound)
}

/// A desk for each profile, and who may come to it.
fn office(
    settings: &ServiceSettings,
    profiles: &[Profile],
    state: &StateKey,
    lookout: &Arc<Lookout>,
) -> Result<Office, Failure> {
    let mut desks = BTreeMap::new();
    for profile in profiles {
        let chronicle = Chronicle::new(&profile.name, lookout);
        let hears = Arc::clone(&chronicle);
        let client = profile
            .client_builder(profile.transport()?.build())?
            .keep_warm(true)
            .on_event(move |event| hears.heard(event))
            .build()?;
        let desk = Desk::new(profile, client, chronicle)?;
        desks.insert(profile.name.clone(), Arc::new(desk));
    }
    let names: Vec<_> = profiles
        .iter()
        .map(|profile| profile.name.clone())
        .collect();
    let bearers = Bearers::new(state, &settings.callers);
    let uid = rustix::process::geteuid().as_raw();
    Ok(Office {
        desks,
        callers: Callers::new(&settings.callers, uid, &names, bearers, &lookout.metrics),
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

    /// Where operators can reach it.
    pub fn admin_address(&self) -> Option<&ListenAddress> {
        self.admin_address.as_ref()
    }

    /// Where probes can reach it.
    pub fn health_address(&self) -> Option<&ListenAddress> {
        self.health_address.as_ref()
    }

    /// Accepts nothing more, and lets what was accepted come to its end: for 25 s at
    /// most.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.lookout.news.close();
        let drained = async {
            while self.listeners.join_next().await.is_some() {}
            for (_, roster) in &self.rosters {
                roster.empty().await;
            }
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
