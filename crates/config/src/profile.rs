//! A profile with every question answered.

use std::path::{Path, PathBuf};

use prove_token::{
    AccessTokenRequest, ClientAuthentication, Credentials, Endpoint, ProxyAddress, RenewalPolicy,
    RequestBudget, RetryPolicy,
};

use crate::address::{Address, Target};
use crate::cache::Store;
use crate::disk;
use crate::duration::Timeouts;
use crate::error::{Error, Problem};
use crate::explanation;
use crate::place::printable;
use crate::setting::{Origin, SecretSetting, Settings};

/// A file of certificate authorities larger than this is a mistake. The usual
/// bundles have a quarter of a MiB.
pub(crate) const CA_LIMIT: u64 = 4 * 1024 * 1024;

/// Everything a client needs to know, decided: flags, the environment, the file
/// and the presets are one layer now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// Its name; `env` if it is made of `PROVE_*` variables, `flags` if of flags.
    pub name: String,
    /// Who chose it.
    pub chosen_by: Origin,
    /// What kind of place it points to.
    pub target: Target,
    /// Where tokens come from. `None` only for an emulator that the front end
    /// has yet to start.
    pub token_endpoint: Option<Endpoint>,
    /// Where the API's operations are. `None` if the profile has no such
    /// address, and for an emulator that the front end has yet to start.
    pub api_base: Option<Endpoint>,
    /// The client id and where its secret is. `None` only for the emulator,
    /// which brings its own.
    pub credentials: Option<Credentials>,
    /// How the client authenticates. Default: `client_secret_post`.
    pub client_authentication: ClientAuthentication,
    /// Scope, audience, resource and parameters.
    pub request: AccessTokenRequest,
    /// Whether a scope narrower than asked for will do. Default: `false`.
    pub accept_narrower_scope: bool,
    /// The certificate authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The proxy to use. Default: none; proxy variables are never used.
    pub proxy: Option<ProxyAddress>,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// When tokens are renewed.
    pub renewal: RenewalPolicy,
    /// How often and how long a token is asked for.
    pub retry: RetryPolicy,
    /// What is sent to the origin of the token endpoint, of which `rate_limit` is the
    /// most a second. Default: 24 for Prove's environments, else without limit. All
    /// clones of this profile share it.
    pub budget: RequestBudget,
    /// Where obtained tokens are kept: what was asked for, as far as it can be had.
    pub store: Store,
    /// The folder of the file store; `None` with another store.
    pub cache_folder: Option<PathBuf>,
    /// Why tokens are kept in memory though they should be kept in files.
    pub store_problem: Option<Problem>,
    pub(crate) sources: Sources,
}

/// What a profile was made of, to explain it.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    pub(crate) settings: Settings,
    pub(crate) address: Address,
    /// Who says where tokens are kept.
    pub(crate) store: Origin,
}

/// One setting of a profile, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The key, as in the file.
    pub key: String,
    /// The value in words. Of a secret, where it is kept; of what may be one,
    /// `[redacted]`.
    pub value: String,
    /// Where the value came from.
    pub origin: Origin,
}

impl Profile {
    /// Every setting that has a value, with where it came from. Safe to print.
    pub fn explain(&self) -> Vec<Row> {
        explanation::rows(self)
    }

    /// What this profile allows though it is not safe, by the name of the setting.
    pub fn insecure_settings(&self) -> Vec<&'static str> {
        let secret = self.sources.settings.client_secret.as_ref();
        let allows = secret.is_some_and(|setting| {
            let allow = Some(true);
            matches!(&setting.value, SecretSetting::File { allow_insecure_mode, .. } if *allow_insecure_mode == allow)
        });
        allows
            .then_some("allow_insecure_mode")
            .into_iter()
            .collect()
    }

    /// Whether reading the secret may take its time, or ask somebody: it runs a command,
    /// or speaks to a keyring that may have to be unlocked. The kernel's keyring asks
    /// nobody, and files and variables neither.
    pub fn reads_secret_slowly(&self) -> bool {
        let secret = self.sources.settings.client_secret.as_ref();
        secret.is_some_and(|setting| {
            matches!(
                setting.value,
                SecretSetting::Command { .. }
                    | SecretSetting::Keyring {
                        until_reboot: false,
                        ..
                    }
            )
        })
    }

    /// The file that the secret is in, if it is in one, and whether that is accepted
    /// whatever its mode (`allow_insecure_mode`).
    pub fn secret_file(&self) -> Option<(&Path, bool)> {
        match &self.sources.settings.client_secret.as_ref()?.value {
            SecretSetting::File {
                path,
                allow_insecure_mode,
            } => Some((path, *allow_insecure_mode == Some(true))),
            _ => None,
        }
    }

    /// Reads [`ca_file`](Profile::ca_file).
    ///
    /// # Errors
    ///
    /// `Configuration` if the file is not a readable regular file of at most
    /// 4 MiB. Whether it holds certificates is for the client to say.
    pub fn ca_certificates(&self) -> Result<Option<Vec<u8>>, Error> {
        let Some(path) = &self.ca_file else {
            return Ok(None);
        };
        match disk::read(path, CA_LIMIT, disk::any) {
            Ok(content) => Ok(Some(content.to_vec())),
            Err(fault) => {
                let problem = Problem::new(format!("the file {} {fault}", printable(path)));
                Err(self.of_ca_file(problem).into())
            }
        }
    }

    /// `problem` with what names the file of certificates: people look for the
    /// word they wrote.
    fn of_ca_file(&self, problem: Problem) -> Problem {
        const HINT: &str = "name a file of certificates in PEM form";
        let setting = self.sources.settings.ca_file.as_ref();
        match setting.map(|setting| &setting.origin) {
            Some(Origin::Variable(name)) => problem
                .with_key(*name)
                .with_hint(format!("{HINT}, or unset {name}")),
            Some(Origin::File(place)) => problem
                .with_key("ca_file")
                .with_place(Some(place.clone()))
                .with_hint(HINT),
            _ => problem.with_key("ca_file").with_hint(HINT),
        }
    }
}
