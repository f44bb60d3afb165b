//! The process environment as a value: the only file that reads it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::Problem;

/// The path of the configuration file.
pub(crate) const CONFIG: &str = "PROVE_TOKEN_CONFIG";
/// The name of the profile.
pub(crate) const PROFILE: &str = "PROVE_TOKEN_PROFILE";
/// The client id of the profile `env`.
pub(crate) const CLIENT_ID: &str = "PROVE_CLIENT_ID";
/// The client secret of the profile `env`.
pub(crate) const CLIENT_SECRET: &str = "PROVE_CLIENT_SECRET";
/// The path of a file with the client secret of the profile `env`.
pub(crate) const CLIENT_SECRET_FILE: &str = "PROVE_CLIENT_SECRET_FILE";
/// The environment of the profile `env`.
pub(crate) const ENVIRONMENT: &str = "PROVE_ENVIRONMENT";
/// An access token, as `token -o env` exports it.
pub(crate) const ACCESS_TOKEN: &str = "PROVE_ACCESS_TOKEN";
/// The address of a running emulator.
pub(crate) const EMULATOR: &str = "PROVE_EMULATOR";
/// The certificate authorities to trust.
pub(crate) const CERTIFICATES: &str = "SSL_CERT_FILE";

/// A variable that means something to this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it says, without a full stop.
    pub meaning: &'static str,
}

/// In the order of the manual.
const VARIABLES: [Variable; 17] = [
    variable(CONFIG, "the configuration file, unless --config names one"),
    variable(PROFILE, "the profile, unless one is named"),
    variable(
        CLIENT_ID,
        "the client id of the profile env, which is used then unless another is named",
    ),
    variable(
        CLIENT_SECRET,
        "the client secret of the profile env; a file is safer",
    ),
    variable(
        CLIENT_SECRET_FILE,
        "the file that holds the client secret of the profile env",
    ),
    variable(
        ENVIRONMENT,
        "the environment of the profile env; uat-us unless it is set",
    ),
    variable(
        EMULATOR,
        "the address of a running emulator, which is used in place of one of our own",
    ),
    variable(ACCESS_TOKEN, "set for others, by token -o env; never read"),
    variable(
        CERTIFICATES,
        "the certificate authorities to trust, as PEM, unless ca_file names them",
    ),
    variable(
        "CREDENTIALS_DIRECTORY",
        "the folder in which systemd hands credentials to a service",
    ),
    variable(
        "DBUS_SESSION_BUS_ADDRESS",
        "where the Secret Service is asked for a keyring's entry",
    ),
    variable(
        "XDG_CONFIG_HOME",
        "the folder of configuration files, in place of ~/.config",
    ),
    variable(
        "XDG_CACHE_HOME",
        "the folder of kept tokens, in place of ~/.cache",
    ),
    variable(
        "NO_COLOR",
        "set to anything, it keeps colour out of the output",
    ),
    variable("CLICOLOR_FORCE", "set to 1, it keeps colour in a pipe"),
    variable(
        "LC_ALL, LC_CTYPE, LANG",
        "whether a terminal shows more than ASCII",
    ),
    variable(
        "HTTPS_PROXY and its like",
        "never used: a proxy is named by --proxy or in a profile",
    ),
];

const fn variable(name: &'static str, meaning: &'static str) -> Variable {
    Variable { name, meaning }
}

/// The variables that are honoured, ours first.
pub fn variables() -> impl Iterator<Item = Variable> {
    VARIABLES.into_iter()
}

/// The environment variables of a process, captured once.
///
/// Everything that depends on the environment takes this value, so a test
/// builds one by hand and never changes its own process. `Debug` prints names
/// only: values may be secrets.
///
/// ```
/// use prove_token_config::Env;
/// let env: Env = [("PROVE_CLIENT_ID", "id"), ("PROVE_CLIENT_SECRET", "s3cret")].into_iter().collect();
/// assert!(!format!("{env:?}").contains("s3cret"));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Env(BTreeMap<OsString, OsString>);

impl Env {
    /// The variables of this process, as they are now.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the process environment"
    )]
    pub fn from_process() -> Self {
        std::env::vars_os().collect()
    }

    /// The value of a variable as it is, empty or not.
    pub fn var_os(&self, name: &str) -> Option<&OsStr> {
        self.0.get(&key(name.into())).map(OsString::as_os_str)
    }

    /// Every variable but those called as one of `withheld`; for child processes.
    pub(crate) fn without<S: AsRef<str>>(&self, withheld: impl IntoIterator<Item = S>) -> Self {
        let mut rest = self.clone();
        for name in withheld {
            rest.0.remove(&key(name.as_ref().into()));
        }
        rest
    }

    /// Every variable; for child processes.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// A variable of ours that is text. Set but empty is a problem, because it
    /// is what a failed substitution leaves behind, and taking it for unset
    /// would quietly choose something else.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&str>, Problem> {
        let Some(value) = self.set(name)? else {
            return Ok(None);
        };
        match value.to_str() {
            Some(value) => Ok(Some(value)),
            None => Err(Problem::new(format!("{name} is not valid UTF-8"))),
        }
    }

    /// A variable of ours that is a path; set but empty is a problem.
    pub(crate) fn path(&self, name: &'static str) -> Result<Option<&Path>, Problem> {
        Ok(self.set(name)?.map(Path::new))
    }

    /// A folder or file that a convention names (`HOME`, `XDG_*`, and so on): by
    /// those conventions, empty means unset.
    pub(crate) fn conventional_path(&self, name: &str) -> Option<PathBuf> {
        self.var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    }

    fn set(&self, name: &'static str) -> Result<Option<&OsStr>, Problem> {
        match self.var_os(name) {
            Some(value) if value.is_empty() => {
                Err(Problem::new(format!("{name} is set, but empty"))
                    .with_hint(format!("give {name} a value, or unset it")))
            }
            other => Ok(other),
        }
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(
            variables
                .into_iter()
                .map(|(name, value)| (key(name.into()), value.into()))
                .collect(),
        )
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// On Windows the names of variables ignore case.
fn key(name: OsString) -> OsString {
    match cfg!(windows) {
        true => name.to_ascii_uppercase(),
        false => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_names_only() {
        let env: Env = [(CLIENT_SECRET, "canary-env")].into_iter().collect();
        let shown = format!("{env:?} {env:#?}");
        assert!(
            shown.contains(CLIENT_SECRET) && !shown.contains("canary"),
            "{shown}"
        );
    }

    #[test]
    fn our_variables_are_not_empty() {
        let env: Env = [(CLIENT_ID, ""), ("HOME", "")].into_iter().collect();
        let problem = env.text(CLIENT_ID).unwrap_err();
        assert_eq!(problem.to_string(), "PROVE_CLIENT_ID is set, but empty");
        assert_eq!(env.conventional_path("HOME"), None);
        assert_eq!(env.text(PROFILE), Ok(None));
    }

    #[cfg(unix)]
    #[test]
    fn foreign_bytes_are_named_and_not_shown() {
        use std::os::unix::ffi::OsStringExt as _;
        let value = OsString::from_vec(b"canary\xff".to_vec());
        let env: Env = [(CLIENT_SECRET, value.clone())].into_iter().collect();
        let problem = env.text(CLIENT_SECRET).unwrap_err();
        assert_eq!(problem.message, "PROVE_CLIENT_SECRET is not valid UTF-8");
        let env: Env = [("HOME", value.clone())].into_iter().collect();
        assert_eq!(env.conventional_path("HOME"), Some(value.into()));
    }

    #[test]
    fn the_process_is_captured() {
        // Cargo sets this variable for every test it runs.
        let env = Env::from_process();
        assert!(env.var_os("CARGO_MANIFEST_DIR").is_some());
    }
}
