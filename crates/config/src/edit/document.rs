//! The text of a configuration file, changed without touching the rest of it.

use std::path::Path;
use std::sync::Arc;

use toml_edit::{Decor, DocumentMut, Item, RawString, Table, TableLike, Value};

use super::{Change, NewProfile};
use crate::error::{Error, Problem};
use crate::file::Config;
use crate::schema;

const DEFAULT: &str = "default_profile";
const PROFILES: &str = "profiles";

/// What a new file begins with.
const EMPTY: &str = "version = 1\n";

/// A file that may be edited.
pub(super) struct Document {
    root: DocumentMut,
    /// What is wrong with it before it is.
    problems: Option<Error>,
    /// Lines end as on Windows.
    has_carriage_returns: bool,
}

/// Reads the text of the file at `path`, or of a new one.
pub(super) fn parse(path: &Arc<Path>, text: Option<&str>) -> Result<Document, Error> {
    let text = text.unwrap_or(EMPTY);
    let config = Config::parse(path, text)?;
    let problems = (!config.problems().is_empty()).then(|| config.to_error());
    // Both parsers are of one family: what one accepts, the other does. The words of
    // this one could quote the file.
    let root = text.parse().map_err(|_| match &problems {
        Some(error) => error.clone(),
        None => Problem::new("the file cannot be edited").into(),
    })?;
    Ok(Document {
        root,
        problems,
        has_carriage_returns: text.contains("\r\n"),
    })
}

impl Document {
    /// What was wrong with it before it was changed.
    pub(super) fn problems(&self) -> Option<Error> {
        self.problems.clone()
    }

    /// The whole text.
    pub(super) fn into_text(self) -> String {
        let text = self.root.to_string();
        match self.has_carriage_returns {
            // New lines end without one.
            true => text.replace("\r\n", "\n").replace('\n', "\r\n"),
            false => text,
        }
    }

    pub(super) fn root_mut(&mut self) -> &mut Table {
        self.root.as_table_mut()
    }

    pub(super) fn change(&mut self, change: &Change) -> Result<(), Problem> {
        match change {
            Change::Add {
                name,
                profile,
                replace,
            } => self.add(name, profile, *replace),
            Change::Remove(name) => self.remove(name),
            Change::Use(None) => {
                self.use_none();
                Ok(())
            }
            Change::Use(Some(name)) => self.use_profile(name),
            Change::AddCaller(caller) => self.add_caller(caller),
            Change::RemoveCaller(name) => self.remove_caller(name),
        }
    }

    fn add(&mut self, name: &str, profile: &NewProfile, replace: bool) -> Result<(), Problem> {
        let mut table = profile.table()?;
        let profiles = self.profiles()?;
        match profiles.get(name) {
            Some(_) if !replace => {
                return Err(Problem::new(format!(
                    "there is already a profile \"{name}\""
                )));
            }
            Some(Item::Table(old)) => {
                table.set_position(old.position());
                *table.decor_mut() = old.decor().clone();
            }
            _ => {}
        }
        // In an inline table it becomes one.
        profiles.insert(name, Item::Table(table));
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), Problem> {
        self.existing(name)?;
        self.profiles()?.remove(name);
        if self.root.get(DEFAULT).and_then(Item::as_str) == Some(name) {
            self.use_none();
        }
        Ok(())
    }

    fn use_profile(&mut self, name: &str) -> Result<(), Problem> {
        self.existing(name)?;
        match self.root.get_mut(DEFAULT).and_then(Item::as_value_mut) {
            Some(value) => {
                let decor = value.decor().clone();
                *value = Value::from(name);
                *value.decor_mut() = decor;
            }
            None => {
                self.root.insert(DEFAULT, Item::Value(name.into()));
            }
        }
        Ok(())
    }

    /// Removes the key; the comment above it may be about the file.
    fn use_none(&mut self) {
        let Some((key, _)) = self.root.remove_entry(DEFAULT) else {
            return;
        };
        let comment = key.leaf_decor().prefix().and_then(RawString::as_str);
        let Some(comment) = comment.filter(|comment| comment.contains('#')) else {
            return;
        };
        // A file without problems has its version.
        if let Some(mut version) = self.root.key_mut("version") {
            put_before(version.leaf_decor_mut(), comment);
        }
    }

    /// The profiles, made if there are none.
    fn profiles(&mut self) -> Result<&mut dyn TableLike, Problem> {
        let empty = || {
            let mut table = Table::new();
            // Its own header would say nothing.
            table.set_implicit(true);
            Item::Table(table)
        };
        let profiles = self.root.entry(PROFILES).or_insert_with(empty);
        let found = profiles.as_table_like_mut();
        found.ok_or_else(|| Problem::new("not a table").with_key(PROFILES))
    }

    /// That there is a profile of this name.
    fn existing(&mut self, name: &str) -> Result<(), Problem> {
        let profiles = self.profiles()?;
        if profiles.contains_key(name) {
            return Ok(());
        }
        let names: Vec<_> = profiles.iter().map(|(name, _)| name.to_owned()).collect();
        let problem = match schema::is_profile_name(name) {
            true => format!("there is no profile \"{name}\""),
            false => "this is not a name for a profile".to_owned(),
        };
        let hint = schema::name_hint(name, names.iter().map(String::as_str));
        Err(Problem::new(problem).with_hint(hint))
    }
}

fn put_before(decor: &mut Decor, comment: &str) {
    let old = decor.prefix().and_then(RawString::as_str).unwrap_or("");
    let both = format!("{comment}{old}");
    decor.set_prefix(both);
}
