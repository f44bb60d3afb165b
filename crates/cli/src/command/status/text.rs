//! The table for people; on a narrow terminal a paragraph for each profile.

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use prove_token_config::Store;

use super::row::{Kept, Life, Row, left_until};
use crate::printable::one_line;
use crate::screen::Page;
use crate::table::{Cell, Table};
use crate::times;

const HEADING: Style = Style::new().bold();
const QUIET: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const SOON: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default();

/// How many characters a whole life is long.
const BAR: usize = 20;

const HEADINGS: [&str; 7] = [
    "  PROFILE",
    "ENVIRONMENT",
    "TOKEN",
    "",
    "RENEWAL",
    "LAST FAILURE",
    "SECRET",
];

/// All rows on a page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Overview(pub(super) Page);

impl Overview {
    pub(super) fn render(&self, rows: &[Row]) -> String {
        // Where the secret is kept is the longest column, and the first to go.
        let tables = [self.table(rows, true), self.table(rows, false)];
        let fitting = tables.iter().find(|table| table.width() <= self.0.width);
        let mut text = match fitting {
            Some(table) => table.render(),
            None => self.paragraphs(rows),
        };
        for row in rows {
            self.remarks(row, &mut text);
        }
        text
    }

    fn table(&self, rows: &[Row], with_secrets: bool) -> Table {
        let columns = if with_secrets { 7 } else { 6 };
        let mut table = Table::default();
        let headings = HEADINGS.map(|text| Cell::styled(text, HEADING));
        table.row(headings.into_iter().take(columns));
        for row in rows {
            let cells = [
                title(row).into(),
                one_line(&row.place).into(),
                self.bar(row),
                life(row).into(),
                renewal(row).into(),
                last_failure(row),
                Cell::styled(one_line(&row.secret), QUIET),
            ];
            table.row(cells.into_iter().take(columns));
        }
        table
    }

    fn paragraphs(&self, rows: &[Row]) -> String {
        let mut text = String::new();
        for row in rows {
            let (title, place) = (title(row), one_line(&row.place));
            text.push_str(&format!("{HEADING}{title}{HEADING:#}  {place}\n"));
            let token = match self.bar(row) {
                bar if bar.is_empty() => life(row),
                bar => format!("{bar}  {}", life(row)),
            };
            for (name, value) in [
                ("token", token),
                ("renewal", renewal(row)),
                ("failure", last_failure(row).to_string()),
                ("secret", one_line(&row.secret)),
            ] {
                if !value.is_empty() {
                    text.push_str(&format!("    {QUIET}{name:7}{QUIET:#}  {value}\n"));
                }
            }
        }
        text
    }

    /// What a column has no room for.
    fn remarks(&self, row: &Row, text: &mut String) {
        let name = one_line(&row.name);
        if let Some(failure) = &row.failure {
            let (head, words) = (format!("{BAD}!{BAD:#} "), failure.message());
            for (number, line) in words.lines().enumerate() {
                let (head, name) = match number {
                    0 => (head.as_str(), format!("{name}: ")),
                    _ => ("  ", String::new()),
                };
                self.0.paragraph(head, 2, &format!("{name}{line}"), text);
            }
            for hint in failure.hints() {
                self.0.paragraph("  ", 2, hint, text);
            }
        }
        if let Kept::Closed { .. } = row.kept {
            let words = format!(
                "{name}: the secret was not read, so the token was not opened; --read-secrets \
                 does both"
            );
            self.0
                .paragraph(&format!("{SOON}!{SOON:#} "), 2, &words, text);
        }
    }

    fn bar(&self, row: &Row) -> Cell {
        let (full, empty) = if self.0.unicode {
            ('█', '░')
        } else {
            ('#', '.')
        };
        let (life, style) = match &row.kept {
            Kept::Usable { life, renewal_in } => {
                (Some(life), if renewal_in.is_zero() { SOON } else { GOOD })
            }
            Kept::Nothing(_) => (None, BAD),
            // How long it was is not known, or nothing lasts.
            Kept::Closed { .. } | Kept::Fleeting(_) => return Cell::default(),
        };
        let filled = life.map_or(0, |life| filled(*life));
        let bar = (0..BAR).map(|index| if index < filled { full } else { empty });
        Cell::styled(bar.collect::<String>(), style)
    }
}

/// Rounded; but a token that lives has one at least.
fn filled(life: Life) -> usize {
    let (left, whole) = (life.left.as_millis(), life.whole.as_millis().max(1));
    let blocks = (left.min(whole) * BAR as u128 + whole / 2) / whole;
    usize::try_from(blocks).unwrap_or(BAR).max(1)
}

fn title(row: &Row) -> String {
    let mark = if row.is_default { '*' } else { ' ' };
    format!("{mark} {}", one_line(&row.name))
}

fn life(row: &Row) -> String {
    match &row.kept {
        Kept::Usable { life, .. } => {
            let (left, whole) = (times::brief(life.left), times::brief(life.whole));
            format!("{left} of {whole}")
        }
        Kept::Closed { until } => format!("{} (not opened)", times::brief(left_until(*until))),
        Kept::Nothing(None) => "none".to_owned(),
        Kept::Nothing(Some(reason)) => format!("none ({})", reason.as_str().replace('_', " ")),
        Kept::Fleeting(Store::None) => "not kept".to_owned(),
        Kept::Fleeting(_) => "ends with each run".to_owned(),
    }
}

fn renewal(row: &Row) -> String {
    match &row.kept {
        Kept::Usable {
            renewal_in: Duration::ZERO,
            ..
        } => "due".to_owned(),
        Kept::Usable { renewal_in, .. } => format!("in {}", times::brief(*renewal_in)),
        _ => String::new(),
    }
}

fn last_failure(row: &Row) -> Cell {
    match &row.failure {
        None => Cell::default(),
        Some(failure) => Cell::styled(failure.kind().as_str().replace('_', " "), BAD),
    }
}
