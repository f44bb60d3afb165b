//! What `client_id` and `client_secret` may hold.

use std::path::Path;
use std::time::Duration;

use prove_token::{ClientId, Secret};
use toml::de::DeValue;

use super::path;
use crate::document::{Item, Report};
use crate::duration::COMMAND_RANGE;
use crate::error::Problem;
use crate::setting::{ClientIdSetting, SecretSetting, Setting};

pub(super) fn client_id(
    item: &Item<'_>,
    report: &mut Report<'_>,
) -> Option<Setting<ClientIdSetting>> {
    let value = match item.value() {
        DeValue::String(_) => {
            let setting = item.parsed(|text| ClientId::new(text), report)?;
            ClientIdSetting::Literal(setting.value)
        }
        DeValue::Table(_) => {
            let mut section = item.section(report)?;
            let sources = [section.take("env"), section.take("file")];
            let source = match section.has_unknown() {
                true => None,
                false => one_of(item, sources, "env or file", report),
            };
            section.finish(report);
            let source = source?;
            match source.name() {
                "env" => ClientIdSetting::Env(variable(&source, report)?),
                _ => ClientIdSetting::File(path(&source, report)?),
            }
        }
        _ => {
            item.wrong_type("a string, { env = … } or { file = … }", report);
            return None;
        }
    };
    Some(item.setting(value, report))
}

pub(super) fn client_secret(
    item: &Item<'_>,
    report: &mut Report<'_>,
) -> Option<Setting<SecretSetting>> {
    if !matches!(item.value(), DeValue::Table(_)) {
        item.note(literal_secret(), report);
        return None;
    }
    let mut section = item.section(report)?;
    section.refuse("keyring", report);
    section.refuse("credential", report);
    let sources = ["env", "file", "command"].map(|name| section.take(name));
    let insecure = section.take("allow_insecure_mode");
    let timeout = section.take("timeout");
    // A misspelled source, or one of the future, is noted as what it is.
    let is_noted = section.has("keyring") || section.has("credential") || section.has_unknown();
    let source = match is_noted {
        true => None,
        false => one_of(item, sources, "env, file or command", report),
    };
    section.finish(report);
    let allow_insecure_mode = insecure.as_ref().and_then(|item| item.boolean(report));
    let time_limit = timeout
        .as_ref()
        .and_then(|item| item.duration(COMMAND_RANGE, report));
    let source = source?;
    for (option, owner) in [(insecure, "file"), (timeout, "command")] {
        if let Some(option) = option.filter(|_| source.name() != owner) {
            let problem = Problem::new(format!("has an effect on a {owner} only"));
            option.note(problem, report);
        }
    }
    let value = match source.name() {
        "env" => SecretSetting::Env(variable(&source, report)?),
        "file" => SecretSetting::File {
            path: path(&source, report)?,
            allow_insecure_mode: Some(allow_insecure_mode.unwrap_or(false)),
        },
        _ => command(&source, time_limit, report)?,
    };
    Some(item.setting(value, report))
}

/// What is wrong with a secret in the file.
pub(super) const LITERAL_SECRET: &str =
    "a secret does not stand in this file, only where it is kept";

fn literal_secret() -> Problem {
    Problem::new(LITERAL_SECRET).with_hint(
        "use { env = \"NAME\" }, { file = \"/path\" } or { command = [\"program\", \"argument\"] }; \
         if this was the real secret, consider it exposed",
    )
}

/// Exactly one of the sources that a table may name.
fn one_of<'t, const N: usize>(
    item: &Item<'t>,
    sources: [Option<Item<'t>>; N],
    names: &str,
    report: &mut Report<'_>,
) -> Option<Item<'t>> {
    let mut given = sources.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(source), None) => return Some(source),
        (Some(_), Some(_)) => item.note(
            Problem::new("names more than one source").with_hint(format!("keep one of {names}")),
            report,
        ),
        (None, _) => item.note(
            Problem::new("names no source").with_hint(format!("name one of {names}")),
            report,
        ),
    }
    None
}

/// The name of an environment variable. The name itself is not repeated: people
/// paste secrets here.
fn variable(item: &Item<'_>, report: &mut Report<'_>) -> Option<String> {
    let name = item.string(report)?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_name {
        item.note(
            Problem::new("not the name of an environment variable")
                .with_hint("write the name, of letters, digits and _, and not the value"),
            report,
        );
        return None;
    }
    Some(name.to_owned())
}

fn command(
    item: &Item<'_>,
    time_limit: Option<Duration>,
    report: &mut Report<'_>,
) -> Option<SecretSetting> {
    let words = item.strings(report)?;
    let problem = match words.split_first() {
        None => Problem::new("the command is empty"),
        Some(_) if words.iter().any(|word| word.contains('\0')) => {
            Problem::new("the command holds a NUL character")
        }
        Some((&"", _)) => Problem::new("the command has no program"),
        Some((program, arguments)) if is_bare_or_absolute(program) => {
            return Some(SecretSetting::Command {
                program: (*program).to_owned(),
                arguments: arguments.iter().map(|word| Secret::new(*word)).collect(),
                time_limit,
            });
        }
        Some(_) => Problem::new("the program has a relative path"),
    };
    let hint = "write [\"program\", \"argument\"]: a program on PATH, or its absolute path; \
                no shell is involved";
    item.note(problem.with_hint(hint), report);
    None
}

/// Whether where `program` is does not depend on the current folder.
fn is_bare_or_absolute(program: &str) -> bool {
    let path = Path::new(program);
    path.is_absolute() || path.file_name() == Some(path.as_os_str())
}
