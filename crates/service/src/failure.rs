//! Why the service does not start, or ended.

use prove_token::ErrorKind;
use prove_token_config::Outcome;

/// One clear line, a hint, and an exit code.
#[derive(Debug)]
pub struct Failure {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Which kind it is of.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The exit code of the command, by the one table.
    pub fn exit_code(&self) -> u8 {
        Outcome::of(self.kind).exit_code
    }

    /// What happened; it holds no secret.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl From<prove_token::Error> for Failure {
    fn from(error: prove_token::Error) -> Self {
        let mut failure = Self::new(error.kind(), error.to_string());
        failure.hint = error.hint().map(str::to_owned);
        failure
    }
}

impl From<prove_token_config::Error> for Failure {
    fn from(error: prove_token_config::Error) -> Self {
        let mut failure = Self::new(error.kind(), error.to_string());
        match error.problems() {
            [problem] => failure.hint = problem.hint.clone(),
            several => {
                for problem in several {
                    failure.message.push_str(&format!("\n  {problem}"));
                }
            }
        }
        failure
    }
}
