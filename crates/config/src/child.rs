//! The environment of a program that a front end starts for its user.

use std::path::Path;

use crate::credential::withheld;
use crate::env::{self, Env};
use crate::error::Error;
use crate::file::Config;

/// `env` less everything that leads to a client secret: the variables that profiles of
/// the configuration file keep theirs in (of all profiles, not only of the one in use),
/// `PROVE_CLIENT_SECRET` and `PROVE_CLIENT_SECRET_FILE`; and less `PROVE_ACCESS_TOKEN`,
/// which may hold an older token than the one that the program is to get.
///
/// The path of a file is no secret, but who gets a token has no use for it, and what is
/// pointed at gets read. `CREDENTIALS_DIRECTORY` stays: a service may have credentials of
/// its own there.
///
/// `config` is the file that `--config` names, as for [`Config::find`].
///
/// # Errors
///
/// `Configuration` if the file cannot be read or is not TOML: without it nobody knows
/// which variables hold secrets.
pub fn child_environment(env: &Env, config: Option<&Path>) -> Result<Env, Error> {
    let config = match Config::find(config, env)? {
        Some(path) => Some(Config::inspect(&path)?),
        None => None,
    };
    let names = withheld(config.as_ref()).chain([env::CLIENT_SECRET_FILE]);
    Ok(env.without(names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_all_profiles_and_the_way_to_one_stay_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let config = "version = 1\n[profiles.a]\nenvironment = \"uat-us\"\nclient_id = \"a\"\n\
                      client_secret = { env = \"A_SECRET\" }\n[profiles.b]\nclient_id = 3\n\
                      environment = \"uat-us\"\nclient_secret = { env = \"B_SECRET\" }\n";
        crate::replace_file(&path, config.as_bytes(), 0o600).unwrap();
        let kept = [
            ("PATH", "/bin"),
            ("PROVE_CLIENT_ID", "a"),
            ("A_SECRETS", "x"),
        ];
        let env: Env = kept
            .into_iter()
            .chain([
                ("A_SECRET", "canary"),
                ("B_SECRET", "canary"),
                ("PROVE_CLIENT_SECRET", "canary"),
                ("PROVE_CLIENT_SECRET_FILE", "/canary"),
                ("PROVE_ACCESS_TOKEN", "canary"),
            ])
            .collect();
        let child = child_environment(&env, Some(&path)).unwrap();
        let expected: Env = kept.into_iter().collect();
        assert!(child.iter().eq(expected.iter()), "{child:?}");
        std::fs::write(&path, "no TOML").unwrap();
        let error = child_environment(&env, Some(&path)).unwrap_err();
        assert_eq!(error.kind(), prove_token::ErrorKind::Configuration);
    }
}
