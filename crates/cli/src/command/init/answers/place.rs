//! Where the client secret is to be kept.

use std::path::PathBuf;

use prove_token_config::{Edit, EnvironmentName, Issuer, KeyringSecret, NewProfile, SecretPlace};

use super::super::plan;
use super::{Answers, Keep};
use crate::failure::Failure;
use crate::printable::one_line;
use crate::prompt::Choice;

const PLACES: [(Keep, Choice<'static>); 4] = [
    (
        Keep::Keyring,
        Choice {
            word: "keyring",
            meaning: "the keyring of this system",
        },
    ),
    (
        Keep::UntilReboot,
        Choice {
            word: "until-reboot",
            meaning: "the kernel's keyring, until it restarts",
        },
    ),
    (
        Keep::File,
        Choice {
            word: "file",
            meaning: "a file that only you can read",
        },
    ),
    (
        Keep::Env,
        Choice {
            word: "env",
            meaning: "an environment variable, which you set",
        },
    ),
];

impl Answers<'_> {
    pub(super) fn keep(&self) -> Result<Keep, Failure> {
        if let Some(keep) = self.args.keep {
            return Ok(keep);
        }
        let mut places = Vec::from(PLACES);
        for keep in [Keep::Keyring, Keep::UntilReboot] {
            if let Err(error) = keyring(keep, "").check() {
                places.retain(|(place, _)| *place != keep);
                // Not there, and not silently so.
                let reason = one_line(&error.to_string());
                self.context.console.notice(&format!("({reason})"));
            }
        }
        let choices: Vec<_> = places.iter().map(|(_, choice)| *choice).collect();
        let question = "Where is the client secret to be kept?";
        let index = self.prompt()?.choice(question, &choices, None)?;
        Ok(places[index].0)
    }

    pub(super) fn place(&self, keep: Keep, name: &str) -> Result<SecretPlace, Failure> {
        let place = match keep {
            Keep::Env => return self.variable().map(SecretPlace::Env),
            Keep::File => SecretPlace::File(self.secret_file(name)),
            Keep::Keyring | Keep::UntilReboot => SecretPlace::Keyring {
                name: name.to_owned(),
                until_reboot: keep == Keep::UntilReboot,
            },
        };
        place.check_writable(&self.context.env)?;
        self.mind_taken(&place)?;
        Ok(place)
    }

    /// Beside the configuration file, one for each profile.
    fn secret_file(&self, name: &str) -> PathBuf {
        self.path.with_file_name("secrets").join(name)
    }

    /// A secret that is written over cannot be had again from anywhere.
    fn mind_taken(&self, place: &SecretPlace) -> Result<(), Failure> {
        if self.args.force || !plan::is_taken(place, self.context) {
            return Ok(());
        }
        let there = format!("a secret is kept in {place} already");
        match self.prompt {
            Some(prompt) => match prompt.confirm(&format!("{there}. Replace it?"), false)? {
                true => Ok(()),
                false => Err(Failure::usage("stopped; nothing was written")),
            },
            None => Err(Failure::usage(there)
                .hint("replace it with --force, or choose another profile name")),
        }
    }

    fn variable(&self) -> Result<String, Failure> {
        if let Some(name) = &self.args.secret_env {
            return Ok(name.clone());
        }
        let accept = |typed: &str| {
            let mut profile = NewProfile::new(Issuer::Environment(EnvironmentName::Emulator));
            profile.client_secret = Some(SecretPlace::Env(typed.to_owned()));
            self.accepted(Edit::new().replace_profile("a", profile))?;
            Ok(typed.to_owned())
        };
        let prompt = self.prompt()?;
        prompt.line("Name of the variable", None, accept)
    }
}

fn keyring(keep: Keep, name: &str) -> KeyringSecret {
    KeyringSecret::new(name, keep == Keep::UntilReboot)
}
