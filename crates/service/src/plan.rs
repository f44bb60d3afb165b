//! What to serve, and to whom: read, resolved and checked, so that nothing of it is
//! refused later.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use prove_token::ErrorKind;
use prove_token_config::{
    Config, Env, FileFingerprints, Identity, ListenAddress, Overrides, Profile, ServiceSettings,
};
use rustls::sign::CertifiedKey;

use crate::console::printable;
use crate::failure::Failure;
use crate::listener;
use crate::sink::Sink;
use crate::state;
use crate::tls;

/// The name of the socket in its folder.
const SOCKET: &str = "prove-token.sock";

/// Where the plan is read from, each time anew.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The file that was named; `None` for the one that is found.
    pub(crate) config: Option<PathBuf>,
    pub(crate) env: Env,
    pub(crate) fingerprints: FileFingerprints,
}

/// Everything that is decided.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
    pub(crate) settings: ServiceSettings,
    /// Profiles of the emulator have no address yet.
    pub(crate) profiles: Vec<Profile>,
    pub(crate) sinks: Vec<Sink>,
    /// The certificate, if there is one.
    pub(crate) key: Option<Arc<CertifiedKey>>,
    /// The files that it depends on.
    files: Vec<PathBuf>,
    /// What was in them before they were read, so that no change goes unnoticed; empty
    /// without a source.
    pub(crate) seen: Vec<(PathBuf, Option<u64>)>,
    /// Whether nobody said where to listen.
    pub(crate) listens_by_default: bool,
    /// Where the key of local bearers is kept, if there is a folder for it.
    pub(crate) state_place: Option<PathBuf>,
    /// Whether local bearers are to outlive the process.
    pub(crate) keeps_state: bool,
}

impl Source {
    pub(crate) fn new(config: Option<PathBuf>, env: Env) -> Self {
        Self {
            config,
            env,
            fingerprints: FileFingerprints::default(),
        }
    }

    /// Reads and checks everything; nothing is begun, and no secret is asked for.
    ///
    /// # Errors
    ///
    /// `Configuration`: one clear line for each thing that is wrong or not safe.
    pub(crate) fn read(&self) -> Result<Plan, Failure> {
        // Once to learn of the files, and once more when their fingerprints are taken.
        let files = self.read_once()?.files;
        let seen = |path: PathBuf| {
            let fingerprint = self.fingerprints.of(&path);
            (path, fingerprint)
        };
        let seen = files.into_iter().map(seen).collect();
        Ok(Plan {
            seen,
            ..self.read_once()?
        })
    }

    fn read_once(&self) -> Result<Plan, Failure> {
        let file = Config::find(self.config.as_deref(), &self.env)?;
        let config = file.as_deref().map(Config::load).transpose()?;
        let settings = config.as_ref().and_then(Config::service).cloned();
        let profiles = profiles(config.as_ref(), &self.env)?;
        let plan = Plan::new(settings.unwrap_or_default(), profiles, &self.env)?;
        let files: Vec<_> = file.iter().cloned().chain(plan.files).collect();
        Sink::spare(&plan.sinks, &files)?;
        Ok(Plan {
            file,
            files,
            ..plan
        })
    }
}

impl Plan {
    /// A plan without a file; see [`Source::read`].
    pub(crate) fn new(
        mut settings: ServiceSettings,
        profiles: Vec<Profile>,
        env: &Env,
    ) -> Result<Self, Failure> {
        if profiles.is_empty() {
            return Err(refused("there is no profile to serve")
                .hint("add one to the configuration file, or set PROVE_CLIENT_ID"));
        }
        let listens_by_default = settings.listen.is_empty();
        if listens_by_default {
            let is_given = env.var_os("LISTEN_FDS").is_some();
            match runtime_folder(env) {
                Ok(folder) => settings
                    .listen
                    .push(ListenAddress::Unix(folder.join(SOCKET))),
                // The service manager opened sockets, and they will do.
                Err(_) if is_given => {}
                Err(failure) => return Err(failure),
            }
        }
        check_callers(&settings)?;
        check_addresses(&settings)?;
        for profile in &profiles {
            profile.check_secret_file(env)?;
            profile.ca_certificates()?;
        }
        let pair = settings.tls.as_ref();
        let key = pair.map(|pair| tls::load(pair, env)).transpose()?;
        let files = profiles
            .iter()
            .flat_map(|profile| profile.files(env))
            .chain(pair.into_iter().flat_map(tls::files));
        Ok(Self {
            file: None,
            sinks: Sink::all(&settings.sinks)?,
            key,
            files: files.collect(),
            seen: Vec::new(),
            settings,
            profiles,
            listens_by_default,
            state_place: state::place(env),
            keeps_state: true,
        })
    }

    /// Listens on `addresses`, if there are any: on sockets that are open already, which
    /// nobody named.
    pub(crate) fn listen_on(&mut self, addresses: Vec<ListenAddress>) -> Result<(), Failure> {
        let is_public = |address: &&ListenAddress| !address.is_private();
        if let Some(address) = addresses.iter().find(is_public) {
            return Err(refused(format!(
                "{address} is open in plain text where other machines can connect"
            ))
            .hint("write tls:ADDRESS:PORT into listen, with a certificate, or open another"));
        }
        if !addresses.is_empty() {
            self.settings.listen = addresses;
        }
        Ok(())
    }
}

pub(crate) fn refused(message: impl Into<String>) -> Failure {
    Failure::new(ErrorKind::Configuration, message)
}

/// Every profile of the file; without one, the profile of the variables.
fn profiles(config: Option<&Config>, env: &Env) -> Result<Vec<Profile>, Failure> {
    let names: Vec<_> = config
        .into_iter()
        .flat_map(Config::profiles)
        .map(|entry| Some(entry.name.to_owned()))
        .collect();
    let names = if names.is_empty() { vec![None] } else { names };
    let resolve = |profile| {
        let overrides = Overrides {
            profile,
            ..Overrides::default()
        };
        Profile::from_config(&overrides, env, config)
    };
    Ok(names.into_iter().map(resolve).collect::<Result<_, _>>()?)
}

/// That each caller can come at all.
fn check_callers(settings: &ServiceSettings) -> Result<(), Failure> {
    let has_socket = settings.listen.iter().any(ListenAddress::is_unix);
    let by_kernel = settings
        .callers
        .iter()
        .find(|caller| matches!(caller.identity, Identity::Uid(_) | Identity::Gid(_)));
    match by_kernel {
        Some(caller) if !has_socket => Err(refused(format!(
            "the caller {} is known by its user or group, which is told on a Unix socket alone, \
             and there is none",
            caller.name
        ))
        .hint("add \"unix:/path\" to listen, or give the caller a key")),
        _ => Ok(()),
    }
}

/// That no address is there twice, and that the sockets' folders are safe.
fn check_addresses(settings: &ServiceSettings) -> Result<(), Failure> {
    let others = settings.admin_listen.iter().chain(&settings.health_listen);
    let all: Vec<_> = settings.listen.iter().chain(others).collect();
    for (index, address) in all.iter().enumerate() {
        // A port that is chosen is another one each time.
        let is_chosen = matches!(address,
            ListenAddress::Tcp(address) | ListenAddress::Tls(address) if address.port() == 0);
        if !is_chosen && all[..index].contains(address) {
            return Err(refused(format!("{address} is to be listened on twice"))
                .hint("give each listener an address of its own"));
        }
        if let ListenAddress::Unix(path) = address {
            check_folder(path)?;
        }
    }
    Ok(())
}

/// Whoever can write the folder can put a socket of his own into the place of ours.
fn check_folder(socket: &Path) -> Result<(), Failure> {
    let folder = socket.parent().unwrap_or(socket);
    match listener::is_safe_folder(folder) {
        // That it is not there shows when it is bound.
        Err(_) | Ok(true) => Ok(()),
        Ok(false) => Err(refused(format!(
            "other users can write the folder {} of the socket, and so replace it",
            printable(folder)
        ))
        .hint("choose a folder that only the service's user can write, or take that right away")),
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
        refused("there is no folder for the socket")
            .hint("set XDG_RUNTIME_DIR, or write listen = [\"unix:/path\"] under [service]")
    })
}
