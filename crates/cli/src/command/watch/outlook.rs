//! How things stand, told once for each change: an outage of an hour is not two hundred
//! lines.

use std::sync::Arc;
use std::time::Duration;

use prove_token::{Error, ErrorKind};

use crate::console::Console;
use crate::failure::Failure;
use crate::times::brief;

/// A renewal that failed while the token lives.
#[derive(Debug)]
pub(super) struct Setback {
    pub(super) error: Error,
    /// How long the token will be handed out.
    pub(super) valid_for: Duration,
    pub(super) retry_in: Duration,
}

/// What was last told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Told {
    #[default]
    Well,
    /// The token lives, and cannot be renewed.
    Late(ErrorKind),
    /// There is no token.
    Without(ErrorKind),
}

#[derive(Debug)]
pub(super) struct Outlook {
    told: Told,
    /// Whether a file could not be written.
    is_stuck: bool,
    console: Arc<Console>,
}

impl Outlook {
    pub(super) fn new(console: Arc<Console>) -> Self {
        Self {
            told: Told::default(),
            is_stuck: false,
            console,
        }
    }

    /// There is a new token.
    pub(super) fn is_well(&mut self) {
        self.told = Told::Well;
    }

    /// Returns the words, if they are new.
    pub(super) fn is_late(&mut self, setback: &Setback) -> Option<String> {
        let Setback { error, .. } = setback;
        if !self.is_news(Told::Late(error.kind())) {
            return None;
        }
        // Whatever the pause is, the end of the token is a reason to try.
        let wait = brief(setback.retry_in.min(setback.valid_for));
        let left = brief(setback.valid_for);
        let words = format!(
            "the token could not be renewed: {error}; it lives {left} more, and the next try is \
             in {wait}"
        );
        self.console.notice(&words);
        if let Some(hint) = error.hint() {
            self.console.notice(&format!("hint: {hint}"));
        }
        Some(words)
    }

    /// Returns the words, if they are new.
    pub(super) fn is_without(&mut self, error: &Error) -> Option<String> {
        if !self.is_news(Told::Without(error.kind())) {
            return None;
        }
        let next = match error.retry_after() {
            Some(wait) => format!("; the next try is in {}", brief(wait)),
            None => String::new(),
        };
        let words = format!("there is no token: {error}{next}");
        let failure = Failure::new(error.kind(), words.clone());
        let failure = error.hint().into_iter().fold(failure, Failure::hint);
        self.console.failure(&failure, false);
        Some(words)
    }

    pub(super) fn cannot_write(&mut self, failure: &Failure) {
        if !std::mem::replace(&mut self.is_stuck, true) {
            self.console.failure(failure, false);
        }
    }

    pub(super) fn can_write(&mut self) {
        self.is_stuck = false;
    }

    fn is_news(&mut self, told: Told) -> bool {
        std::mem::replace(&mut self.told, told) != told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_told_once() {
        let mut outlook = Outlook::new(Arc::default());
        let setback = |kind| Setback {
            error: Error::new(kind, "x"),
            valid_for: Duration::from_secs(60),
            retry_in: Duration::from_secs(5),
        };
        let (out, slow) = (ErrorKind::Unavailable, ErrorKind::Timeout);
        let words = outlook.is_late(&setback(out)).unwrap();
        assert!(
            words.contains("lives 1m more") && words.contains("in 5s"),
            "{words}"
        );
        assert!(outlook.is_late(&setback(out)).is_none());
        assert!(outlook.is_late(&setback(slow)).is_some());
        assert!(outlook.is_without(&Error::new(slow, "x")).is_some());
        assert!(outlook.is_without(&Error::new(slow, "x")).is_none());
        outlook.is_well();
        assert!(outlook.is_late(&setback(slow)).is_some());
    }
}
