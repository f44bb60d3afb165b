//! Files that the service keeps a token in.

use std::path::PathBuf;

use super::Problem;
use crate::document::{Report, Section};
use crate::schema;

/// One of `[[service.sinks]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceSink {
    /// Whose token.
    pub profile: String,
    /// The file.
    pub path: PathBuf,
    /// Its mode. Default: 0600.
    pub mode: u32,
    /// Its group, by name. Default: the process's.
    pub group: Option<String>,
}

impl ServiceSink {
    /// A file at `path` with the token of `profile`.
    pub fn new(
        profile: impl Into<String>,
        path: impl Into<PathBuf>,
        mode: u32,
        group: Option<&str>,
    ) -> Self {
        Self {
            profile: profile.into(),
            path: path.into(),
            mode,
            group: group.map(str::to_owned),
        }
    }
}

pub(super) fn read<'n>(
    section: &mut Section<'_>,
    known: impl Iterator<Item = &'n str> + Clone,
    report: &mut Report<'_>,
) -> Vec<ServiceSink> {
    let Some(item) = section.take("sinks") else {
        return Vec::new();
    };
    let sections = item.sections(report).unwrap_or_default();
    let read = sections
        .into_iter()
        .filter_map(|section| one(section, known.clone(), report));
    read.collect()
}

fn one<'n>(
    mut section: Section<'_>,
    known: impl Iterator<Item = &'n str> + Clone,
    report: &mut Report<'_>,
) -> Option<ServiceSink> {
    let (offset, key) = (section.offset(), section.key().to_owned());
    let profile = section.take("profile").and_then(|item| {
        let name = item.string(report)?;
        if !known.clone().any(|known| known == name) {
            let hint = schema::name_hint(name, known);
            item.note(
                Problem::new("no profile has this name").with_hint(hint),
                report,
            );
        }
        Some(name.to_owned())
    });
    let path = section
        .take("path")
        .and_then(|item| schema::path(&item, report));
    let mode = section.take("mode").and_then(|item| {
        let digits = item.word(report)?;
        u32::from_str_radix(digits, 8).ok()
    });
    let group = section
        .take("group")
        .and_then(|item| item.string(report).map(str::to_owned));
    for name in ["profile", "path"] {
        if !section.has(name) {
            report.note(
                offset,
                Problem::new(format!("has no {name}")).with_key(&*key),
            );
        }
    }
    section.finish(report);
    Some(ServiceSink {
        profile: profile?,
        path: path?,
        mode: mode.unwrap_or(0o600),
        group,
    })
}
