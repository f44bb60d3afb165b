//! A TOML document as sections that are taken apart key by key: what nobody
//! took is unknown, and every problem is noted with its place.
//!
//! No text made here repeats a value of the document. A value may be a secret
//! in the wrong place, and the TOML parser's own errors quote whole lines.

use std::ops::{Range, RangeInclusive};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use crate::error::Problem;
use crate::place::Place;
use crate::setting::{Origin, Setting};

/// The text of a file, and what was found wrong with it so far.
pub(crate) struct Report<'t> {
    file: Arc<Path>,
    text: &'t str,
    problems: Vec<Problem>,
}

impl<'t> Report<'t> {
    pub(crate) fn new(file: Arc<Path>, text: &'t str) -> Self {
        Self {
            file,
            text,
            problems: Vec::new(),
        }
    }

    pub(crate) fn place(&self, offset: usize) -> Place {
        Place::at(&self.file, self.text, offset)
    }

    pub(crate) fn file(&self) -> &Arc<Path> {
        &self.file
    }

    /// Notes a problem at `offset`.
    pub(crate) fn note(&mut self, offset: usize, problem: Problem) {
        let place = self.place(offset);
        self.problems.push(problem.with_place(Some(place)));
    }

    /// The problems in the order of the file.
    pub(crate) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by(|a, b| a.place.cmp(&b.place));
        self.problems
    }
}

/// The syntax problems of `text`, or its root.
pub(crate) fn parse<'t>(text: &'t str, report: &mut Report<'_>) -> Option<DeTable<'t>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Some(root.into_inner());
    }
    for error in errors {
        let offset = error.span().map_or(text.len(), |span| span.start);
        // The parser's message is made of fixed texts; its Display is not.
        report.note(
            offset,
            Problem::new(format!("not TOML: {}", error.message()))
                .with_hint("strings need quotes, and each key stands on a line of its own"),
        );
    }
    None
}

/// A table whose keys are taken one by one.
pub(crate) struct Section<'t> {
    key: String,
    offset: usize,
    entries: Vec<Entry<'t>>,
    /// The keys that were asked for: what the section may hold.
    known: Vec<&'static str>,
}

struct Entry<'t> {
    name: &'t str,
    name_span: Range<usize>,
    span: Range<usize>,
    value: &'t DeValue<'t>,
    is_taken: bool,
}

impl<'t> Section<'t> {
    /// The section at the dotted path `key`, empty for the root.
    pub(crate) fn new(key: impl Into<String>, offset: usize, table: &'t DeTable<'t>) -> Self {
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
            known: Vec::new(),
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

    /// Where the section begins.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// Takes the value of `name`, and makes `name` a known key.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Item<'t>> {
        self.known.push(name);
        let entry = self.entries.iter_mut().find(|entry| entry.name == name)?;
        entry.is_taken = true;
        Some(Item {
            key: join(&self.key, name),
            name: entry.name,
            name_offset: entry.name_span.start,
            offset: entry.span.start,
            value: entry.value,
        })
    }

    /// Takes everything, whatever its name.
    pub(crate) fn take_all(&mut self) -> Vec<Item<'t>> {
        let key = self.key.clone();
        self.entries
            .iter_mut()
            .map(|entry| {
                entry.is_taken = true;
                Item {
                    key: join(&key, entry.name),
                    name: entry.name,
                    name_offset: entry.name_span.start,
                    offset: entry.span.start,
                    value: entry.value,
                }
            })
            .collect()
    }

    /// Refuses a key that a later version will know.
    pub(crate) fn refuse(&mut self, name: &'static str, report: &mut Report<'_>) {
        if let Some(item) = self.take(name) {
            // It is not offered as a suggestion either.
            self.known.retain(|known| *known != name);
            item.not_supported(report);
        }
    }

    /// Notes every key that nobody took.
    pub(crate) fn finish(self, report: &mut Report<'_>) {
        for entry in self.entries.iter().filter(|entry| !entry.is_taken) {
            let hint = match suggestion(entry.name, self.known.iter().copied()) {
                Some(known) => format!("did you mean {known}?"),
                None => format!("known here: {}", self.known.join(", ")),
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

/// One value, and what it is called.
pub(crate) struct Item<'t> {
    key: String,
    name: &'t str,
    name_offset: usize,
    offset: usize,
    value: &'t DeValue<'t>,
}

impl<'t> Item<'t> {
    /// The last part of the key.
    pub(crate) fn name(&self) -> &'t str {
        self.name
    }

    /// The value as it was written.
    pub(crate) fn value(&self) -> &'t DeValue<'t> {
        self.value
    }

    /// `value` with the place of this item.
    pub(crate) fn setting<T>(&self, value: T, report: &Report<'_>) -> Setting<T> {
        Setting::new(value, Origin::File(report.place(self.offset)))
    }

    /// Notes a problem with the value.
    pub(crate) fn note(&self, problem: Problem, report: &mut Report<'_>) {
        report.note(self.offset, problem.with_key(&self.key));
    }

    /// Notes that this version knows the key, and has nothing behind it.
    pub(crate) fn not_supported(&self, report: &mut Report<'_>) {
        let problem = Problem::new("not supported in this version")
            .with_key(&self.key)
            .with_hint("remove it: a setting without effect would mislead");
        report.note(self.name_offset, problem);
    }

    /// Notes that the value has the wrong type.
    pub(crate) fn wrong_type(&self, expected: &str, report: &mut Report<'_>) {
        let found = match self.value {
            DeValue::Integer(_) => "an integer",
            DeValue::Array(_) => "an array",
            DeValue::String(_) => "a string",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Table(_) => "a table",
        };
        self.note(
            Problem::new(format!("expected {expected}, found {found}")),
            report,
        );
    }

    pub(crate) fn string(&self, report: &mut Report<'_>) -> Option<&'t str> {
        match self.value {
            DeValue::String(text) => Some(text),
            _ => {
                self.wrong_type("a string", report);
                None
            }
        }
    }

    pub(crate) fn boolean(&self, report: &mut Report<'_>) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            _ => {
                self.wrong_type("true or false", report);
                None
            }
        }
    }

    pub(crate) fn integer(&self, report: &mut Report<'_>) -> Option<i64> {
        let DeValue::Integer(number) = self.value else {
            self.wrong_type("an integer", report);
            return None;
        };
        let parsed = i64::from_str_radix(number.as_str(), number.radix()).ok();
        if parsed.is_none() {
            self.note(Problem::new("the number is out of range"), report);
        }
        parsed
    }

    /// An array of strings, none of them empty.
    pub(crate) fn strings(&self, report: &mut Report<'_>) -> Option<Vec<&'t str>> {
        let DeValue::Array(array) = self.value else {
            self.wrong_type("an array of strings", report);
            return None;
        };
        let strings: Vec<&str> = array
            .iter()
            .filter_map(|element| element.get_ref().as_str())
            .collect();
        if strings.len() != array.len() {
            self.note(Problem::new("expected strings alone in the array"), report);
            return None;
        }
        Some(strings)
    }

    pub(crate) fn section(&self, report: &mut Report<'_>) -> Option<Section<'t>> {
        match self.value {
            DeValue::Table(table) => Some(Section::new(&self.key, self.offset, table)),
            _ => {
                self.wrong_type("a table", report);
                None
            }
        }
    }

    /// A duration in words, such as `10s`, `500ms` or `2m 30s`, in `range`.
    pub(crate) fn duration(
        &self,
        range: RangeInclusive<Duration>,
        report: &mut Report<'_>,
    ) -> Option<Duration> {
        const HINT: &str = "write a number with its unit, such as \"10s\" or \"500ms\"";
        let DeValue::String(text) = self.value else {
            self.note(Problem::new("expected a duration").with_hint(HINT), report);
            return None;
        };
        let problem = match humantime::parse_duration(text) {
            Ok(duration) if range.contains(&duration) => return Some(duration),
            Ok(_) => Problem::new(format!(
                "out of range: from {} to {}",
                humantime::format_duration(*range.start()),
                humantime::format_duration(*range.end())
            )),
            Err(_) => Problem::new("not a duration").with_hint(HINT),
        };
        self.note(problem, report);
        None
    }

    /// One of a few fixed words.
    pub(crate) fn word(
        &self,
        words: &[&'static str],
        report: &mut Report<'_>,
    ) -> Option<&'static str> {
        let text = self.string(report)?;
        if let Some(word) = words.iter().find(|word| **word == text) {
            return Some(word);
        }
        let hint = match suggestion(text, words.iter().copied()) {
            Some(word) => format!("did you mean \"{word}\"?"),
            None => format!("use one of {}", words.join(", ")),
        };
        self.note(
            Problem::new("not one of the known values").with_hint(hint),
            report,
        );
        None
    }

    /// A string that one of the core's types makes sense of.
    pub(crate) fn parsed<T>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, prove_token::Error>,
        report: &mut Report<'_>,
    ) -> Option<Setting<T>> {
        let text = self.string(report)?;
        match parse(text) {
            Ok(value) => Some(self.setting(value, report)),
            Err(error) => {
                self.note(without_value(&error), report);
                None
            }
        }
    }
}

/// The problem that a type of the core reports, less the value that it quotes.
pub(crate) fn without_value(error: &prove_token::Error) -> Problem {
    let message = error.to_string();
    // The core quotes values in double quotes, and its own words have none.
    let message = match (message.find('"'), message.rfind('"')) {
        (Some(start), Some(end)) => {
            format!("{}the value{}", &message[..start], &message[end + 1..])
        }
        _ => message,
    };
    let problem = Problem::new(message);
    match error.hint() {
        Some(hint) => problem.with_hint(hint),
        None => problem,
    }
}

/// The known word that `word` is a slip of, if one is near.
pub(crate) fn suggestion<'k>(
    word: &str,
    known: impl IntoIterator<Item = &'k str>,
) -> Option<&'k str> {
    let word = word.to_lowercase().replace('_', "-");
    known
        .into_iter()
        .map(|known| {
            let spelled = known.replace('_', "-");
            (strsim::osa_distance(&word, &spelled), known)
        })
        .filter(|(distance, known)| *distance <= (known.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// The dotted path of `name` below `key`, in TOML's spelling, bounded.
fn join(key: &str, name: &str) -> String {
    let is_bare = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    let name: String = match name.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    };
    let name = if is_bare { name } else { format!("{name:?}") };
    match key {
        "" => name,
        key => format!("{key}.{name}"),
    }
}
