//! What `client_id` and `client_secret` may hold.

use std::path::Path;
use std::time::Duration;

use prove_token::{ClientId, Secret};
use toml::de::DeValue;

use super::{path, printable_text};
use crate::document::{Item, Report, Section};
use crate::duration::SOURCE_RANGE;
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
    let sources =
        ["env", "file", "command", "credential", "keyring"].map(|name| section.take(name));
    let options = Options::take(&mut section, report);
    // A misspelled source is noted as what it is.
    let source = match section.has_unknown() {
        true => None,
        false => one_of(item, sources, SOURCES, report),
    };
    section.finish(report);
    let source = source?;
    options.check(source.name(), report);
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

const SOURCES: &str = "env, file, command, keyring or credential";

/// What can be said beside a source.
struct Options<'t> {
    items: [(Option<Item<'t>>, &'static [&'static str]); 3],
    allow_insecure_mode: Option<bool>,
    until_reboot: Option<bool>,
    timeout: Option<Duration>,
}

impl<'t> Options<'t> {
    fn take(section: &mut Section<'t>, report: &mut Report<'_>) -> Self {
        let insecure = section.take("allow_insecure_mode");
        let until_reboot = section.take("until_reboot");
        let timeout = section.take("timeout");
        let boolean =
            |item: &Option<Item<'t>>, report: &mut Report<'_>| item.as_ref()?.boolean(report);
        Self {
            allow_insecure_mode: boolean(&insecure, report),
            until_reboot: boolean(&until_reboot, report),
            timeout: timeout
                .as_ref()
                .and_then(|item| item.duration(SOURCE_RANGE, report)),
            items: [
                (insecure, &["file"]),
                (until_reboot, &["keyring"]),
                (timeout, &["command", "keyring"]),
            ],
        }
    }

    /// Notes what means nothing to `source`.
    fn check(&self, source: &str, report: &mut Report<'_>) {
        for (option, owners) in &self.items {
            if let Some(option) = option
                && !owners.contains(&source)
            {
                let owners = owners.join(" or a ");
                let problem = Problem::new(format!("has an effect on a {owners} only"));
                option.note(problem, report);
            }
        }
        if self.until_reboot != Some(true) {
            return;
        }
        for (option, problem) in [
            (
                &self.items[1].0,
                (!cfg!(target_os = "linux")).then_some("only Linux has a keyring that forgets"),
            ),
            (
                &self.items[2].0,
                Some("the kernel's keyring answers at once"),
            ),
        ] {
            if let (Some(option), Some(problem)) = (option, problem) {
                option.note(Problem::new(problem).with_hint("leave it out"), report);
            }
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
