//! The configuration file, the profile that comes of it, and what else has a say.

use std::path::Path;

use prove_token::Endpoint;
use prove_token_config::{
    Access, Config, Env, Error, Origin, Overrides, Profile, Row, SecretOverride, Target,
};

use super::finding::{Check, Finding, Status};
use crate::failure::{Failure, PROXY_VARIABLES};

const FILE: Check = Check::new("configuration.file", "configuration");
const FOLDER: Check = Check::new("configuration.folder", "its folder");
pub(super) const PROFILE: Check = Check::new("configuration.profile", "profile");
const EXCEPTIONS: Check = Check::new("configuration.exceptions", "exceptions");
const VARIABLES: Check = Check::new("configuration.variables", "variables");

/// What the configuration makes.
pub(crate) struct Configuration {
    pub(crate) findings: Vec<Finding>,
    /// `None` if none can be made of it.
    pub(crate) profile: Option<Profile>,
}

/// Reads the file, and makes the profile that `overrides` ask for. No secret is read.
pub(crate) fn examine(overrides: &Overrides, env: &Env) -> Configuration {
    let mut findings = Vec::new();
    let config = match file(overrides, env, &mut findings) {
        Ok(config) => config,
        Err(Unreadable) => {
            findings.push(PROFILE.not_tried("the configuration comes first"));
            findings.push(variables(None, env));
            return Configuration {
                findings,
                profile: None,
            };
        }
    };
    let profile = profile(overrides, env, config.as_ref(), &mut findings);
    if let Some(profile) = &profile {
        findings.push(exceptions(profile));
    }
    findings.push(variables(profile.as_ref(), env));
    Configuration { findings, profile }
}

/// The file cannot be used, which was noted.
struct Unreadable;

fn file(
    overrides: &Overrides,
    env: &Env,
    findings: &mut Vec<Finding>,
) -> Result<Option<Config>, Unreadable> {
    if !Profile::reads_file(overrides, env) {
        findings.push(FILE.idle("not read: the emulator needs none"));
        return Ok(None);
    }
    let path = match Config::find(overrides.config.as_deref(), env) {
        Ok(Some(path)) => path,
        Ok(None) => {
            let searched: Vec<_> = Config::search_path(env)
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            let sentence = format!("there is no file at {}", searched.join(" or "));
            findings.push(FILE.idle(sentence));
            return Ok(None);
        }
        Err(error) => {
            findings.extend(problems(FILE, &error));
            return Err(Unreadable);
        }
    };
    let config = Config::load(&path).map_err(|error| {
        findings.extend(problems(FILE, &error));
        Unreadable
    });
    if let Ok(config) = &config {
        let count = config.profiles().count();
        let plural = if count == 1 { "" } else { "s" };
        let access = words(Access::of(&path));
        findings.push(FILE.good(format!(
            "{} is valid: {count} profile{plural}{access}",
            path.display()
        )));
    }
    findings.extend(folder(&path));
    config.map(Some)
}

/// Whoever can write the folder can put another file in the place of this one.
fn folder(file: &Path) -> Option<Finding> {
    let absolute = std::path::absolute(file).ok()?;
    let folder = absolute.parent()?;
    let access = Access::of(folder)?;
    let sentence = format!("{}: {access}", folder.display());
    if access.is_foreign() || access.others_can_write() {
        let remedy = format!(
            "others can put another file there: run chmod go-w {}, and own it",
            folder.display()
        );
        return Some(FOLDER.warning(sentence).remedy(remedy));
    }
    Some(FOLDER.good(sentence))
}

fn words(access: Option<Access>) -> String {
    access.map_or_else(String::new, |access| format!(", {access}"))
}

/// Each problem on a line of its own.
fn problems(check: Check, error: &Error) -> Vec<Finding> {
    let each = error.problems().iter();
    each.map(|problem| {
        check
            .failed(error.kind(), problem.to_string())
            .maybe_remedy(problem.hint.as_deref())
    })
    .collect()
}

/// A profile without a secret is still good for a look at its server.
fn profile(
    overrides: &Overrides,
    env: &Env,
    config: Option<&Config>,
    findings: &mut Vec<Finding>,
) -> Option<Profile> {
    match Profile::from_config(overrides, env, config) {
        Ok(profile) => {
            findings.push(PROFILE.good(chosen(&profile)));
            Some(profile)
        }
        Err(error) => {
            findings.extend(problems(PROFILE, &error));
            let overrides = Overrides {
                client_secret: Some(SecretOverride::None),
                ..overrides.clone()
            };
            Profile::from_config(&overrides, env, config).ok()
        }
    }
}

fn chosen(profile: &Profile) -> String {
    let place = match &profile.target {
        Target::Environment(environment) => {
            format!("{environment} of Prove ({})", environment.description())
        }
        Target::Emulator { url: None } => "the built-in emulator".to_owned(),
        Target::Emulator { url: Some(url) } => format!("the emulator at {url}"),
        _ => match &profile.token_endpoint {
            Some(endpoint) => endpoint.origin().to_owned(),
            None => "nowhere".to_owned(),
        },
    };
    let by = match &profile.chosen_by {
        Origin::Flag => "the command line".to_owned(),
        other => other.to_string(),
    };
    format!("tokens of {place}; chosen by {by}")
}

/// Rules that the profile takes leave of.
fn exceptions(profile: &Profile) -> Finding {
    match profile.secret_file() {
        Some((path, true)) => EXCEPTIONS
            .warning("allow_insecure_mode: the secret file is read whatever its mode")
            .remedy(format!(
                "run chmod 600 {}, and leave out allow_insecure_mode",
                path.display()
            )),
        _ => EXCEPTIONS.good("none: nothing unsafe is allowed"),
    }
}

/// Variables that other programs heed, and those of ours that another profile is made of.
fn variables(profile: Option<&Profile>, env: &Env) -> Finding {
    let is_set = |name: &&str| env.var_os(name).is_some_and(|value| !value.is_empty());
    let proxy = PROXY_VARIABLES.iter().copied().find(is_set);
    let has_proxy = profile.is_some_and(|profile| profile.proxy.is_some());
    let mut words = certificates(profile, is_set);
    let of_env = [
        "PROVE_CLIENT_ID",
        "PROVE_CLIENT_SECRET",
        "PROVE_ENVIRONMENT",
    ];
    if let Some(profile) = profile.filter(|profile| profile.name != "env") {
        let idle: Vec<_> = of_env.into_iter().filter(is_set).collect();
        if !idle.is_empty() {
            let (name, idle) = (&profile.name, idle.join(", "));
            words.push(format!("{idle} has no effect on the profile {name}"));
        }
    }
    if let Some(name) = proxy {
        words.push(match has_proxy {
            true => format!("{name} is not used: the profile has its own proxy"),
            false => format!("{name} is set, and proxy variables are never used"),
        });
    }
    let sentence = match words.is_empty() {
        true => "none that matters is set".to_owned(),
        false => words.join("; "),
    };
    match proxy.is_some() && !has_proxy {
        true => VARIABLES
            .warning(sentence)
            .remedy("if servers are reached through a proxy only, write proxy = \"...\" in the profile (--proxy)"),
        false => VARIABLES.good(sentence),
    }
}

fn certificates(profile: Option<&Profile>, is_set: impl Fn(&&str) -> bool) -> Vec<String> {
    let rows = profile.map(Profile::explain).unwrap_or_default();
    let ca_file = rows.into_iter().find(|row| row.key == "ca_file");
    let endpoint = profile.and_then(|profile| profile.token_endpoint.as_ref());
    let is_https = endpoint.is_some_and(Endpoint::is_https);
    let of_variable = |row: &Row| matches!(row.origin, Origin::Variable("SSL_CERT_FILE"));
    [
        ("SSL_CERT_FILE", ca_file.as_ref().is_some_and(of_variable)),
        ("SSL_CERT_DIR", ca_file.is_none()),
    ]
    .into_iter()
    .filter(|(name, _)| is_set(name))
    .map(|(name, counts)| match counts && is_https {
        true => format!("{name} says whom to trust"),
        false => format!("{name} is not used"),
    })
    .collect()
}

/// Whether the profile was made with all that it needs.
pub(super) fn is_whole(findings: &[Finding]) -> bool {
    let has_failed = |finding: &Finding| matches!(finding.status, Status::Failed(_));
    !findings
        .iter()
        .any(|finding| finding.check == PROFILE && has_failed(finding))
}

/// The checks of a profile that there is none of.
pub(super) fn without_profile() -> Vec<Finding> {
    use super::{clock, endpoint, network, secret, tls};
    [
        secret::SOURCE,
        endpoint::ADDRESS,
        network::DNS,
        network::TCP,
        tls::TLS,
        endpoint::TOKEN,
        clock::CLOCK,
    ]
    .map(|check| check.not_tried("there is no profile to try"))
    .into()
}

/// A failure of what the profile needs before it can be looked at.
pub(super) fn failed(failure: &Failure) -> Finding {
    PROFILE
        .failed(failure.kind(), failure.message())
        .maybe_remedy(failure.hints().first())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(variables: &[(&str, &str)]) -> Finding {
        let env: Env = variables.iter().copied().collect();
        let profile = Profile::from_config(&Overrides::default(), &env, None).ok();
        super::variables(profile.as_ref(), &env)
    }

    const ENV: [(&str, &str); 2] = [("PROVE_CLIENT_ID", "id"), ("PROVE_CLIENT_SECRET", "s")];

    #[test]
    fn variables_that_do_nothing_are_named_and_not_shown() {
        let finding = told(&[ENV[0], ENV[1], ("https_proxy", "http://canary@x")]);
        assert_eq!(finding.status, Status::Warning);
        let expected = "https_proxy is set, and proxy variables are never used";
        assert_eq!(finding.sentence, expected);
        assert!(!format!("{finding:?}").contains("canary"));
        assert_eq!(told(&[("ALL_PROXY", "")]).status, Status::Good);
    }

    #[test]
    fn variables_of_trust_count_where_they_are_used() {
        let finding = told(&[
            ENV[0],
            ENV[1],
            ("SSL_CERT_FILE", "/x"),
            ("SSL_CERT_DIR", "/y"),
        ]);
        let expected = "SSL_CERT_FILE says whom to trust; SSL_CERT_DIR is not used";
        assert_eq!(finding.sentence, expected);
        let finding = told(&[("PROVE_CLIENT_ID", "id"), ("SSL_CERT_FILE", "/x")]);
        assert_eq!(finding.sentence, "SSL_CERT_FILE is not used");
    }
}
