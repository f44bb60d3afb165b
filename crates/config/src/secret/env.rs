//! A secret in an environment variable.

use std::ffi::OsString;
use std::fmt;

use prove_token::{ClientSecret, Error, SecretSource};

use super::{accept, refuse};
use crate::env::Env;

/// A client secret in an environment variable, as it was when the [`Env`] was
/// captured. A process cannot see its variables change, so a rotated secret
/// needs a restart; a file or a command does not.
#[derive(Clone)]
pub struct EnvSecret {
    name: String,
    value: Option<OsString>,
}

impl EnvSecret {
    /// The variable `name` of `env`. That it is missing is an error of reading.
    pub fn new(name: impl Into<String>, env: &Env) -> Self {
        let name = name.into();
        let value = env.var_os(&name).map(OsString::from);
        Self { name, value }
    }
}

impl SecretSource for EnvSecret {
    fn identity(&self) -> String {
        format!("env:{}", self.name)
    }

    fn read(&self) -> Result<ClientSecret, Error> {
        let subject = format!("the environment variable {}", self.name);
        let hint = format!("set {} to the client secret", self.name);
        match self.value.as_deref() {
            None => Err(refuse(&subject, "is not set").with_hint(hint)),
            Some(value) if value.is_empty() => {
                Err(refuse(&subject, "is set, but empty").with_hint(hint))
            }
            Some(value) => match value.to_str() {
                Some(text) => accept(&subject, text),
                None => Err(refuse(&subject, "is not valid UTF-8")),
            },
        }
    }
}

impl fmt::Debug for EnvSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvSecret")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use prove_token::ErrorKind;

    use super::*;

    #[test]
    fn the_captured_value_is_the_secret() {
        let env: Env = [("SECRET", "canary-env")].into_iter().collect();
        let source = EnvSecret::new("SECRET", &env);
        assert_eq!(source.read().unwrap().expose_secret(), "canary-env");
        assert_eq!(source.identity(), "env:SECRET");
        assert!(!format!("{source:?}").contains("canary"));
    }

    #[test]
    fn an_error_names_the_variable_and_not_its_value() {
        let env: Env = [("EMPTY", ""), ("BAD", "canary\tx")].into_iter().collect();
        for (name, message) in [
            ("NONE", "the environment variable NONE is not set"),
            ("EMPTY", "the environment variable EMPTY is set, but empty"),
            (
                "BAD",
                "the environment variable BAD cannot be used: \
                 the client secret holds control characters",
            ),
        ] {
            let error = EnvSecret::new(name, &env).read().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::SecretSource);
            assert_eq!(error.to_string(), message);
            assert!(error.hint().is_some());
            assert!(!format!("{error:?} {:?}", error.hint()).contains("canary"));
        }
    }
}
