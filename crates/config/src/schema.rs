//! The keys of the file: which there are, and what each may hold.
//!
//! Only what takes effect is accepted, because a setting that does nothing misleads.

mod credential;
mod description;
mod key;
mod service;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use prove_token::{AccessTokenRequest, Endpoint, ProxyAddress, RequestBudget, Scope, Secret};
use toml::de::DeValue;

use self::credential::{LITERAL_SECRET, client_id, client_secret};
pub use self::description::{KeyRow, json_schema, keys};
pub(crate) use self::key::{Key, Kind, Preset, Table};
pub(crate) use self::table::FILE;
use crate::document::{Item, Report, Section, suggestion, without_value};
use crate::error::Problem;
use crate::renewal;
use crate::setting::{EnvironmentName, Setting, Settings};

/// Reads the table of one profile. What is wrong is noted and left out.
pub(crate) fn profile(mut section: Section<'_>, report: &mut Report<'_>) -> Settings {
    let mut settings = Settings::default();
    target(&mut section, &mut settings, report);
    settings.client_id = section
        .take("client_id")
        .and_then(|item| client_id(&item, report));
    settings.client_secret = section
        .take("client_secret")
        .and_then(|item| client_secret(&item, report));
    section.remark_on_slips("client_secret", LITERAL_SECRET);
    request(&mut section, &mut settings, report);
    transport(&mut section, &mut settings, report);
    settings.rate_limit = section
        .take("rate_limit")
        .and_then(|item| rate_limit(&item, report));
    if let Some(table) = section
        .take("renewal")
        .and_then(|item| item.section(report))
    {
        settings.renewal = renewal::read(table, report);
    }
    check(&section, &settings, report);
    section.finish(report);
    settings
}

/// Where tokens come from and go to.
fn target(section: &mut Section<'_>, settings: &mut Settings, report: &mut Report<'_>) {
    settings.environment = section.take("environment").and_then(|item| {
        let name = item.word(report)?.parse().ok()?;
        Some(item.setting(name, report))
    });
    let mut endpoint = |key: &'static str| {
        let item = section.take(key)?;
        item.parsed(str::parse::<Endpoint>, report)
    };
    settings.token_endpoint = endpoint("token_endpoint");
    settings.api_base = endpoint("api_base");
}

/// What is asked for, and how.
fn request(section: &mut Section<'_>, settings: &mut Settings, report: &mut Report<'_>) {
    settings.client_authentication = section.take("client_authentication").and_then(|item| {
        let method = item.word(report)?.parse().ok()?;
        Some(item.setting(method, report))
    });
    settings.scope = section.take("scope").and_then(|item| scope(&item, report));
    settings.accept_narrower_scope = section.take("accept_narrower_scope").and_then(|item| {
        let accept = item.boolean(report)?;
        Some(item.setting(accept, report))
    });
    let mut text = |key: &'static str| {
        let item = section.take(key)?;
        let text = printable_text(&item, report)?.to_owned();
        Some(item.setting(text, report))
    };
    settings.audience = text("audience");
    settings.resource = text("resource");
    settings.parameters = section
        .take("parameters")
        .and_then(|item| parameters(&item, report));
}

/// How the token endpoint is reached.
fn transport(section: &mut Section<'_>, settings: &mut Settings, report: &mut Report<'_>) {
    settings.ca_file = section.take("ca_file").and_then(|item| {
        let path = path(&item, report)?;
        Some(item.setting(path, report))
    });
    settings.proxy = section
        .take("proxy")
        .and_then(|item| item.parsed(str::parse::<ProxyAddress>, report));
    let mut timeout = |key| duration(section, key, report);
    settings.connect_timeout = timeout("connect_timeout");
    settings.attempt_timeout = timeout("attempt_timeout");
    settings.flight_timeout = timeout("flight_timeout");
}

/// Requests a second, in the core's range.
fn rate_limit(item: &Item<'_>, report: &mut Report<'_>) -> Option<Setting<u32>> {
    let number = item.integer(report)?;
    let requests = u32::try_from(number).unwrap_or(0);
    match RequestBudget::per_second(requests) {
        Ok(_) => Some(item.setting(requests, report)),
        Err(error) => {
            item.note(without_value(&error), report);
            None
        }
    }
}

/// What no single key can be blamed for.
fn check(section: &Section<'_>, settings: &Settings, report: &mut Report<'_>) {
    let mut note =
        |problem: Problem| report.note(section.offset(), problem.with_key(section.key()));
    let is_meant = |key| section.has(key) || section.has_slip_of(key);
    let environment = settings.environment.as_ref().map(|setting| setting.value);
    match (environment, &settings.token_endpoint) {
        (Some(_), Some(_)) => note(
            Problem::new("has both an environment and a token_endpoint")
                .with_hint("keep the one that says where the tokens come from"),
        ),
        // A key that is there, but wrong or misspelled, is noted as what it is.
        (None, None) if !is_meant("environment") && !is_meant("token_endpoint") => note(
            Problem::new("has neither an environment nor a token_endpoint")
                .with_hint("add environment = \"uat-us\", or the token_endpoint of a provider"),
        ),
        _ => {}
    }
    if let Some(problem) = settings.time_problem() {
        note(problem);
    }
    if environment == Some(EnvironmentName::Emulator) {
        for key in ["api_base", "ca_file", "proxy"] {
            if section.has(key) {
                note(
                    Problem::new(format!("{key} has no effect with the emulator"))
                        .with_hint(format!("remove {key}")),
                );
            }
        }
    }
}

/// A path; a relative one starts at the folder of the configuration file.
pub(crate) fn path(item: &Item<'_>, report: &mut Report<'_>) -> Option<PathBuf> {
    let text = printable_text(item, report)?;
    if text == "~" || text.starts_with("~/") {
        item.note(
            Problem::new("~ is not expanded here").with_hint("write the whole path"),
            report,
        );
        return None;
    }
    let folder = report.file().parent().unwrap_or(Path::new(""));
    Some(folder.join(text))
}

fn scope(item: &Item<'_>, report: &mut Report<'_>) -> Option<Setting<Scope>> {
    if matches!(item.value(), DeValue::String(_)) {
        item.note(
            Problem::new("expected an array of strings, found a string")
                .with_hint("write [\"read\", \"write\"]"),
            report,
        );
        return None;
    }
    match Scope::new(item.strings(report)?) {
        Ok(scope) => Some(item.setting(scope, report)),
        Err(_) => {
            item.note(
                Problem::new("not a list of scope tokens").with_hint(
                    "a scope token is printable ASCII without space, \" and \\; list several apart",
                ),
                report,
            );
            None
        }
    }
}

fn parameters(
    item: &Item<'_>,
    report: &mut Report<'_>,
) -> Option<Setting<BTreeMap<String, Secret>>> {
    let mut parameters = BTreeMap::new();
    for parameter in item.section(report)?.take_all() {
        let Some(value) = parameter.string(report) else {
            continue;
        };
        let name = parameter.name();
        match AccessTokenRequest::new().parameter(name, "") {
            Ok(_) => {
                parameters.insert(name.to_owned(), Secret::new(value));
            }
            // It quotes the name alone.
            Err(error) => parameter.note(Problem::new(error.to_string()), report),
        }
    }
    Some(item.setting(parameters, report))
}

fn duration(
    section: &mut Section<'_>,
    key: &'static str,
    report: &mut Report<'_>,
) -> Option<Setting<Duration>> {
    let item = section.take(key)?;
    let duration = item.duration(report)?;
    Some(item.setting(duration, report))
}

/// Text that is not empty and holds no control characters.
fn printable_text<'t>(item: &Item<'t>, report: &mut Report<'_>) -> Option<&'t str> {
    let text = item.string(report)?;
    let problem = if text.is_empty() {
        "is empty"
    } else if text.chars().any(char::is_control) {
        "holds control characters"
    } else {
        return Some(text);
    };
    item.note(Problem::new(problem), report);
    None
}

/// Profile names that mean something without a file.
pub(crate) const RESERVED: [&str; 2] = ["env", "flags"];

/// [`is_profile_name`] as a pattern.
const PROFILE_NAME: &str = "^[a-z0-9_-][a-z0-9._-]{0,63}$";

/// A name that a profile may have: what a URL path, a file name and a command
/// line take as it is.
pub(crate) fn is_profile_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'))
        && !name.starts_with('.')
}

/// What to say about a name that no profile has.
pub(crate) fn name_hint<'n>(name: &str, known: impl Iterator<Item = &'n str> + Clone) -> String {
    if let Some(near) = suggestion(name, known.clone()) {
        return format!("did you mean {near}?");
    }
    let known: Vec<&str> = known.collect();
    match known.is_empty() {
        true => "there are no profiles".to_owned(),
        false => format!("there are: {}", known.join(", ")),
    }
}
