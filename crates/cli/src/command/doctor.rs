//! `prove-token doctor`: what stands between a profile and its token.

use std::time::Duration;

use clap::Args;
use prove_token_config::{Config, Overrides, Profile, Target};
use tokio::runtime::Runtime;

use super::{Context, Run};
use crate::args::{OutputFlags, ProfileFlags, Takes};
use crate::doctor::limit::Limit;
use crate::doctor::report::{self, Report};
use crate::doctor::{self, Section, Terms, configuration};
use crate::failure::Failure;
use crate::screen::Page;
use crate::{interrupt, session};

/// Without `--timeout`, a profile is examined for so long.
const LIMIT: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The profile to look at, as with --profile; without it, the one that "prove-token token" uses
    #[arg(value_name = "PROFILE", conflicts_with = "profile")]
    name: Option<String>,
    /// Look at every profile of the configuration file, at each within --timeout, which
    /// is 30s if it is not given
    #[arg(long, conflicts_with_all = ["name", "TokenFlags", "api_base", "client_secret_stdin",
        "client_secret_file", "ca_file", "proxy", "profile", "environment"])]
    all: bool,
    /// Send nothing: look at what is on this machine alone. Otherwise a profile costs up
    /// to 3 token requests
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    output: OutputFlags,
    #[command(flatten)]
    flags: ProfileFlags,
}

impl Run for DoctorArgs {
    fn takes(&self) -> Takes {
        Takes::ALL
    }

    fn profile(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn wants_json(&self) -> bool {
        self.output.is_json()
    }

    fn run(&self, context: &Context) -> Result<(), Failure> {
        let overrides = session::overrides(&self.flags, context)?;
        let runtime = session::runtime()?;
        let done = self.examine(overrides, &runtime, context);
        // A file system or a secret command that hangs would hold the command up.
        runtime.shutdown_background();
        done
    }
}

impl DoctorArgs {
    fn examine(
        &self,
        overrides: Overrides,
        runtime: &Runtime,
        context: &Context,
    ) -> Result<(), Failure> {
        let names = match self.all {
            true => names(context)?,
            false => vec![overrides.profile.clone()],
        };
        let report = Report(Page::of(&context.env));
        let mut sections = Vec::new();
        for profile in names {
            let overrides = Overrides {
                profile,
                ..overrides.clone()
            };
            let section = self.section(&overrides, runtime, context)?;
            if !self.wants_json() {
                context.console.page(&report.text(&section))?;
            }
            sections.push(section);
        }
        if self.wants_json() {
            context.console.line(report::json(&sections).to_string())?;
        }
        verdict(&sections)
    }

    fn section(
        &self,
        overrides: &Overrides,
        runtime: &Runtime,
        context: &Context,
    ) -> Result<Section, Failure> {
        let terms = Terms {
            overrides,
            env: &context.env,
            offline: self.offline,
            limit: Limit::starting_now(context.global.timeout.unwrap_or(LIMIT)),
            console: &context.console,
        };
        let mut configuration = configuration::examine(overrides, &context.env);
        let Some(profile) = configuration.profile.take() else {
            let name = overrides.profile.clone();
            let work = doctor::examine_without_profile(name, configuration, &terms);
            return runtime
                .block_on(interrupt::or_signal(work))
                .map_err(Failure::interrupted);
        };
        let (profile, _emulator) = match self.starts_emulator(&profile) {
            false => (profile, None),
            true => {
                let name = profile.name.clone();
                match session::with_emulator(profile, &context.console) {
                    Ok(started) => started,
                    Err(failure) => {
                        let findings = configuration.findings;
                        return Ok(Section::without_emulator(name, findings, &failure));
                    }
                }
            }
        };
        let work = doctor::examine(&profile, configuration.findings, &terms);
        let seen = async {
            match session::progress(&profile, context) {
                Some(progress) => progress.beside(work).await,
                None => work.await,
            }
        };
        runtime
            .block_on(interrupt::or_signal(seen))
            .map_err(Failure::interrupted)
    }

    /// An emulator in the process is started to be asked, and for nothing else.
    fn starts_emulator(&self, profile: &Profile) -> bool {
        match &profile.target {
            Target::Emulator { url: None } => !self.offline,
            target => target.is_emulator(),
        }
    }
}

/// Every profile of the file, and the one of variables if there is one.
fn names(context: &Context) -> Result<Vec<Option<String>>, Failure> {
    let of_variables = context.env.var_os("PROVE_CLIENT_ID").is_some();
    let mut names: Vec<_> = of_variables
        .then(|| Some("env".to_owned()))
        .into_iter()
        .collect();
    if let Some(path) = Config::find(context.global.config.as_deref(), &context.env)?
        && let Ok(config) = Config::load(&path)
    {
        names.extend(config.profiles().map(|entry| Some(entry.name.to_owned())));
    }
    // Without any, or with a broken file, the one section there is says why.
    if names.is_empty() {
        names.push(None);
    }
    Ok(names)
}

fn verdict(sections: &[Section]) -> Result<(), Failure> {
    let first = sections.iter().find_map(|section| {
        let (finding, kind) = section.failure()?;
        Some((section, finding, kind))
    });
    let Some((section, finding, kind)) = first else {
        return Ok(());
    };
    let (all, failed) = report::count(sections);
    let of = match &section.profile {
        Some(name) => format!(" of the profile {name}"),
        None => String::new(),
    };
    let message = format!(
        "{failed} of {all} checks failed; begin with {}{of}",
        finding.check.id
    );
    Err(Failure::new(kind, message))
}
