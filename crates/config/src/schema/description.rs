//! The keys of the file for others: a JSON Schema for editors, rows for people.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::key::{Key, Kind, Preset, Table};
use super::table::ROOT;
use super::{PROFILE_NAME, RESERVED};

/// A duration as the reader takes it: numbers with their units. It lets more pass than
/// the reader does, and nothing less.
const DURATION: &str = r"^\s*(0|(\d+(\.\d+)?\s*[A-Za-zµ]+\s*)+)\s*$";

/// One key of the configuration file, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRow {
    /// Its dotted path; `NAME` and `FIELD` stand for what the user chooses.
    pub key: String,
    /// What it may hold: type, unit and range.
    pub kind: String,
    /// What holds if it is not given; empty if nothing does.
    pub default: String,
    /// What it is for, as a sentence without its full stop.
    pub meaning: &'static str,
}

/// Every key that the configuration file may hold, in the order of the documentation.
/// They are those of the reader, which refuses any other.
pub fn keys() -> Vec<KeyRow> {
    let mut rows = Vec::new();
    add(&ROOT, "", &mut rows);
    rows
}

fn add(table: &'static Table, path: &str, rows: &mut Vec<KeyRow>) {
    for key in table.keys {
        let path = match path {
            "" => key.name.to_owned(),
            path => format!("{path}.{}", key.name),
        };
        rows.push(KeyRow {
            kind: kind(key, table),
            default: preset(key.preset),
            meaning: key.about,
            key: path.clone(),
        });
        let below = match key.kind {
            Kind::Named(name, _) => format!("{path}.{name}"),
            Kind::Tables(_) => format!("{path}[]"),
            _ => path,
        };
        add(key.kind.table(), &below, rows);
    }
}

fn kind(key: &Key, table: &Table) -> String {
    let kind = match key.kind {
        Kind::Boolean => "boolean".to_owned(),
        Kind::Integer { least, most, .. } if least == most => format!("integer: {least}"),
        Kind::Integer { least, most, unit } => format!("integer, {least} to {most} {unit}")
            .trim_end()
            .to_owned(),
        Kind::Time { least, most } => format!("duration, {} to {}", time(least), time(most)),
        Kind::Word(words) => words.join(" | "),
        Kind::Text(what) => format!("string: {what}"),
        Kind::Texts(what) => format!("array of strings: {what}"),
        Kind::TextOr(what, _) => format!("string: {what}; or a table"),
        Kind::Table(_) => "table".to_owned(),
        Kind::Tables(_) => "array of tables".to_owned(),
        Kind::Named(name, _) => format!("table of tables, each {name}"),
        Kind::Pairs(name) => format!("table of strings, each {name}"),
        Kind::Unknown => String::new(),
    };
    if table.one_of.contains(&key.name) {
        return format!("{kind} (one of {})", table.one_of.join(", "));
    }
    match key.beside {
        [] => kind,
        beside => format!("{kind} (beside {})", beside.join(" or ")),
    }
}

fn preset(preset: Preset) -> String {
    match preset {
        Preset::Required => "required".to_owned(),
        Preset::Nothing => String::new(),
        Preset::Number(number) => number.to_string(),
        Preset::Time(duration) => time(duration),
        Preset::Word(text) | Preset::Said(text) => text.to_owned(),
        Preset::Flag(flag) => flag.to_string(),
    }
}

fn time(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}

/// The keys of the configuration file as a JSON Schema (draft 2020-12), with which
/// editors complete and check it. It ends with a newline.
///
/// A file that it accepts may still be refused: what times are in a duration, and which
/// of two is the longer, a schema cannot say.
pub fn json_schema() -> String {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The configuration file of prove-token",
    });
    merge(&mut schema, object(&ROOT));
    // It is made of texts and numbers alone.
    format!("{schema:#}\n")
}

fn object(table: &'static Table) -> Value {
    let properties: Map<_, _> = table
        .keys
        .iter()
        .map(|key| (key.name.to_owned(), property(key)))
        .collect();
    let mut object = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    let required: Vec<_> = table
        .keys
        .iter()
        .filter(|key| matches!(key.preset, Preset::Required))
        .map(|key| key.name)
        .collect();
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    if !table.one_of.is_empty() {
        object["oneOf"] = any_of(table.one_of);
    }
    let dependent: Map<_, _> = table
        .keys
        .iter()
        .filter(|key| !key.beside.is_empty())
        .map(|key| (key.name.to_owned(), json!({"anyOf": any_of(key.beside)})))
        .collect();
    if !dependent.is_empty() {
        object["dependentSchemas"] = Value::Object(dependent);
    }
    object
}

/// One alternative for each key.
fn any_of(keys: &[&str]) -> Value {
    keys.iter().map(|key| json!({"required": [key]})).collect()
}

fn property(key: &Key) -> Value {
    let mut property = json!({"description": description(key)});
    merge(&mut property, shape(&key.kind));
    match key.preset {
        Preset::Number(number) => property["default"] = json!(number),
        Preset::Time(duration) => property["default"] = json!(time(duration)),
        Preset::Word(word) => property["default"] = json!(word),
        Preset::Flag(flag) => property["default"] = json!(flag),
        Preset::Required | Preset::Nothing | Preset::Said(_) => {}
    }
    property
}

fn description(key: &Key) -> String {
    let mut text = format!("{}.", key.about);
    match key.kind {
        Kind::Time { least, most } => {
            text.push_str(&format!(
                " A duration from {} to {}.",
                time(least),
                time(most)
            ));
        }
        Kind::Integer { unit, .. } if !unit.is_empty() => text.push_str(&format!(" In {unit}.")),
        Kind::Text(what) | Kind::TextOr(what, _) => text.push_str(&format!(" Write {what}.")),
        Kind::Texts(what) => text.push_str(&format!(" Each is {what}.")),
        _ => {}
    }
    if let Preset::Said(said) = key.preset {
        text.push_str(&format!(" Default: {said}."));
    }
    text
}

fn shape(kind: &Kind) -> Value {
    match kind {
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Integer { least, most, .. } => {
            json!({"type": "integer", "minimum": least, "maximum": most})
        }
        Kind::Time { .. } => json!({"type": "string", "pattern": DURATION}),
        Kind::Word(words) => json!({"enum": words}),
        Kind::Text(_) => json!({"type": "string", "minLength": 1}),
        Kind::Texts(_) => json!({"type": "array", "items": {"type": "string"}}),
        Kind::TextOr(_, table) => {
            json!({"anyOf": [{"type": "string", "minLength": 1}, object(table)]})
        }
        Kind::Table(table) => object(table),
        Kind::Tables(table) => json!({"type": "array", "items": object(table)}),
        Kind::Named(_, table) => json!({
            "type": "object",
            "propertyNames": {"pattern": PROFILE_NAME, "not": {"enum": RESERVED}},
            "additionalProperties": object(table),
        }),
        Kind::Pairs(_) => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        Kind::Unknown => json!({}),
    }
}

/// Adds the members of `more` to `value`; both are objects.
fn merge(value: &mut Value, more: Value) {
    if let (Value::Object(members), Value::Object(more)) = (value, more) {
        members.extend(more);
    }
}

#[cfg(test)]
mod tests;
