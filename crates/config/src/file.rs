//! The configuration file: where it is found, and what it holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::cache::{self, Store};
use crate::disk::{self, Fault};
use crate::document::{self, Report, Section};
use crate::env::{self, Env};
use crate::error::{Error, Problem};
use crate::place::{Place, printable, shell_word};
use crate::schema;
use crate::service::{self, ServiceSettings};
use crate::setting::{SecretSetting, Setting, Settings};

/// A configuration file larger than this is a mistake.
pub(crate) const LIMIT: u64 = 1024 * 1024;

/// The last place to look.
const SYSTEM_FILE: &str = "/etc/prove-token/config.toml";

/// A configuration file that was read.
///
/// [`load`](Config::load) accepts a file without problems only. To look at a
/// broken one (`profile list`, `config validate`), [`inspect`](Config::inspect)
/// keeps what is right in it, and the problems beside.
#[derive(Clone, Debug)]
pub struct Config {
    path: Arc<Path>,
    pub(crate) default_profile: Option<Setting<String>>,
    pub(crate) store: Option<Setting<Store>>,
    pub(crate) service: Option<ServiceSettings>,
    pub(crate) profiles: BTreeMap<String, ProfileTable>,
    problems: Vec<Problem>,
}

/// One `[profiles.NAME]`.
#[derive(Clone, Debug)]
pub(crate) struct ProfileTable {
    pub(crate) place: Place,
    pub(crate) settings: Settings,
    problems: Vec<Problem>,
}

/// A profile of the file, for lists.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProfileEntry<'c> {
    /// Its name.
    pub name: &'c str,
    /// Where its table begins.
    pub place: &'c Place,
    /// Whether `default_profile` names it.
    pub is_default: bool,
    /// What is wrong with its table; empty if nothing is.
    pub problems: &'c [Problem],
}

impl Config {
    /// The file to use: `explicit` (the flag `--config`), else the one that
    /// `PROVE_TOKEN_CONFIG` names, else the first that exists of
    /// `prove-token/config.toml` in the XDG configuration folder (`APPDATA` on
    /// Windows) and `/etc/prove-token/config.toml`. `None` if there is none.
    ///
    /// # Errors
    ///
    /// `Configuration` if `PROVE_TOKEN_CONFIG` is empty. That a named file does
    /// not exist shows when it is loaded.
    pub fn find(explicit: Option<&Path>, env: &Env) -> Result<Option<PathBuf>, Error> {
        if let Some(path) = explicit {
            return Ok(Some(path.to_owned()));
        }
        if let Some(path) = env.path(env::CONFIG)? {
            return Ok(Some(path.to_owned()));
        }
        // A file that is there but cannot be looked at is an error of loading,
        // not a reason to take another one.
        let is_there = |path: &PathBuf| !matches!(path.try_exists(), Ok(false));
        Ok(candidates(env).into_iter().find(is_there))
    }

    /// Where [`find`](Config::find) looks if no file is named, in this order.
    pub fn search_path(env: &Env) -> Vec<PathBuf> {
        candidates(env)
    }

    /// Reads a file and accepts it whole.
    ///
    /// # Errors
    ///
    /// `Configuration`, with every problem of the file: it is missing or not a
    /// regular file of at most 1 MiB of UTF-8, others could have written it, it
    /// is not TOML, a key is unknown, or a value is not what its key may hold.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let config = Self::inspect(path)?;
        match config.problems.is_empty() {
            true => Ok(config),
            false => Err(config.to_error()),
        }
    }

    /// Reads a file, and keeps what is right in it beside its
    /// [`problems`](Config::problems).
    ///
    /// # Errors
    ///
    /// As [`load`](Config::load), if the file cannot be read or is not TOML.
    pub fn inspect(path: &Path) -> Result<Self, Error> {
        let path: Arc<Path> = path.into();
        Self::parse(&path, &Self::text(&path)?)
    }

    /// The text of the file at `path`, if it is to be believed.
    pub(crate) fn text(path: &Arc<Path>) -> Result<Zeroizing<String>, Error> {
        disk::read_text(path, LIMIT, judge).map_err(|fault| unreadable(path, &fault))
    }

    /// As [`inspect`](Config::inspect), of `text` as that of the file at `path`.
    pub(crate) fn parse(path: &Arc<Path>, text: &str) -> Result<Self, Error> {
        let mut report = Report::new(Arc::clone(path), text);
        let Some(root) = document::parse(text, &mut report) else {
            return Err(Error::configuration(Some(path), report.into_problems()));
        };
        let mut config = Self {
            path: Arc::clone(path),
            default_profile: None,
            store: None,
            service: None,
            profiles: BTreeMap::new(),
            problems: Vec::new(),
        };
        config.read(Section::new("", 0, &root, &schema::FILE), &mut report);
        config.problems = report.into_problems();
        Ok(config)
    }

    /// Whether a front end may make this file, if it is missing: that of the machine is
    /// for its administrator to make.
    pub(crate) fn is_of_user(path: &Path) -> bool {
        path != Path::new(SYSTEM_FILE)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong with the file, in its order; empty after [`load`](Config::load).
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// What it says about the service, if anything.
    pub fn service(&self) -> Option<&ServiceSettings> {
        self.service.as_ref()
    }

    /// The profiles of the file, by name.
    pub fn profiles(&self) -> impl Iterator<Item = ProfileEntry<'_>> {
        let default = self.default_profile.as_ref();
        self.profiles.iter().map(move |(name, table)| ProfileEntry {
            name,
            place: &table.place,
            is_default: default.is_some_and(|default| default.value == *name),
            problems: &table.problems,
        })
    }

    /// The name of the default profile, if there is one.
    pub fn default_profile(&self) -> Option<&str> {
        self.default_profile
            .as_ref()
            .map(|setting| setting.value.as_str())
    }

    /// The error of a file with problems.
    pub(crate) fn to_error(&self) -> Error {
        Error::configuration(Some(&self.path), self.problems.clone())
    }

    /// The variables that hold client secrets of any profile: no child process
    /// of ours may see them.
    pub(crate) fn secret_variables(&self) -> impl Iterator<Item = &str> {
        self.profiles
            .values()
            .filter_map(|table| match &table.settings.client_secret {
                Some(Setting {
                    value: SecretSetting::Env(name),
                    ..
                }) => Some(name.as_str()),
                _ => None,
            })
    }

    /// The names of the profiles, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.profiles.keys().map(String::as_str)
    }

    fn read(&mut self, mut root: Section<'_>, report: &mut Report<'_>) {
        version(&mut root, report);
        self.store = cache::read(&mut root, report);
        let default_profile = root.take("default_profile");
        if let Some(mut section) = root.take("profiles").and_then(|item| item.section(report)) {
            self.read_profiles(&mut section, report);
        }
        self.service = service::read(&mut root, self.names(), report);
        if let Some(item) = default_profile
            && let Some(name) = item.string(report)
        {
            if self.profiles.contains_key(name) {
                self.default_profile = Some(item.setting(name.to_owned(), report));
            } else {
                let hint = schema::name_hint(name, self.names());
                let problem = Problem::new("no profile has this name").with_hint(hint);
                item.note(problem, report);
            }
        }
        root.finish(report);
    }

    fn read_profiles(&mut self, profiles: &mut Section<'_>, report: &mut Report<'_>) {
        for item in profiles.take_all() {
            let name = item.name();
            let mark = report.mark();
            if !schema::is_profile_name(name) {
                let problem = Problem::new("not a name for a profile")
                    .with_hint("use up to 64 of a-z, 0-9, -, _ and ., not beginning with a dot");
                item.note(problem, report);
            } else if schema::RESERVED.contains(&name) {
                let problem = Problem::new("this name is taken").with_hint(format!(
                    "\"{name}\" is made of variables or flags; choose another name"
                ));
                item.note(problem, report);
            }
            if let Some(section) = item.section(report) {
                let place = report.place(section.offset());
                let settings = schema::profile(section, report);
                let table = ProfileTable {
                    place,
                    settings,
                    problems: report.since(mark).to_vec(),
                };
                self.profiles.insert(name.to_owned(), table);
            }
        }
    }
}

fn version(root: &mut Section<'_>, report: &mut Report<'_>) {
    const HINT: &str = "this version reads files with version = 1";
    match root.take("version") {
        None => report.note(
            0,
            Problem::new("is missing")
                .with_key("version")
                .with_hint("write version = 1 at the top of the file"),
        ),
        Some(item) => match item.integer(report) {
            None | Some(1) => {}
            Some(_) => item.note(
                Problem::new("not a version known here").with_hint(HINT),
                report,
            ),
        },
    }
}

/// `XDG_CONFIG_HOME`, else `HOME/.config`. By the XDG specification a relative
/// path is ignored. On Windows `APPDATA` follows.
fn candidates(env: &Env) -> Vec<PathBuf> {
    let absolute = |name| {
        env.conventional_path(name)
            .filter(|path| path.is_absolute())
    };
    let home = || absolute("HOME").map(|home| home.join(".config"));
    let appdata = || absolute("APPDATA").filter(|_| cfg!(windows));
    let folder = absolute("XDG_CONFIG_HOME").or_else(home).or_else(appdata);
    folder
        .map(|folder| folder.join("prove-token").join("config.toml"))
        .into_iter()
        .chain(cfg!(unix).then(|| PathBuf::from(SYSTEM_FILE)))
        .collect()
}

/// Whoever can write the file can have secrets sent elsewhere and commands run.
#[cfg(unix)]
fn judge(metadata: &std::fs::Metadata) -> Result<(), Fault> {
    use std::os::unix::fs::MetadataExt as _;
    let (mode, owner) = (metadata.mode(), metadata.uid());
    let own = rustix::process::geteuid().as_raw();
    if mode & 0o022 != 0 {
        let text = format!("can be written by other users (mode {:04o})", mode & 0o7777);
        return Err(Fault::Exposed(text, "chmod go-w"));
    }
    if owner != 0 && owner != own {
        let text = format!("belongs to another user (uid {owner})");
        return Err(Fault::Exposed(text, "chown \"$(id -u)\""));
    }
    Ok(())
}

#[cfg(not(unix))]
use crate::disk::any as judge;

fn unreadable(path: &Arc<Path>, fault: &Fault) -> Error {
    let shown = printable(path);
    let hint = match fault {
        Fault::Missing => {
            "check the path; prove-token config path shows where it is looked for".to_owned()
        }
        Fault::Exposed(_, repair) => format!("run: {repair} {}", shell_word(&shown)),
        Fault::Io(_) => format!("make {shown} readable for the user that runs this"),
        Fault::NotRegular => "name a regular file".to_owned(),
        Fault::TooLarge(_) | Fault::NotText => "name a TOML file".to_owned(),
    };
    let problem = Problem::new(format!("the configuration file {shown} {fault}")).with_hint(hint);
    Error::configuration(Some(path), vec![problem])
}

#[cfg(test)]
mod tests;
