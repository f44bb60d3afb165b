//! One value of a TOML document, taken for what its key may hold.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::de::DeValue;

use super::report::Report;
use super::section::Section;
use super::spelling::suggestion;
use crate::duration::out_of_range;
use crate::error::Problem;
use crate::schema::{Kind, Table};
use crate::setting::{Origin, Setting};

/// One value, and what it is called.
#[derive(Clone)]
pub(crate) struct Item<'t> {
    /// The dotted path.
    pub(super) key: String,
    /// The last part of the path.
    pub(super) name: &'t str,
    /// Where the value begins.
    pub(super) offset: usize,
    pub(super) value: &'t DeValue<'t>,
    /// What the table of keys says that it may hold.
    pub(super) kind: &'static Kind,
}

impl<'t> Item<'t> {
    /// The last part of the key.
    pub(crate) fn name(&self) -> &'t str {
        self.name
    }

    /// The keys that it may hold, if it is a table.
    pub(crate) fn table(&self) -> &'static Table {
        self.kind.table()
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

    /// An array of strings.
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
            DeValue::Table(table) => Some(Section::new(&self.key, self.offset, table, self.kind)),
            _ => {
                self.wrong_type("a table", report);
                None
            }
        }
    }

    /// An array of tables.
    pub(crate) fn sections(&self, report: &mut Report<'_>) -> Option<Vec<Section<'t>>> {
        let DeValue::Array(array) = self.value else {
            self.wrong_type("an array of tables", report);
            return None;
        };
        let mut sections = Vec::with_capacity(array.len());
        for (index, element) in array.iter().enumerate() {
            match element.get_ref() {
                DeValue::Table(table) => {
                    let key = format!("{}[{index}]", self.key);
                    sections.push(Section::new(key, element.span().start, table, self.kind));
                }
                _ => {
                    self.note(Problem::new("expected tables alone in the array"), report);
                    return None;
                }
            }
        }
        Some(sections)
    }

    /// A duration in words, such as `10s`, `500ms` or `2m 30s`, in the range of its key.
    pub(crate) fn duration(&self, report: &mut Report<'_>) -> Option<Duration> {
        let range = match self.kind {
            Kind::Time { least, most } => *least..=*most,
            _ => Duration::ZERO..=Duration::MAX,
        };
        self.duration_in(range, report)
    }

    /// A duration in words, in `range`.
    pub(crate) fn duration_in(
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
            Ok(duration) => match out_of_range(duration, &range) {
                None => return Some(duration),
                Some(problem) => problem,
            },
            Err(_) => Problem::new("not a duration").with_hint(HINT),
        };
        self.note(problem, report);
        None
    }

    /// One of the words of its key.
    pub(crate) fn word(&self, report: &mut Report<'_>) -> Option<&'static str> {
        let words = match self.kind {
            Kind::Word(words) => *words,
            _ => &[],
        };
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
