//! Changes to the configuration file that keep everything else in it as it is.

mod caller;
mod document;
mod lock;
mod profile;
mod target;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::caller::NewCaller;
pub use self::profile::{Issuer, NewProfile};

use self::lock::Lock;
use self::target::Target;
use crate::env::Env;
use crate::error::{Error, Problem};
use crate::file::{Config, LIMIT};
use crate::place::printable;

/// Changes to a configuration file, which are made all together or not at all.
///
/// Comments, order and layout of what is not changed stay, and so do the file's mode,
/// its owner and a symbolic link that leads to it. Several processes may edit one file
/// at once: none loses what another one wrote. At any moment, and after any crash, the
/// file is the old or the new one.
///
/// ```no_run
/// use prove_token_config::{Config, Edit, Env, EnvironmentName, Issuer, NewProfile};
/// let profile = NewProfile::new(Issuer::Environment(EnvironmentName::Emulator));
/// let file = Config::file_to_edit(None, &Env::from_process())?;
/// let edit = Edit::new().add_profile("local", profile).use_profile("local");
/// assert!(edit.apply(&file)?.profiles().any(|profile| profile.name == "local"));
/// # Ok::<(), prove_token_config::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Edit(Vec<Change>);

#[derive(Clone, Debug)]
enum Change {
    Add {
        name: String,
        profile: Box<NewProfile>,
        /// Whether there may be one of this name already.
        replace: bool,
    },
    Remove(String),
    Use(Option<String>),
    AddCaller(Box<NewCaller>),
    RemoveCaller(String),
}

impl Edit {
    /// Nothing so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a profile; that there is one of this name is an error.
    #[must_use]
    pub fn add_profile(self, name: impl Into<String>, profile: NewProfile) -> Self {
        self.and(Change::Add {
            name: name.into(),
            profile: Box::new(profile),
            replace: false,
        })
    }

    /// Adds a profile, in the place of the one that has this name, if there is one.
    /// Nothing of that stays but the comment above it.
    #[must_use]
    pub fn replace_profile(self, name: impl Into<String>, profile: NewProfile) -> Self {
        self.and(Change::Add {
            name: name.into(),
            profile: Box::new(profile),
            replace: true,
        })
    }

    /// Removes a profile, with the comment right above it; that there is none of this
    /// name is an error. If it is the default one, no profile is afterwards.
    #[must_use]
    pub fn remove_profile(self, name: impl Into<String>) -> Self {
        self.and(Change::Remove(name.into()))
    }

    /// Makes a profile the default one; that there is none of this name is an error.
    #[must_use]
    pub fn use_profile(self, name: impl Into<String>) -> Self {
        self.and(Change::Use(Some(name.into())))
    }

    /// Lets no profile be the default one.
    #[must_use]
    pub fn use_no_profile(self) -> Self {
        self.and(Change::Use(None))
    }

    /// Adds a caller of the service; that there is one of this name is an error.
    #[must_use]
    pub fn add_caller(self, caller: NewCaller) -> Self {
        self.and(Change::AddCaller(Box::new(caller)))
    }

    /// Removes a caller of the service, with the comment right above it; that there is
    /// none of this name is an error.
    #[must_use]
    pub fn remove_caller(self, name: impl Into<String>) -> Self {
        self.and(Change::RemoveCaller(name.into()))
    }

    fn and(mut self, change: Change) -> Self {
        self.0.push(change);
        self
    }

    /// Makes the changes in the file at `path`, and returns the file as it is now. It is
    /// made with mode 0600 if there is none, and so is its folder, with mode 0700. Others
    /// who edit the file at the same time are waited for, 10 s at most.
    ///
    /// # Errors
    ///
    /// `Configuration`; the file is then as it was. It has problems that the changes do not
    /// put right, which are told; it would have some afterwards; a change cannot be made;
    /// the file cannot be written, or not with its mode and owner; or somebody else is
    /// editing it for too long.
    pub fn apply(&self, path: &Path) -> Result<Config, Error> {
        let target = Target::make(path)?;
        let lock = Lock::take(&target)?;
        let edited = self.edited(path, &target)?;
        if edited.is_news {
            target.write(&edited.text)?;
        }
        drop(lock);
        Ok(edited.config)
    }

    /// What [`apply`](Self::apply) would return, or refuse, if it could write. Nothing is
    /// touched.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply), but for those of writing.
    pub fn preview(&self, path: &Path) -> Result<Config, Error> {
        let target = Target::find(path)?;
        Ok(self.edited(path, &target)?.config)
    }

    fn edited(&self, path: &Path, target: &Target) -> Result<Edited, Error> {
        let path: Arc<Path> = path.into();
        let old = target.read(&path)?;
        let old = old.as_deref().map(String::as_str);
        let mut document = document::parse(&path, old)?;
        let before = document.problems();
        for change in &self.0 {
            let changed = document.change(change);
            // What is wrong with a file is told before what a change of it would come to.
            changed.map_err(|problem| before.clone().unwrap_or(problem.into()))?;
        }
        let text = document.into_text();
        let config = accepted(&path, &text).map_err(|after| blame(before, after))?;
        Ok(Edited {
            is_news: old != Some(text.as_str()),
            text,
            config,
        })
    }
}

/// What the changes make of the file.
struct Edited {
    text: String,
    config: Config,
    is_news: bool,
}

/// Of the problems of a file `before` and `after` it is changed, those to tell: what the
/// changes brought, or else what was there and stays.
fn blame(before: Option<Error>, after: Error) -> Error {
    let Some(before) = before else {
        return after;
    };
    let is_old = |problem: &&Problem| {
        let mut old = before.problems().iter();
        old.any(|old| old.key == problem.key && old.message == problem.message)
    };
    let new: Vec<_> = after.problems().iter().filter(|it| !is_old(it)).collect();
    match new.is_empty() {
        true => before,
        false => Error::configuration(None, new.into_iter().cloned().collect()),
    }
}

/// `text` as the reader of files has it: whatever that refuses is not written.
fn accepted(path: &Arc<Path>, text: &str) -> Result<Config, Error> {
    let config = Config::parse(path, text)?;
    let mut problems = config.problems().to_vec();
    // Their lines are of a text that nobody will see.
    for problem in &mut problems {
        problem.place = None;
    }
    if text.len() as u64 > LIMIT {
        problems.push(Problem::new(format!(
            "the configuration file {} would be larger than {} KiB",
            printable(path),
            LIMIT / 1024
        )));
    }
    match problems.is_empty() {
        true => Ok(config),
        false => Err(Error::configuration(None, problems)),
    }
}

impl Config {
    /// The file that is to be edited: the one that [`find`](Config::find) finds, else the
    /// first of its [`search_path`](Config::search_path), which does not exist yet.
    ///
    /// # Errors
    ///
    /// As [`find`](Config::find), and if there is no place to look.
    pub fn file_to_edit(explicit: Option<&Path>, env: &Env) -> Result<PathBuf, Error> {
        if let Some(path) = Self::find(explicit, env)? {
            return Ok(path);
        }
        let first = Self::search_path(env).into_iter().next();
        first.filter(|path| Self::is_of_user(path)).ok_or_else(|| {
            let problem = Problem::new("there is no place for a configuration file");
            problem
                .with_hint("set HOME, or name a file with --config")
                .into()
        })
    }
}

#[cfg(test)]
mod tests;
