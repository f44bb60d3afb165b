//! A TOML document, read by hand: every key is asked for by name, what nobody
//! asked for is unknown, and every problem is noted with its place.
//!
//! Nothing here repeats a value of the document. A value may be a secret in the
//! wrong place, and the errors of TOML parsers quote whole lines.

mod item;
mod report;
mod section;
mod spelling;

use toml::de::DeTable;

pub(crate) use item::{Item, without_value};
pub(crate) use report::Report;
pub(crate) use section::Section;
pub(crate) use spelling::suggestion;

use crate::error::Problem;

/// The root of `text`; `None` after its syntax problems were noted.
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
