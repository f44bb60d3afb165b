//! What `client_id` and `client_secret` may hold.

use std::path::Path;
use std::time::Duration;

use prove_token::{ClientId, Secret};
use toml::de::DeValue;

use super::{path, printable_text};
use crate::document::{Item, Report, Section};
use crate::error::Problem;
use crate::secret::{NAME_HINT, is_credential_name};
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
            let source = source(item, &mut section, report);
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
    let options = Options::take(&mut section, report);
    let source = source(item, &mut section, report);
    section.finish(report);
    let source = source?;
    options.check(item, source.name(), report);
    let value = match source.name() {
        "env" => SecretSetting::Env(variable(&source, report)?),
        "file" => SecretSetting::File {
            path: path(&source, report)?,
            allow_insecure_mode: Some(options.allow_insecure_mode.unwrap_or(false)),
        },
        "credential" => SecretSetting::Credential(credential(&source, report)?),
        "keyring" => SecretSetting::Keyring {
            name: entry(&source, report)?,
            until_reboot: options.until_reboot.unwrap_or(false),
            time_limit: options.timeout,
        },
        _ => command(&source, options.timeout, report)?,
    };
    Some(item.setting(value, report))
}

/// What can be said beside a source.
struct Options<'t> {
    given: Vec<Item<'t>>,
    allow_insecure_mode: Option<bool>,
    until_reboot: Option<bool>,
    timeout: Option<Duration>,
}

impl<'t> Options<'t> {
    fn take(section: &mut Section<'t>, report: &mut Report<'_>) -> Self {
        let mut given = Vec::new();
        let mut take = |name| {
            let item = section.take(name)?;
            given.push(item.clone());
            Some(item)
        };
        let insecure = take("allow_insecure_mode");
        let until_reboot = take("until_reboot");
        let timeout = take("timeout");
        Self {
            given,
            allow_insecure_mode: insecure.and_then(|item| item.boolean(report)),
            until_reboot: until_reboot.and_then(|item| item.boolean(report)),
            timeout: timeout.and_then(|item| item.duration(report)),
        }
    }

    /// Notes what means nothing to the source `name` of `secret`.
    fn check(&self, secret: &Item<'t>, name: &str, report: &mut Report<'_>) {
        for option in &self.given {
            let key = secret.table().key(option.name());
            let owners = key.map_or(&[][..], |key| key.beside);
            let problem = if !owners.contains(&name) {
                format!("has an effect on a {} only", owners.join(" or a "))
            } else if self.until_reboot != Some(true) {
                continue;
            } else if option.name() == "timeout" {
                "the kernel's keyring answers at once: leave it out".to_owned()
            } else if option.name() == "until_reboot" && !cfg!(target_os = "linux") {
                "only Linux has a keyring that forgets".to_owned()
            } else {
                continue;
            };
            option.note(Problem::new(problem), report);
        }
    }
}

/// What is wrong with a secret in the file.
pub(super) const LITERAL_SECRET: &str =
    "a secret does not stand in this file, only where it is kept";

fn literal_secret() -> Problem {
    Problem::new(LITERAL_SECRET).with_hint(
        "use { env = \"NAME\" }, { file = \"/path\" }, { command = [\"program\", \"argument\"] }, \
         { keyring = \"NAME\" } or { credential = \"NAME\" }; if this was the real secret, consider \
         it exposed",
    )
}

/// The one source that the table `item` names. A misspelled one is noted as what it is,
/// when the section is finished.
fn source<'t>(
    item: &Item<'t>,
    section: &mut Section<'t>,
    report: &mut Report<'_>,
) -> Option<Item<'t>> {
    let names = item.table().one_of;
    let mut given = names.iter().filter_map(|name| section.take(name));
    let (source, other) = (given.next(), given.next());
    drop(given);
    let (problem, verb) = match (&source, other) {
        _ if section.has_unknown() => return None,
        (Some(_), None) => return source,
        (Some(_), Some(_)) => ("names more than one source", "keep"),
        (None, _) => ("names no source", "name"),
    };
    let (last, others) = names.split_last()?;
    let hint = format!("{verb} one of {} or {last}", others.join(", "));
    item.note(Problem::new(problem).with_hint(hint), report);
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

/// The name of a credential of systemd; not repeated either.
fn credential(item: &Item<'_>, report: &mut Report<'_>) -> Option<String> {
    let name = item.string(report)?;
    if !is_credential_name(name) {
        let problem = Problem::new("not the name of a credential").with_hint(NAME_HINT);
        item.note(problem, report);
        return None;
    }
    Some(name.to_owned())
}

/// The name of an entry in a keyring.
fn entry(item: &Item<'_>, report: &mut Report<'_>) -> Option<String> {
    let name = printable_text(item, report)?;
    if name.len() > LONGEST_ENTRY {
        let problem = Problem::new(format!("is longer than {LONGEST_ENTRY} bytes"));
        item.note(problem, report);
        return None;
    }
    Some(name.to_owned())
}

/// The longest name of an entry, in bytes: what every keyring takes.
const LONGEST_ENTRY: usize = 200;

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
