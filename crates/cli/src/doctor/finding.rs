//! What a check found.

use prove_token::ErrorKind;

use crate::printable::printable;

/// The longest text of a finding, in characters: part of it may be a server's.
const LONGEST: usize = 400;

/// One thing that is looked at. The id is for machines, and never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) id: &'static str,
    pub(crate) subject: &'static str,
}

impl Check {
    pub(super) const fn new(id: &'static str, subject: &'static str) -> Self {
        Self { id, subject }
    }

    pub(super) fn good(self, sentence: impl AsRef<str>) -> Finding {
        Finding::new(self, Status::Good, sentence.as_ref())
    }

    pub(super) fn warning(self, sentence: impl AsRef<str>) -> Finding {
        Finding::new(self, Status::Warning, sentence.as_ref())
    }

    pub(super) fn failed(self, kind: ErrorKind, sentence: impl AsRef<str>) -> Finding {
        Finding::new(self, Status::Failed(kind), sentence.as_ref())
    }

    /// It does not apply here: `why` says so.
    pub(super) fn idle(self, why: impl AsRef<str>) -> Finding {
        Finding::new(self, Status::NotTried, why.as_ref())
    }

    /// It could not be tried, for something before it failed or was left out.
    pub(super) fn not_tried(self, why: impl AsRef<str>) -> Finding {
        self.idle(format!("not tried: {}", why.as_ref()))
    }
}

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Good,
    /// It works, and may not for long, or not as meant.
    Warning,
    /// It does not work; a command would fail like this.
    Failed(ErrorKind),
    /// Nothing is known, or it does not apply.
    NotTried,
}

impl Status {
    /// For machines.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Failed(_) => "failed",
            Self::NotTried => "not_tried",
        }
    }
}

/// One line of the report, and what to do below it.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) check: Check,
    pub(crate) status: Status,
    pub(crate) sentence: String,
    pub(crate) remedy: Option<String>,
}

impl Finding {
    fn new(check: Check, status: Status, sentence: &str) -> Self {
        Self {
            check,
            status,
            sentence: line(sentence),
            remedy: None,
        }
    }

    /// Says what to do.
    pub(super) fn remedy(mut self, remedy: impl AsRef<str>) -> Self {
        self.remedy = Some(line(remedy.as_ref()));
        self
    }

    /// The same, if there is something to say.
    pub(super) fn maybe_remedy(self, remedy: Option<impl AsRef<str>>) -> Self {
        match remedy {
            Some(remedy) => self.remedy(remedy),
            None => self,
        }
    }
}

/// Names of certificates, words of servers: nothing of it may move the cursor, begin a
/// line or fill the screen.
fn line(text: &str) -> String {
    let text = printable(text).replace(['\n', '\t'], " ");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} [cut off]", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_words_stay_on_their_line() {
        let finding = Check::new("x", "x").good(format!("a\nb\u{1b}[2J{}", "c".repeat(500)));
        assert!(finding.sentence.starts_with("a b\\u001b[2Jccc"));
        assert!(finding.sentence.ends_with("c [cut off]"));
        assert!(finding.sentence.chars().count() < 420);
    }
}
