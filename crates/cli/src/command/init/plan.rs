//! What is to be written: the profile, and the secret if it is for us to keep.

use std::path::Path;

use prove_token::{ClientId, ClientSecret, Endpoint, SecretSource as _};
use prove_token_config::{Edit, FileSecret, Issuer, KeyringSecret, NewProfile, SecretPlace};

use crate::command::Context;
use crate::failure::Failure;

/// Every answer.
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) issuer: Issuer,
    pub(super) api_base: Option<Endpoint>,
    /// `None` for the emulator, which brings its own.
    pub(super) credentials: Option<Credentials>,
    pub(super) is_default: bool,
    /// Whether one of this name may be replaced.
    pub(super) replace: bool,
}

pub(super) struct Credentials {
    pub(super) id: ClientId,
    /// `None` if it is in a variable, and was not given.
    pub(super) secret: Option<ClientSecret>,
    pub(super) place: SecretPlace,
}

impl Plan {
    /// The change of the configuration file.
    pub(super) fn edit(&self) -> Edit {
        let mut profile = NewProfile::new(self.issuer.clone());
        profile.api_base = self.api_base.clone();
        if let Some(credentials) = &self.credentials {
            profile.client_id = Some(credentials.id.clone());
            profile.client_secret = Some(credentials.place.clone());
        }
        let edit = match self.replace {
            true => Edit::new().replace_profile(&self.name, profile),
            false => Edit::new().add_profile(&self.name, profile),
        };
        match self.is_default {
            true => edit.use_profile(&self.name),
            false => edit,
        }
    }

    /// For people.
    pub(super) fn rows(&self) -> Vec<(&'static str, String)> {
        let issuer = match &self.issuer {
            Issuer::TokenEndpoint(url) => ("token endpoint", url.to_string()),
            Issuer::Environment(name) => ("environment", name.to_string()),
        };
        let mut rows = vec![("profile", self.name.clone()), issuer];
        if let Some(credentials) = &self.credentials {
            rows.push(("client id", credentials.id.as_str().to_owned()));
            rows.push(("client secret", format!("in {}", credentials.place)));
        }
        let default = if self.is_default { "yes" } else { "no" };
        rows.push(("default", default.to_owned()));
        rows
    }

    /// The variable that its owner has to set.
    pub(super) fn variable(&self) -> Option<&str> {
        match &self.credentials.as_ref()?.place {
            SecretPlace::Env(name) => Some(name),
            _ => None,
        }
    }

    /// Writes the secret, then the profile that names its place. If that fails, the place
    /// is as it was before.
    pub(super) fn write(&self, path: &Path, context: &Context) -> Result<(), Failure> {
        let kept = match &self.credentials {
            Some(Credentials {
                secret: Some(secret),
                place,
                ..
            }) if !matches!(place, SecretPlace::Env(_)) => {
                let old = kept(place, context);
                place.save(secret, &context.env)?;
                Some((place, old))
            }
            _ => None,
        };
        let written = self.edit().apply(path);
        if written.is_err()
            && let Some((place, old)) = kept
        {
            // The error of writing is the one to tell.
            let _ = match old {
                Some(old) => place.save(&old, &context.env).map(|()| true),
                None => place.remove(&context.env),
            };
        }
        written?;
        Ok(())
    }
}

/// The secret that is kept in `place`, if there is one.
fn kept(place: &SecretPlace, context: &Context) -> Option<ClientSecret> {
    match place {
        SecretPlace::File(path) => FileSecret::new(path, &context.env).read().ok(),
        SecretPlace::Keyring { name, until_reboot } => {
            KeyringSecret::new(name, *until_reboot).read().ok()
        }
        _ => None,
    }
}

/// Whether something is kept in `place` that would be lost.
pub(super) fn is_taken(place: &SecretPlace, context: &Context) -> bool {
    match place {
        // Whatever is in it.
        SecretPlace::File(path) => path.exists(),
        place => kept(place, context).is_some(),
    }
}
