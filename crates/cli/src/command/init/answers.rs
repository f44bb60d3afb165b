//! The answers: from flags, or else from whoever sits at the terminal.

use std::path::{Path, PathBuf};

use prove_token::{ClientId, ClientSecret, SecretSource as _};
use prove_token_config::{
    Config, Edit, EnvironmentName, FileSecret, Issuer, KeyringSecret, NewProfile, SecretPlace,
};

use super::plan::{self, Credentials, Plan};
use super::{InitArgs, Keep};
use crate::command::Context;
use crate::command::profile::add::refuse_existing;
use crate::failure::Failure;
use crate::printable::one_line;
use crate::prompt::{Choice, Prompt};
use crate::session::secret_from_stdin;

const ENVIRONMENTS: [Choice<'static>; 5] = [
    Choice {
        word: "uat-us",
        meaning: "US, Sandbox: test users only",
    },
    Choice {
        word: "prod-us",
        meaning: "US, Production",
    },
    Choice {
        word: "uat-eu",
        meaning: "Europe, Sandbox: test users only",
    },
    Choice {
        word: "prod-eu",
        meaning: "Europe, Production",
    },
    Choice {
        word: "emulator",
        meaning: "a local Prove inside the command; no account",
    },
];

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

/// Where answers come from.
pub(super) struct Answers<'c> {
    pub(super) args: &'c InitArgs,
    pub(super) context: &'c Context,
    /// The configuration file.
    pub(super) path: &'c Path,
    pub(super) prompt: Option<&'c Prompt<'c>>,
}

impl Answers<'_> {
    /// All of them, in the order of Prove's tutorial.
    pub(super) fn plan(&self) -> Result<Plan, Failure> {
        if self.prompt.is_none() {
            self.refuse_to_ask()?;
        }
        let environment = self.environment()?;
        let is_emulator = environment == EnvironmentName::Emulator;
        self.refuse_idle_flags(is_emulator)?;
        let given = match is_emulator {
            true => None,
            false => Some((self.client_id()?, self.secret()?)),
        };
        let keep = match is_emulator {
            true => None,
            false => Some(self.keep()?),
        };
        let (name, replace) = self.name(environment)?;
        let credentials = match given.zip(keep) {
            None => None,
            Some(((id, secret), keep)) => Some(Credentials {
                place: self.place(keep, &name)?,
                id,
                secret,
            }),
        };
        let plan = Plan {
            is_default: self.is_default(&name)?,
            name,
            environment,
            credentials,
            replace,
        };
        plan.edit().preview(self.path)?;
        Ok(plan)
    }

    /// Everything that would have to be asked, before a secret is read from a pipe.
    fn refuse_to_ask(&self) -> Result<(), Failure> {
        let args = self.args;
        let is_emulator = self.context.global.environment == Some(EnvironmentName::Emulator);
        let has_secret = args.client_secret_stdin || args.client_secret_file.is_some();
        let missing = [
            ("--environment", self.context.global.environment.is_some()),
            ("--client-id", is_emulator || args.client_id.is_some()),
            ("--keep", is_emulator || args.keep.is_some()),
            (
                "--client-secret-stdin or --client-secret-file",
                is_emulator || has_secret || args.keep == Some(Keep::Env),
            ),
            (
                "--secret-env",
                args.keep != Some(Keep::Env) || args.secret_env.is_some(),
            ),
        ];
        match missing.into_iter().find(|(_, is_given)| !is_given) {
            None => Ok(()),
            Some((flag, _)) => Err(Failure::usage(format!("{flag} is missing")).hint(
                match self.context.global.no_input {
                    true => "with --no-input nothing is asked",
                    false => "without a terminal nothing can be asked",
                },
            )),
        }
    }

    /// Flags about a secret that the emulator has no use for.
    fn refuse_idle_flags(&self, is_emulator: bool) -> Result<(), Failure> {
        let args = self.args;
        let keeps_variable = args.keep.is_none_or(|keep| keep == Keep::Env);
        let idle = [
            ("--client-id", is_emulator && args.client_id.is_some()),
            (
                "--client-secret-stdin",
                is_emulator && args.client_secret_stdin,
            ),
            (
                "--client-secret-file",
                is_emulator && args.client_secret_file.is_some(),
            ),
            ("--keep", is_emulator && args.keep.is_some()),
            (
                "--secret-env",
                args.secret_env.is_some() && (is_emulator || !keeps_variable),
            ),
        ];
        match idle.into_iter().find(|(_, is_idle)| *is_idle) {
            None => Ok(()),
            Some((flag, _)) => Err(Failure::usage(format!("{flag} has no effect here")).hint(
                match is_emulator {
                    true => "the emulator brings its own public credentials",
                    false => "it is for --keep env",
                },
            )),
        }
    }

    fn environment(&self) -> Result<EnvironmentName, Failure> {
        if let Some(name) = self.context.global.environment {
            return Ok(name);
        }
        let prompt = self.prompt()?;
        self.context.console.notice(
            "Credentials are for one region and one tier, which\nProve's portal shows beside them.",
        );
        let index = prompt.choice("Which environment are yours for?", &ENVIRONMENTS, Some(0))?;
        Ok(ENVIRONMENTS[index].word.parse()?)
    }

    pub(super) fn client_id(&self) -> Result<ClientId, Failure> {
        match &self.args.client_id {
            Some(id) => Ok(id.clone()),
            None => self.ask_client_id(),
        }
    }

    pub(super) fn ask_client_id(&self) -> Result<ClientId, Failure> {
        let accept = |typed: &str| ClientId::new(typed).map_err(|error| error.to_string());
        self.prompt()?.line("Client id", None, accept)
    }

    /// `None` if it is in a variable that is not looked at here.
    fn secret(&self) -> Result<Option<ClientSecret>, Failure> {
        let args = self.args;
        if args.client_secret_stdin {
            return secret_from_stdin().map(Some);
        }
        if let Some(path) = &args.client_secret_file {
            return Ok(Some(FileSecret::new(path, &self.context.env).read()?));
        }
        match args.keep {
            Some(Keep::Env) => Ok(None),
            _ => self.ask_secret().map(Some),
        }
    }

    pub(super) fn ask_secret(&self) -> Result<ClientSecret, Failure> {
        let secret = self.prompt()?.secret("Client secret")?;
        crate::command::secret::mind_length(&secret, self.context);
        Ok(secret)
    }

    fn keep(&self) -> Result<Keep, Failure> {
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

    fn place(&self, keep: Keep, name: &str) -> Result<SecretPlace, Failure> {
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

    /// The name, and whether it may be that of another profile.
    fn name(&self, environment: EnvironmentName) -> Result<(String, bool), Failure> {
        let force = self.args.force;
        let proposed = match environment {
            EnvironmentName::Emulator => "emulator".to_owned(),
            name => format!("prove-{name}"),
        };
        let given = self.context.global.profile.clone();
        let name = match (given, self.prompt) {
            (Some(name), _) => name,
            (None, None) => proposed,
            (None, Some(prompt)) => {
                let accept = |typed: &str| {
                    let profile = NewProfile::new(Issuer::Environment(environment));
                    self.accepted(match force {
                        true => Edit::new().replace_profile(typed, profile),
                        false => Edit::new().add_profile(typed, profile),
                    })?;
                    Ok(typed.to_owned())
                };
                return Ok((
                    prompt.line("Name of the profile", Some(&proposed), accept)?,
                    force,
                ));
            }
        };
        if !force {
            refuse_existing(self.path, &name)?;
        }
        Ok((name, force))
    }

    fn accepted(&self, edit: Edit) -> Result<(), String> {
        let seen = edit.preview(self.path);
        seen.map(drop).map_err(|error| error.to_string())
    }

    fn is_default(&self, name: &str) -> Result<bool, Failure> {
        if self.args.default || self.args.no_default {
            return Ok(self.args.default);
        }
        let config = match self.path.exists() {
            true => Some(Config::load(self.path)?),
            false => None,
        };
        let current = config.as_ref().and_then(Config::default_profile);
        match (current, self.prompt) {
            (None, _) => Ok(true),
            (Some(current), _) if current == name => Ok(true),
            (Some(_), None) => Ok(false),
            (Some(current), Some(prompt)) => {
                let question = format!("Make it the default, in place of \"{current}\"?");
                prompt.confirm(&question, false)
            }
        }
    }

    fn prompt(&self) -> Result<&Prompt<'_>, Failure> {
        self.prompt.ok_or_else(|| {
            Failure::usage("an answer is missing").hint("without a terminal nothing can be asked")
        })
    }
}

fn keyring(keep: Keep, name: &str) -> KeyringSecret {
    KeyringSecret::new(name, keep == Keep::UntilReboot)
}
