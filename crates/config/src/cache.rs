//! Where obtained tokens are kept: the word of the file, and the folder that the
//! environment makes of it.

use std::path::PathBuf;

use crate::document::{Report, Section};
use crate::env::Env;
use crate::error::{Error, Problem};
use crate::setting::{Origin, Setting};

/// The variable of the XDG specification that names the folder of caches.
const CACHE_HOME: &str = "XDG_CACHE_HOME";

/// Where obtained tokens are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Store {
    /// `file`: sealed with the client secret, in a folder of the user's, for all
    /// processes with the same secret. The default on Unix, where alone it is.
    File,
    /// `memory`: for the life of the process.
    Memory,
    /// `none`: nowhere. Each use of a token is a request to the authorization server.
    None,
}

impl Store {
    /// The name in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Memory => "memory",
            Self::None => "none",
        }
    }
}

impl Default for Store {
    fn default() -> Self {
        match cfg!(unix) {
            true => Self::File,
            false => Self::Memory,
        }
    }
}

/// The folder of the file store: `prove-token` in `XDG_CACHE_HOME`, which counts
/// if it is absolute, else in `HOME/.cache`. It need not exist.
///
/// # Errors
///
/// `Configuration` if no variable names a folder, or if its name is not UTF-8.
pub fn cache_folder(env: &Env) -> Result<PathBuf, Error> {
    Ok(folder(env)?.value)
}

/// As [`cache_folder`], with the variable that says so.
pub(crate) fn folder(env: &Env) -> Result<Setting<PathBuf>, Problem> {
    let absolute = |name| {
        let path = env.conventional_path(name);
        path.filter(|path| path.is_absolute())
    };
    let (name, folder) = match (absolute(CACHE_HOME), absolute("HOME")) {
        (Some(folder), _) => (CACHE_HOME, folder),
        (None, Some(home)) => ("HOME", home.join(".cache")),
        (None, None) => return Err(no_folder("HOME is not an absolute path, or not set")),
    };
    match folder.to_str() {
        Some(_) => Ok(Setting::new(
            folder.join("prove-token"),
            Origin::Variable(name),
        )),
        None => Err(no_folder(&format!("{name} is not valid UTF-8"))),
    }
}

fn no_folder(reason: &str) -> Problem {
    Problem::new(format!("there is no folder to keep tokens in: {reason}")).with_hint(
        "set HOME or XDG_CACHE_HOME, or write store = \"memory\" under [cache] in the \
         configuration",
    )
}

/// Takes the table `[cache]`.
pub(crate) fn read(root: &mut Section<'_>, report: &mut Report<'_>) -> Option<Setting<Store>> {
    let mut section = root.take("cache").and_then(|item| item.section(report))?;
    let store = section.take("store").and_then(|item| {
        let store = match item.word(report)? {
            "memory" => Store::Memory,
            "none" => Store::None,
            _ if cfg!(unix) => Store::File,
            _ => {
                let problem = Problem::new("tokens are kept in files on Unix only");
                item.note(problem.with_hint("use \"memory\" or \"none\""), report);
                return None;
            }
        };
        Some(item.setting(store, report))
    });
    section.finish(report);
    store
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    fn told(variables: &[(&str, &str)]) -> Result<String, String> {
        let env: Env = variables.iter().copied().collect();
        let folder = cache_folder(&env).map_err(|error| error.to_string())?;
        Ok(folder.display().to_string())
    }

    #[test]
    fn folders_follow_the_xdg_specification() {
        let home = ("HOME", "/home/x");
        let of_home = Ok("/home/x/.cache/prove-token".to_owned());
        assert_eq!(told(&[home]), of_home);
        assert_eq!(
            told(&[home, (CACHE_HOME, "/xdg")]),
            Ok("/xdg/prove-token".to_owned())
        );
        assert_eq!(
            told(&[(CACHE_HOME, "/xdg")]),
            Ok("/xdg/prove-token".to_owned())
        );
        for ignored in ["relative", "./x", ""] {
            assert_eq!(told(&[home, (CACHE_HOME, ignored)]), of_home, "{ignored:?}");
        }
    }

    #[test]
    fn without_a_home_there_is_no_folder() {
        for variables in [&[][..], &[("HOME", "")], &[("HOME", "relative")]] {
            assert_eq!(
                told(variables).unwrap_err(),
                "there is no folder to keep tokens in: HOME is not an absolute path, or not set"
            );
        }
        for name in [CACHE_HOME, "HOME"] {
            let foreign = OsString::from_vec(b"/canary/\xff".to_vec());
            let env: Env = [(name, foreign)].into_iter().collect();
            let error = cache_folder(&env).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("there is no folder to keep tokens in: {name} is not valid UTF-8")
            );
            assert!(error.hint().is_some());
        }
    }
}
