//! What is wrong with a text, each problem with its place.

use std::path::Path;
use std::sync::Arc;

use crate::error::Problem;
use crate::place::Place;

/// The text of a file, and what was found wrong with it so far.
pub(crate) struct Report<'t> {
    file: Arc<Path>,
    text: &'t str,
    /// The offsets at which lines begin. Looked up for every setting and every
    /// problem, of which a file may have very many.
    lines: Vec<usize>,
    problems: Vec<Problem>,
}

impl<'t> Report<'t> {
    pub(crate) fn new(file: Arc<Path>, text: &'t str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self {
            file,
            text,
            lines: std::iter::once(0)
                .chain(newlines.map(|(offset, _)| offset + 1))
                .collect(),
            problems: Vec::new(),
        }
    }

    /// The position of the byte at `offset`; past the end, the end.
    pub(crate) fn place(&self, offset: usize) -> Place {
        let offset = offset.min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= offset);
        let before = &self.text.as_bytes()[self.lines[line - 1]..offset];
        // Continuation bytes of UTF-8 do not start a character.
        let characters = before.iter().filter(|byte| (**byte & 0xc0) != 0x80).count();
        Place {
            file: Arc::clone(&self.file),
            line,
            column: characters + 1,
        }
    }

    pub(crate) fn file(&self) -> &Arc<Path> {
        &self.file
    }

    /// Notes a problem at `offset`.
    pub(crate) fn note(&mut self, offset: usize, problem: Problem) {
        let place = self.place(offset);
        self.problems.push(problem.with_place(Some(place)));
    }

    /// Notes a problem that has its place already.
    pub(crate) fn add(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// How many problems there are so far; for [`since`](Report::since).
    pub(crate) fn mark(&self) -> usize {
        self.problems.len()
    }

    /// The problems noted since there were `mark` of them.
    pub(crate) fn since(&self, mark: usize) -> &[Problem] {
        &self.problems[mark..]
    }

    /// The problems in the order of the file.
    pub(crate) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by(|a, b| a.place.cmp(&b.place));
        self.problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one() {
        let report = Report::new(Path::new("/c.toml").into(), "a = 1\nü = 2\n");
        let at = |offset| report.place(offset).to_string();
        assert_eq!(at(0), "/c.toml:1:1");
        assert_eq!(at(4), "/c.toml:1:5");
        assert_eq!(at(6), "/c.toml:2:1");
        assert_eq!(at(8), "/c.toml:2:2", "ü is one column");
        assert_eq!(at(999), "/c.toml:3:1");
        let empty = Report::new(Path::new("/c.toml").into(), "");
        assert_eq!(empty.place(0).to_string(), "/c.toml:1:1");
    }

    #[test]
    fn problems_come_in_the_order_of_the_text() {
        let mut report = Report::new(Path::new("/c.toml").into(), "a\nb\nc");
        report.note(4, Problem::new("third"));
        report.note(0, Problem::new("first"));
        report.note(2, Problem::new("second"));
        let messages: Vec<_> = report
            .into_problems()
            .into_iter()
            .map(|problem| problem.message)
            .collect();
        assert_eq!(messages, ["first", "second", "third"]);
    }
}
