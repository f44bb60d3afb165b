//! Text in columns.

use std::fmt;

use anstyle::Style;

/// Between two columns.
const GAP: &str = "  ";

/// What stands in one column of one row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// `text` in `style`, which says nothing that the text does not.
    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self {
            text: text.into(),
            style,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, style } = self;
        match self.is_empty() {
            true => Ok(()),
            false => write!(f, "{style}{text}{style:#}"),
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text, Style::new())
    }
}

/// Rows of cells; each column is as wide as its widest cell.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Vec<Cell>>);

impl Table {
    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.0.push(cells.into_iter().collect());
    }

    /// The width of the longest line.
    pub(crate) fn width(&self) -> usize {
        let widths = self.widths();
        let gaps = GAP.len() * widths.len().saturating_sub(1);
        widths.iter().sum::<usize>() + gaps
    }

    /// The lines, none of which ends in spaces.
    pub(crate) fn render(&self) -> String {
        let widths = self.widths();
        self.0.iter().map(|row| line(row, &widths)).collect()
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.0.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column| {
            let cells = self.0.iter().filter_map(|row| row.get(column));
            cells.map(Cell::width).max().unwrap_or(0)
        };
        (0..columns).map(width).collect()
    }
}

fn line(row: &[Cell], widths: &[usize]) -> String {
    let last = row.iter().rposition(|cell| !cell.is_empty());
    let filled = last.map_or(0, |last| last + 1);
    let mut line = String::new();
    for (index, (cell, width)) in row.iter().zip(widths).take(filled).enumerate() {
        line.push_str(&cell.to_string());
        if index + 1 < filled {
            line.extend(std::iter::repeat_n(' ', width - cell.width()));
            line.push_str(GAP);
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use anstyle::AnsiColor;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::default();
        table.row(["ä".into(), "b".into(), "".into()]);
        table.row(["long".into(), "".into(), "c".into()]);
        table.row(["x".into()]);
        assert_eq!(table.render(), "ä     b\nlong     c\nx\n");
        assert_eq!(table.width(), 10);
    }

    #[test]
    fn a_style_takes_no_room() {
        let red = AnsiColor::Red.on_default();
        let mut table = Table::default();
        table.row([Cell::styled("a", red), "b".into()]);
        table.row(["aa".into(), "b".into()]);
        assert_eq!(table.render(), format!("{red}a{red:#}   b\naa  b\n"));
        assert_eq!(table.width(), 5);
    }
}
