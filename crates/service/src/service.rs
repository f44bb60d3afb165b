//! The service as a whole: bound, running, asked to end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prove_token_config::{Env, ListenAddress, Profile, ServiceSettings};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::accept::{Hall, accept};
use crate::admin::{Admin, Kind, View};
use crate::connection::Answer;
use crate::failure::Failure;
use crate::listener::Listener;
use crate::lookout::Lookout;
use crate::notice::{Notice, Observer};
use crate::office::Front;
use crate::plan::{Plan, Source, refused};
use crate::roster::Roster;
use crate::staff::Task;
use crate::steward::{Reloader, Steward};
use crate::systemd::Sockets;
use crate::tls::Tailor;

/// Connections at a time.
const MOST_CONNECTIONS: usize = 1024;

/// Connections of operators at a time, and of probes: apart from those of callers, so that
/// they get through when nobody else does.
const MOST_WATCHERS: usize = 64;

/// How long requests that are under way may take once the service was asked to end.
const DRAIN: Duration = Duration::from_secs(25);

/// What to serve, and to whom.
#[derive(Debug)]
pub struct Service {
    plan: Plan,
    source: Option<Source>,
    observer: Observer,
    sockets: Sockets,
}

/// A service that accepts requests.
#[derive(Debug)]
pub struct Running {
    addresses: Vec<ListenAddress>,
    admin_address: Option<ListenAddress>,
    health_address: Option<ListenAddress>,
    lookout: Arc<Lookout>,
    /// The connections of each kind of listener, those of callers first.
    rosters: Vec<(&'static str, Arc<Roster>)>,
    stop: watch::Sender<bool>,
    listeners: JoinSet<()>,
    reloader: Reloader,
    steward: Task,
}

/// How a service ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ending {
    /// The connections that were accepted while it ran.
    pub accepted: u64,
    /// Of these, those that were cut off because they took too long in the end.
    pub cut_off: usize,
}

impl Service {
    /// A service of `profiles` as `settings` say; without an address it listens on a Unix
    /// socket in the run-time folder that `env` names. What it is made of does not
    /// change.
    ///
    /// # Errors
    ///
    /// `Configuration` if there is nowhere to listen, nothing to serve, or something is
    /// not safe.
    pub fn new(
        settings: ServiceSettings,
        profiles: Vec<Profile>,
        env: &Env,
    ) -> Result<Self, Failure> {
        Ok(Self::of(Plan::new(settings, profiles, env)?, None))
    }

    /// The service of a configuration file (`None`: the one that is found, if any), which
    /// follows the file while it runs.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and if the file has problems.
    pub fn read(config: Option<PathBuf>, env: Env) -> Result<Self, Failure> {
        let source = Source::new(config, env);
        Ok(Self::of(source.read()?, Some(source)))
    }

    fn of(plan: Plan, source: Option<Source>) -> Self {
        Self {
            plan,
            source,
            observer: Observer::new(|_| {}),
            sockets: Sockets::default(),
        }
    }

    /// Tells `observe` what happens to the service. Default: nobody.
    #[must_use]
    pub fn on_notice(mut self, observe: impl Fn(&Notice<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Observer::new(observe);
        self
    }

    /// Takes over the sockets that the service manager opened for this process, where
    /// they are at the addresses of the settings. If those name none, it listens on these
    /// sockets and nowhere else.
    ///
    /// # Errors
    ///
    /// `Configuration` if one of them cannot be listened on.
    pub fn take_sockets(mut self) -> Result<Self, Failure> {
        self.sockets = Sockets::take()?;
        if self.plan.listens_by_default {
            let settings = &self.plan.settings;
            let others = [&settings.admin_listen, &settings.health_listen];
            let is_for_callers = |address: &&ListenAddress| {
                !others.iter().any(|other| other.as_ref() == Some(address))
            };
            let given = self.sockets.addresses().filter(is_for_callers);
            let given: Vec<_> = given.cloned().collect();
            self.plan.listen_on(given)?;
        }
        Ok(self)
    }

    /// What it will serve, and to whom.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Binds every address and begins to serve, on the runtime that this is called on.
    ///
    /// # Errors
    ///
    /// `Configuration` if an address cannot be listened on.
    pub async fn start(self) -> Result<Running, Failure> {
        let (stop, stopped) = watch::channel(false);
        let (reloader, requests) = Reloader::new();
        let settings = self.plan.settings.clone();
        let mut steward = Steward::new(self.plan, self.source, self.observer)?;
        let front = Arc::clone(steward.front());
        let lookout = Arc::clone(&front.lookout);
        let mut floor = Floor {
            sockets: self.sockets,
            stop: stopped,
            listeners: JoinSet::new(),
            rosters: vec![
                ("data", Roster::new(MOST_CONNECTIONS)),
                ("admin", Roster::new(MOST_WATCHERS)),
                ("health", Roster::new(MOST_WATCHERS)),
            ],
        };
        let view = View::new(Arc::clone(&front), reloader.clone(), floor.rosters.clone());
        let addresses = floor
            .open_to_callers(&settings, &mut steward, &front)
            .await?;
        let [admin_address, health_address] = floor.open_to_watchers(&settings, view).await?;
        floor.sockets.finish()?;
        Ok(Running {
            addresses,
            admin_address,
            health_address,
            lookout,
            rosters: floor.rosters,
            stop,
            listeners: floor.listeners,
            reloader,
            steward: Task::spawn(steward.serve(requests)),
        })
    }
}

/// What listens, and what it takes to.
struct Floor {
    sockets: Sockets,
    stop: watch::Receiver<bool>,
    listeners: JoinSet<()>,
    /// Those of callers, of operators and of probes.
    rosters: Vec<(&'static str, Arc<Roster>)>,
}

impl Floor {
    /// Returns where callers can come.
    async fn open_to_callers(
        &mut self,
        settings: &ServiceSettings,
        steward: &mut Steward,
        front: &Arc<Front>,
    ) -> Result<Vec<ListenAddress>, Failure> {
        let open = front.office().callers.are_told_by_the_kernel();
        let mut addresses = Vec::new();
        for address in &settings.listen {
            let tailor = steward.tailor().cloned();
            let listener = self.bind(address, open, tailor.as_ref()).await?;
            let file = listener.socket_file().map(ToOwned::to_owned);
            steward.sockets.extend(file);
            addresses.push(self.open(address, listener, Arc::clone(front), 0)?);
        }
        match addresses.is_empty() {
            true => Err(refused("there is nowhere to listen")
                .hint("write listen = [\"unix:/path\"] under [service]")),
            false => Ok(addresses),
        }
    }

    /// Returns where operators can come, and where probes.
    async fn open_to_watchers(
        &mut self,
        settings: &ServiceSettings,
        view: View,
    ) -> Result<[Option<ListenAddress>; 2], Failure> {
        let view = Arc::new(view);
        let mut watchers = [None, None];
        let others = [
            (&settings.admin_listen, Kind::Admin),
            (&settings.health_listen, Kind::Health),
        ];
        for (index, (address, kind)) in others.into_iter().enumerate() {
            let Some(address) = address else { continue };
            let answers = Arc::new(Admin::new(kind, Arc::clone(&view)));
            let listener = self.bind(address, false, None).await?;
            watchers[index] = Some(self.open(address, listener, answers, index + 1)?);
        }
        Ok(watchers)
    }

    async fn bind(
        &mut self,
        address: &ListenAddress,
        open: bool,
        tailor: Option<&Tailor>,
    ) -> Result<Listener, Failure> {
        let bound = self.sockets.listen(address, open, tailor).await;
        bound.map_err(|error| cannot_listen(address, &error))
    }

    /// Accepts until the end; returns where that is.
    fn open<A: Answer>(
        &mut self,
        address: &ListenAddress,
        listener: Listener,
        answers: Arc<A>,
        roster: usize,
    ) -> Result<ListenAddress, Failure> {
        let bound = listener.address();
        let bound = bound.map_err(|error| cannot_listen(address, &error))?;
        let hall = Hall {
            answers,
            roster: Arc::clone(&self.rosters[roster].1),
            stop: self.stop.clone(),
        };
        self.listeners.spawn(accept(listener, Arc::new(hall)));
        Ok(bound)
    }
}

impl Running {
    /// Where it can be reached, in the order of the settings; a port that was 0 is the
    /// one that was chosen.
    pub fn addresses(&self) -> &[ListenAddress] {
        &self.addresses
    }

    /// Reads the configuration anew, with every secret, and puts it into effect; says in
    /// words what is different.
    ///
    /// # Errors
    ///
    /// What is wrong with it; the old one goes on.
    pub async fn reload(&self) -> Result<Vec<String>, Failure> {
        self.reloader.reload().await
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
    pub async fn stop(mut self) -> Ending {
        self.stop.send_replace(true);
        self.lookout.news.end();
        let drained = async {
            while self.listeners.join_next().await.is_some() {}
            for (_, roster) in &self.rosters {
                roster.empty().await;
            }
        };
        let _ = tokio::time::timeout(DRAIN, drained).await;
        drop(self.steward);
        Ending {
            accepted: self.rosters[0].1.admitted(),
            cut_off: self.rosters[0].1.len(),
        }
    }
}

fn cannot_listen(address: &ListenAddress, error: &std::io::Error) -> Failure {
    use std::io::ErrorKind::{AddrInUse, AlreadyExists, NotFound, PermissionDenied};
    let failure = refused(format!("cannot listen on {address}: {}", error.kind()));
    match (error.kind(), address) {
        (AddrInUse, _) => {
            failure.hint("another process listens there: end it, or choose another address")
        }
        (AlreadyExists, _) => failure
            .hint("something that is not a socket is there: remove it, or choose another path"),
        (NotFound, ListenAddress::Unix(_)) => failure.hint("make the folder of the socket first"),
        (PermissionDenied, _) => failure.hint("choose a path or port that this user may use"),
        _ => failure,
    }
}
