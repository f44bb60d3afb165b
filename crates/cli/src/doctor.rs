//! What stands between a profile and its token, looked at piece by piece.
//!
//! Each check is a function of its own that returns a finding. One that fails hides
//! nothing that does not depend on it; what does says that it was not tried, and why.
//! The order is that of cause and effect, so the first failure is the one to begin
//! with, and its kind is the exit code.
//!
//! The secret goes where the product itself would send it, and in no other way: by the
//! product's own transport, after the way there was found to be trusted.

mod certificate;
mod clock;
pub(crate) mod configuration;
mod endpoint;
mod finding;
pub(crate) mod limit;
mod network;
mod proxy;
pub(crate) mod report;
mod secret;
#[cfg(unix)]
mod service;
mod store;
mod tls;
mod way;
mod witness;

use std::sync::Arc;

use prove_token::ErrorKind;
use prove_token_config::{Env, Overrides, Profile};

use self::configuration::Configuration;
use self::endpoint::Applicant;
pub(crate) use self::finding::{Finding, Status};
use self::limit::Limit;
use self::secret::Examined;
use self::way::Way;
use self::witness::{Answer, Witness};
use crate::console::Console;
use crate::failure::Failure;

/// All that was found about one profile.
pub(crate) struct Section {
    /// The profile's name; `None` if none was found.
    pub(crate) profile: Option<String>,
    pub(crate) findings: Vec<Finding>,
    /// How many token requests were sent, and where to.
    pub(crate) token_requests: usize,
    pub(crate) origin: Option<String>,
}

impl Section {
    /// The first failure: what caused the others, most likely.
    pub(crate) fn failure(&self) -> Option<(&Finding, ErrorKind)> {
        self.findings
            .iter()
            .find_map(|finding| match finding.status {
                Status::Failed(kind) => Some((finding, kind)),
                _ => None,
            })
    }

    /// The section of a profile whose emulator does not start.
    pub(crate) fn without_emulator(
        name: String,
        mut findings: Vec<Finding>,
        failure: &Failure,
    ) -> Self {
        findings.push(configuration::failed(failure));
        Self {
            profile: Some(name),
            findings,
            token_requests: 0,
            origin: None,
        }
    }
}

/// How to look.
pub(crate) struct Terms<'a> {
    /// What leads to the configuration.
    pub(crate) overrides: &'a Overrides,
    pub(crate) env: &'a Env,
    /// At what is on this machine alone: nothing is sent.
    pub(crate) offline: bool,
    pub(crate) limit: Limit,
    /// Where requests are told of, under `--verbose`.
    pub(crate) console: &'a Arc<Console>,
}

/// Looks at everything that `profile` needs, and adds that to the `findings` of before.
pub(crate) async fn examine(
    profile: &Profile,
    mut findings: Vec<Finding>,
    terms: &Terms<'_>,
) -> Section {
    let (offline, limit) = (terms.offline, &terms.limit);
    let examined = match configuration::is_whole(&findings) {
        true => secret::examine(profile, offline, limit).await,
        false => secret::none("the profile names none that could be used"),
    };
    findings.extend_from_slice(&examined.findings);
    findings.push(endpoint::address(profile));
    let way = match offline {
        true => Way::untried("--offline"),
        false => way::examine(profile, limit).await,
    };
    findings.extend(way.findings);
    let asked = match way.barrier {
        Some(barrier) => Asked::nothing(barrier),
        None => ask(profile, &examined, terms).await,
    };
    findings.extend(asked.findings);
    findings.push(match offline {
        true => clock::CLOCK.not_tried("--offline"),
        false => clock::examine(asked.answer),
    });
    findings.extend(store::examine(profile, examined.secret.as_ref(), limit).await);
    findings.extend(of_service(Some(&profile.name), terms).await);
    let endpoint = profile.token_endpoint.as_ref();
    Section {
        profile: Some(profile.name.clone()),
        findings,
        token_requests: asked.requests,
        origin: endpoint.map(|endpoint| endpoint.origin().to_owned()),
    }
}

/// What can be seen where no profile could be made of the `configuration`.
pub(crate) async fn examine_without_profile(
    name: Option<String>,
    configuration: Configuration,
    terms: &Terms<'_>,
) -> Section {
    let mut findings = configuration.findings;
    findings.extend(configuration::without_profile());
    findings.extend(store::examine_folder(terms.env, &terms.limit).await);
    findings.extend(of_service(None, terms).await);
    Section {
        profile: name,
        findings,
        token_requests: 0,
        origin: None,
    }
}

#[cfg(unix)]
async fn of_service(profile: Option<&str>, terms: &Terms<'_>) -> Vec<Finding> {
    service::examine(profile, terms).await
}

/// There is none on this system.
#[cfg(not(unix))]
async fn of_service(_: Option<&str>, _: &Terms<'_>) -> Vec<Finding> {
    Vec::new()
}

/// What became of asking for tokens.
struct Asked {
    findings: Vec<Finding>,
    answer: Option<Answer>,
    requests: usize,
}

impl Asked {
    fn nothing(why: impl AsRef<str>) -> Self {
        Self {
            findings: vec![endpoint::TOKEN.not_tried(why)],
            answer: None,
            requests: 0,
        }
    }
}

/// Asks for tokens, on a way that nothing bars.
async fn ask(profile: &Profile, examined: &Examined, terms: &Terms<'_>) -> Asked {
    let Some(secret) = &examined.secret else {
        return Asked::nothing("there is no secret to send");
    };
    let witness = match profile.transport() {
        Ok(builder) => Arc::new(Witness::of(builder.build())),
        Err(error) => return Asked::nothing(error.to_string()),
    };
    let applicant = Applicant {
        profile,
        secret,
        is_odd: examined.is_odd,
        witness: &witness,
        terms,
    };
    Asked {
        findings: applicant.examine().await,
        answer: witness.answer(),
        requests: witness.requests(),
    }
}
