//! Profiles for prove-token: flags over the environment over a file over
//! presets, decided once for every front end; and the places a client secret
//! can be kept in.
//!
//! ```
//! use prove_token_config::{Env, Overrides, Profile};
//! let env: Env = [
//!     ("PROVE_CLIENT_ID", "id"),
//!     ("PROVE_CLIENT_SECRET", "secret"),
//!     ("PROVE_ENVIRONMENT", "prod-eu"),
//! ]
//! .into_iter()
//! .collect(); // a program takes Env::from_process()
//! let profile = Profile::from_config(&Overrides::default(), &env, None)?;
//! assert_eq!(profile.name, "env");
//! assert_eq!(
//!     profile.token_endpoint.unwrap().as_str(),
//!     "https://platform.eu.proveapis.com/token"
//! );
//! # Ok::<(), prove_token_config::Error>(())
//! ```
//!
//! [`Profile::resolve`] is what a front end calls at its start. It reads no
//! secret: the profile's [`Credentials`](prove_token::Credentials) know where
//! the secret is, and read it when a token is requested.
//!
//! # Precedence
//!
//! *Which profile*: [`Overrides::profile`], else `PROVE_TOKEN_PROFILE`, else the
//! profile `env` if `PROVE_CLIENT_ID` is set, else `default_profile` of the file,
//! else a profile `flags` if the overrides say where tokens come from. The
//! emulator as [`Overrides::environment`], where nothing names a profile or a
//! file, is the profile `flags` at once: no file is read, and no variable but
//! `PROVE_EMULATOR`.
//!
//! *Inside a profile*: flag over file over preset. `SSL_CERT_FILE` is the preset
//! of `ca_file`. The `PROVE_CLIENT_*` variables make the profile `env` and touch
//! no other.
//!
//! *A secret goes only to the place it was given for*: flags that lead to
//! another address leave the profile's secret behind, and need a secret of their
//! own. Flags that lead to another issuer also leave behind what is about the
//! issuer: `client_id`, `client_authentication`, `scope`, `accept_narrower_scope`,
//! `audience`, `resource`, `parameters`, `rate_limit` and `ca_file`, so that one
//! provider's private certificate authority never vouches for another provider.
//! `proxy`, the time-outs and `renewal` are of the network, and stay. The emulator
//! brings its own credentials.
//!
//! # Where tokens are kept
//!
//! [`Profile::store`]: in files on Unix, if the file does not say otherwise. The folder
//! is found by [`cache_folder`]; without one, and for the built-in emulator, whose
//! tokens end with it, they are kept in memory.
#![forbid(unsafe_code)]

mod access;
mod address;
mod cache;
mod child;
mod client;
mod credential;
mod disk;
mod document;
mod duration;
mod edit;
mod env;
mod error;
mod explanation;
mod file;
mod overrides;
mod place;
mod profile;
mod renewal;
mod replacement;
mod resolution;
mod schema;
mod secret;
mod selection;
mod service;
mod setting;
mod taxonomy;
mod upkeep;

pub use access::Access;
pub use address::Target;
pub use cache::{Store, cache_folder};
pub use child::child_environment;
pub use duration::Timeouts;
pub use edit::{Edit, Issuer, NewCaller, NewProfile};
pub use env::{Env, Variable, variables};
pub use error::{Error, Problem};
pub use file::{Config, ProfileEntry};
pub use overrides::{Overrides, SecretOverride};
pub use place::Place;
pub use profile::{Profile, Row};
#[cfg(unix)]
pub use replacement::replace_group_file;
pub use replacement::{is_same_file, replace_file};
pub use schema::{KeyRow, json_schema, keys};
pub use secret::{
    CommandSecret, CredentialSecret, EnvSecret, FileSecret, KeptSecret, KeyringSecret, SecretPlace,
    end_commands,
};
pub use service::{
    Caller, HandsOut, Identity, ListenAddress, Rule, ServiceSettings, ServiceSink, Tls,
};
pub use setting::{EnvironmentName, Origin};
pub use taxonomy::Outcome;
pub use upkeep::{FileFingerprints, read_private_file, read_public_file};
