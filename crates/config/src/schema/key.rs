//! What a key of the file is: the words in which the tables of keys are written.
//!
//! The reader takes its ranges, its words and its lists of known keys from them, and
//! `config schema` prints them.

use std::time::Duration;

/// A table of the file.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) keys: &'static [Key],
    /// The keys of which exactly one is given; empty if there is no such choice.
    pub(crate) one_of: &'static [&'static str],
}

/// A key of a table.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) preset: Preset,
    /// The keys of the same table beside one of which alone it means something; empty
    /// if it always does.
    pub(crate) beside: &'static [&'static str],
    /// What it is for, as one sentence without its full stop.
    pub(crate) about: &'static str,
}

/// What a key may hold.
#[derive(Debug)]
pub(crate) enum Kind {
    Boolean,
    Integer {
        least: u32,
        most: u32,
        /// What is counted, after the number; empty for a bare one.
        unit: &'static str,
    },
    /// A duration in words.
    Time {
        least: Duration,
        most: Duration,
    },
    /// One of a few words.
    Word(&'static [&'static str]),
    /// A text, and what it says.
    Text(&'static str),
    /// An array of texts, and what each says.
    Texts(&'static str),
    /// A text, or a table in its place.
    TextOr(&'static str, &'static Table),
    Table(&'static Table),
    /// An array of such tables.
    Tables(&'static Table),
    /// A table of such tables, each under a name of the user's.
    Named(&'static str, &'static Table),
    /// A table of texts under names of the user's.
    Pairs(&'static str),
    /// Nothing is known of it.
    Unknown,
}

/// What holds if the key is not given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Preset {
    /// It must be given.
    Required,
    /// Nothing: the key is about something that need not be there.
    Nothing,
    Number(u32),
    Time(Duration),
    Word(&'static str),
    Flag(bool),
    /// What follows from other settings, in words.
    Said(&'static str),
}

impl Table {
    pub(crate) const fn of(keys: &'static [Key]) -> Self {
        Self { keys, one_of: &[] }
    }

    /// The key `name`.
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The names of the keys, in the order of the documentation.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        self.keys.iter().map(|key| key.name)
    }
}

impl Key {
    pub(crate) const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self {
            name,
            kind,
            preset: Preset::Nothing,
            beside: &[],
            about,
        }
    }

    pub(crate) const fn or(self, preset: Preset) -> Self {
        Self { preset, ..self }
    }

    pub(crate) const fn beside(self, beside: &'static [&'static str]) -> Self {
        Self { beside, ..self }
    }
}

/// The table of what is none, or of whose keys nothing is known.
static EMPTY: Table = Table::of(&[]);

impl Kind {
    /// Requests, tries or hundredths.
    pub(crate) const fn count(least: u32, most: u32, unit: &'static str) -> Self {
        Self::Integer { least, most, unit }
    }

    pub(crate) const fn percent(least: u32, most: u32) -> Self {
        Self::count(least, most, "%")
    }

    pub(crate) const fn time(least: Duration, most: Duration) -> Self {
        Self::Time { least, most }
    }

    /// The keys of the table that it may hold.
    pub(crate) fn table(&self) -> &'static Table {
        match self {
            Self::Table(table)
            | Self::Tables(table)
            | Self::TextOr(_, table)
            | Self::Named(_, table) => table,
            _ => &EMPTY,
        }
    }
}
