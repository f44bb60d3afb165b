//! The answers: from flags, or else from whoever sits at the terminal.

mod place;

use std::path::Path;

use prove_token::{ClientId, ClientSecret, SecretSource as _};
use prove_token_config::{Config, Edit, EnvironmentName, FileSecret, Issuer, NewProfile};

use super::plan::{Credentials, Plan};
use super::{InitArgs, Keep};
use crate::command::Context;
use crate::command::profile::add::refuse_existing;
use crate::failure::Failure;
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

/// Where answers come from.
pub(super) struct Answers<'c> {
    pub(super) args: &'c InitArgs,
    pub(super) context: &'c Context,
    /// The configuration file.
    pub(super) path: &'c Path,
    pub(super) prompt: Option<&'c Prompt>,
}

impl Answers<'_> {
    /// All of them, in the order of Prove's tutorial.
    pub(super) fn plan(&self) -> Result<Plan, Failure> {
        if self.prompt.is_none() {
            self.refuse_to_ask()?;
        }
        let issuer = self.issuer()?;
        let is_emulator = matches!(issuer, Issuer::Environment(EnvironmentName::Emulator));
        self.refuse_idle_flags(is_emulator)?;
        let given = match is_emulator {
            true => None,
            false => Some((self.client_id()?, self.secret()?)),
        };
        let keep = match is_emulator {
            true => None,
            false => Some(self.keep()?),
        };
        let (name, replace) = self.name(&issuer)?;
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
            issuer,
            api_base: self.args.api_base.clone(),
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
            (
                "--environment",
                self.context.global.environment.is_some() || args.token_endpoint.is_some(),
            ),
            (
                "the profile's name",
                args.token_endpoint.is_none() || self.context.global.profile.is_some(),
            ),
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

    fn issuer(&self) -> Result<Issuer, Failure> {
        match (&self.args.token_endpoint, self.context.global.environment) {
            (Some(url), _) => Ok(Issuer::TokenEndpoint(url.clone())),
            (None, Some(name)) => Ok(Issuer::Environment(name)),
            (None, None) => self.ask_environment().map(Issuer::Environment),
        }
    }

    fn ask_environment(&self) -> Result<EnvironmentName, Failure> {
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

    /// The name, and whether it may be that of another profile.
    fn name(&self, issuer: &Issuer) -> Result<(String, bool), Failure> {
        let force = self.args.force;
        let proposed = match issuer {
            Issuer::Environment(EnvironmentName::Emulator) => Some("emulator".to_owned()),
            Issuer::Environment(name) => Some(format!("prove-{name}")),
            Issuer::TokenEndpoint(_) => None,
        };
        let given = self.context.global.profile.clone();
        // A proposal that nobody can object to is an answer.
        let given = given.or_else(|| proposed.clone().filter(|_| self.prompt.is_none()));
        let Some(name) = given else {
            let accept = |typed: &str| {
                let profile = NewProfile::new(issuer.clone());
                self.accepted(match force {
                    true => Edit::new().replace_profile(typed, profile),
                    false => Edit::new().add_profile(typed, profile),
                })?;
                Ok(typed.to_owned())
            };
            let prompt = self.prompt()?;
            let name = prompt.line("Name of the profile", proposed.as_deref(), accept)?;
            return Ok((name, force));
        };
        if !force {
            refuse_existing(self.path, &name)?;
        }
        Ok((name, force))
    }

    /// Whether the reader of files would accept it; otherwise why not.
    fn accepted(&self, edit: Edit) -> Result<(), String> {
        edit.preview(self.path).map(drop).map_err(|error| {
            let problem = error.problems().first();
            let text = problem.map_or(String::new(), |problem| problem.message.clone());
            match error.hint() {
                Some(hint) => format!("{text}: {hint}"),
                None => text,
            }
        })
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

    fn prompt(&self) -> Result<&Prompt, Failure> {
        self.prompt.ok_or_else(|| {
            Failure::usage("an answer is missing").hint("without a terminal nothing can be asked")
        })
    }
}
