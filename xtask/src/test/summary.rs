//! The sum of the result lines that the test binaries print.

use std::fmt;

/// How many tests ended how.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// Ignored by their attribute, or left out because their peer is missing.
    pub(crate) skipped: usize,
}

impl Summary {
    /// Adds one line of output; every line that is no result line is ignored.
    pub(crate) fn add_line(&mut self, line: &str) {
        if let Some(result) = parse(line) {
            self.passed += result.passed;
            self.failed += result.failed;
            self.skipped += result.skipped;
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; …`.
fn parse(line: &str) -> Option<Summary> {
    let (verdict, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    if !["ok", "FAILED"].contains(&verdict) {
        return None;
    }
    let count = |name: &str| {
        counts
            .split("; ")
            .find_map(|part| part.strip_suffix(name)?.strip_suffix(' ')?.parse().ok())
    };
    Some(Summary {
        passed: count("passed")?,
        failed: count("failed")?,
        skipped: count("ignored")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(output: &str) -> Summary {
        let mut summary = Summary::default();
        output.lines().for_each(|line| summary.add_line(line));
        summary
    }

    #[test]
    fn the_lines_of_several_binaries_are_added() {
        let output = "\
running 2 tests
test a::b ... ok
test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.02s
test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.50s
   Doc-tests prove_token
test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.31s
all doctests ran in 0.62s; merged doctests compilation took 0.30s
";
        assert_eq!(sum(output).to_string(), "17 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn other_lines_count_nothing() {
        let output = "\
test result: 5 passed
test result: maybe. 5 passed; 0 failed; 0 ignored
  test result: ok. 5 passed; 0 failed; 0 ignored
test result: ok. five passed; 0 failed; 0 ignored
test result: ok. 5 passed
5 passed, 0 failed
";
        assert_eq!(sum(output), Summary::default());
    }
}
