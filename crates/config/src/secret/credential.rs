//! A secret that systemd hands to a service.

use prove_token::{ClientSecret, Error, SecretSource};

use super::file::FileSecret;
use super::refuse;
use crate::disk::Fault;
use crate::env::Env;

/// The variable that systemd sets for services with credentials.
const FOLDER: &str = "CREDENTIALS_DIRECTORY";

/// A client secret in a credential of systemd: the file of this name in the folder that
/// `CREDENTIALS_DIRECTORY` names, read by the rules of [`FileSecret`].
#[derive(Clone, Debug)]
pub struct CredentialSecret {
    name: String,
    /// `None` without the variable, which is an error of reading.
    file: Option<FileSecret>,
}

impl CredentialSecret {
    /// The credential `name`, as the unit's `LoadCredential` or `SetCredentialEncrypted`
    /// calls it.
    pub fn new(name: impl Into<String>, env: &Env) -> Self {
        let name = name.into();
        let folder = env.conventional_path(FOLDER);
        Self {
            file: folder
                .filter(|_| is_credential_name(&name))
                .map(|folder| FileSecret::new(folder.join(&name), env)),
            name,
        }
    }

    /// The file that it is in, if there can be one.
    pub(super) fn into_file(self) -> Option<FileSecret> {
        self.file
    }

    fn subject(&self) -> String {
        format!("the credential {:?}", self.name)
    }
}

impl SecretSource for CredentialSecret {
    fn identity(&self) -> String {
        // The folder is another one in each unit, and the secret the same.
        format!("credential:{}", self.name)
    }

    fn read(&self) -> Result<ClientSecret, Error> {
        if !is_credential_name(&self.name) {
            return Err(
                refuse(&self.subject(), "has a name that no credential can have")
                    .with_hint(NAME_HINT),
            );
        }
        let Some(file) = &self.file else {
            return Err(refuse(
                &self.subject(),
                format!("cannot be had: {FOLDER} is not set"),
            )
            .with_hint(format!(
                "systemd sets it for a service: write LoadCredential={}:/path into the \
                         unit, or keep the secret in a file",
                self.name
            )));
        };
        match file.content() {
            Err(Fault::Missing) => Err(refuse(
                &self.subject(),
                format!("does not exist in {FOLDER}"),
            )
            .with_hint(format!(
                "write LoadCredential={}:/path into the unit, or name another credential",
                self.name
            ))),
            other => file.accept(other),
        }
    }
}

/// What to do about a name that is none.
pub(crate) const NAME_HINT: &str = "write the name that the unit's LoadCredential gives it, \
                                    without a path: the file is looked for in \
                                    CREDENTIALS_DIRECTORY";

/// Whether `name` is the name of one file, so that it cannot lead out of the folder.
pub(crate) fn is_credential_name(name: &str) -> bool {
    let is_plain = |c: char| !c.is_control() && !matches!(c, '/' | '\\' | ':');
    (1..=255).contains(&name.len()) && name.chars().all(is_plain) && !matches!(name, "." | "..")
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use prove_token::ErrorKind;

    use super::*;

    const CANARY: &str = "canary-credential-7";

    fn folder(mode: u32) -> (tempfile::TempDir, Env) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prove");
        std::fs::write(&path, format!("{CANARY}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let env = [(FOLDER, folder.path())].into_iter().collect();
        (folder, env)
    }

    fn refusal(name: &str, env: &Env) -> (String, String) {
        let source = CredentialSecret::new(name, env);
        let error = source.read().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SecretSource);
        let hint = error.hint().unwrap().to_owned();
        let all = format!("{error} {error:?} {hint} {source:?} {}", source.identity());
        assert!(!all.contains("canary"), "{all}");
        (error.to_string(), hint)
    }

    #[test]
    fn the_file_of_that_name_is_read_by_the_rules_of_files() {
        // As systemd lays it: its owner and its group may read.
        let (_folder, env) = folder(0o440);
        let source = CredentialSecret::new("prove", &env);
        assert_eq!(source.read().unwrap().expose_secret(), CANARY);
        assert_eq!(source.identity(), "credential:prove");
        let (_folder, env) = folder(0o444);
        let (message, hint) = refusal("prove", &env);
        assert!(
            message.ends_with("can be read by every user (mode 0444)"),
            "{message}"
        );
        assert!(hint.starts_with("run: chmod 600 "), "{hint}");
    }

    #[test]
    fn what_is_missing_is_named() {
        let (_folder, env) = folder(0o400);
        assert_eq!(
            refusal("other", &env).0,
            "the credential \"other\" does not exist in CREDENTIALS_DIRECTORY"
        );
        let (message, hint) = refusal("prove", &Env::default());
        assert_eq!(
            message,
            "the credential \"prove\" cannot be had: CREDENTIALS_DIRECTORY is not set"
        );
        assert!(hint.contains("LoadCredential=prove:/path"), "{hint}");
    }

    #[test]
    fn a_name_never_leads_out_of_the_folder() {
        let (folder, env) = folder(0o400);
        let absolute = folder.path().join("prove");
        for name in [
            "",
            ".",
            "..",
            "../x/prove",
            "a/b",
            "a\\b",
            "C:x",
            "a\nb",
            absolute.to_str().unwrap(),
        ] {
            assert_eq!(refusal(name, &env).1, NAME_HINT, "{name}");
        }
        assert!(is_credential_name("my app.prove_client-secret"));
    }
}
