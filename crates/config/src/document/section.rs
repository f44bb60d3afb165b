//! A table whose keys are taken one by one; what nobody took is unknown.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::item::Item;
use super::report::Report;
use super::spelling::suggestion;
use crate::error::Problem;
use crate::schema::Kind;

/// A table whose keys are taken one by one.
pub(crate) struct Section<'t> {
    key: String,
    offset: usize,
    entries: Vec<Entry<'t>>,
    kind: &'static Kind,
    /// What to say of a slip of this key.
    remark: Option<(&'static str, &'static str)>,
}

struct Entry<'t> {
    name: &'t str,
    name_span: Range<usize>,
    span: Range<usize>,
    value: &'t DeValue<'t>,
    is_taken: bool,
}

impl<'t> Entry<'t> {
    fn take(&mut self, section: &str, kind: &'static Kind) -> Item<'t> {
        self.is_taken = true;
        Item {
            kind,
            key: join(section, self.name),
            name: self.name,
            offset: self.span.start,
            value: self.value,
        }
    }
}

impl<'t> Section<'t> {
    /// The section at the dotted path `key`, empty for the root, which is of `kind`.
    pub(crate) fn new(
        key: impl Into<String>,
        offset: usize,
        table: &'t DeTable<'t>,
        kind: &'static Kind,
    ) -> Self {
        let entries = table
            .iter()
            .map(|(name, value)| Entry {
                name: name.get_ref(),
                name_span: name.span(),
                span: value.span(),
                value: value.get_ref(),
                is_taken: false,
            })
            .collect();
        Self {
            key: key.into(),
            offset,
            entries,
            kind,
            remark: None,
        }
    }

    /// The dotted path of this section.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Whether the section holds `name`, right or wrong, taken or not.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name == name)
    }

    /// Whether the section holds an unknown key that is a slip of `name`. Meant for
    /// after the last key was taken.
    pub(crate) fn has_slip_of(&self, name: &str) -> bool {
        let mut unknown = self.entries.iter().filter(|entry| !entry.is_taken);
        unknown.any(|entry| suggestion(entry.name, self.kind.table().names()) == Some(name))
    }

    /// Whether there are keys that nobody took so far.
    pub(crate) fn has_unknown(&self) -> bool {
        self.entries.iter().any(|entry| !entry.is_taken)
    }

    /// Where the section begins.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// Takes the value of `name`, one of the known keys.
    pub(crate) fn take(&mut self, name: &str) -> Option<Item<'t>> {
        let key = self.kind.table().key(name);
        debug_assert!(key.is_some(), "{name} is in no table of keys");
        self.take_entry(name, key.map_or(&Kind::Unknown, |key| &key.kind))
    }

    fn take_entry(&mut self, name: &str, kind: &'static Kind) -> Option<Item<'t>> {
        let entry = self.entries.iter_mut().find(|entry| entry.name == name)?;
        Some(entry.take(&self.key, kind))
    }

    /// Takes everything, whatever its name; where the user gives the names, each is what
    /// the section says it is.
    pub(crate) fn take_all(&mut self) -> Vec<Item<'t>> {
        let kind = self.kind;
        self.entries
            .iter_mut()
            .map(|entry| entry.take(&self.key, kind))
            .collect()
    }

    /// Has `remark` follow the suggestion of the key `name`, if a text was given to
    /// the slip: what goes for the key goes for it as well.
    pub(crate) fn remark_on_slips(&mut self, name: &'static str, remark: &'static str) {
        self.remark = Some((name, remark));
    }

    /// Notes every key that nobody took.
    pub(crate) fn finish(self, report: &mut Report<'_>) {
        for entry in self.entries.iter().filter(|entry| !entry.is_taken) {
            let hint = match suggestion(entry.name, self.kind.table().names()) {
                Some(known) => {
                    let remark = self
                        .remark
                        .filter(|(name, _)| *name == known && entry.value.as_str().is_some());
                    let remark = remark.map_or(String::new(), |(_, remark)| format!(" {remark}"));
                    format!("did you mean {known}?{remark}")
                }
                None => {
                    let known: Vec<_> = self.kind.table().names().collect();
                    format!("known here: {}", known.join(", "))
                }
            };
            report.note(
                entry.name_span.start,
                Problem::new("unknown key")
                    .with_key(join(&self.key, entry.name))
                    .with_hint(hint),
            );
        }
    }
}

/// The dotted path of `name` below `key`, in TOML's spelling, bounded.
fn join(key: &str, name: &str) -> String {
    let is_bare = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    let name: String = match name.char_indices().nth(64) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    };
    let name = if is_bare { name } else { format!("{name:?}") };
    match key {
        "" => name,
        key => format!("{key}.{name}"),
    }
}
