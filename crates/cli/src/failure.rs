//! How a command fails: what it says, and its exit code.

use std::time::Duration;

use prove_token::{Error, ErrorKind};
use prove_token_config::{Config, Env, Outcome, Problem};
use serde_json::{Value, json};

use crate::printable::printable;
use crate::times;

/// By which other programs are told of a proxy; here they have no effect.
pub(crate) const PROXY_VARIABLES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "HTTP_PROXY",
    "http_proxy",
];

/// An error on its way to the terminal.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: ErrorKind,
    exit_code: u8,
    message: String,
    hints: Vec<String>,
    /// There is nothing to say.
    is_silent: bool,
    /// For machines only.
    facts: Facts,
}

#[derive(Debug, Default)]
struct Facts {
    http_status: Option<u16>,
    retryable: bool,
    retry_after: Option<Duration>,
    /// Each problem of a configuration on its own.
    problems: Vec<Value>,
}

impl Failure {
    /// A failure of `kind`, whose exit code is that of the table.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            exit_code: Outcome::of(kind).exit_code,
            message: message.into(),
            hints: Vec::new(),
            is_silent: false,
            facts: Facts::default(),
        }
    }

    /// Wrong usage that the parser cannot see: exit code 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            exit_code: 2,
            ..Self::new(ErrorKind::Configuration, message)
        }
    }

    /// A signal asked the command to end: exit code 128 and its number, as shells
    /// have it.
    pub(crate) fn interrupted(signal: u8) -> Self {
        Self {
            exit_code: 128 | signal,
            ..Self::new(ErrorKind::Internal, "interrupted")
        }
    }

    /// The limit of `--timeout` passed.
    pub(crate) fn timed_out(limit: Duration) -> Self {
        let limit = humantime::format_duration(limit);
        Self::new(ErrorKind::Timeout, format!("no result within {limit}"))
            .hint("raise --timeout; --verbose shows where the time goes")
    }

    /// The end of another program or of the service, whose exit code becomes ours. It has
    /// said what it had to say.
    pub(crate) fn already_told(exit_code: u8) -> Self {
        Self {
            exit_code,
            is_silent: true,
            ..Self::new(ErrorKind::Internal, "what was run failed")
        }
    }

    /// The same failure with another exit code.
    pub(crate) fn with_exit_code(self, exit_code: u8) -> Self {
        Self { exit_code, ..self }
    }

    /// Adds a sentence on what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Where connecting failed and a proxy variable is set, its owner expects it
    /// to be used, which it never is: it would see plain requests.
    pub(crate) fn mind_proxies(self, env: &Env) -> Self {
        let is_set = |name: &&str| env.var_os(name).is_some_and(|value| !value.is_empty());
        let connecting = matches!(self.kind, ErrorKind::Connect | ErrorKind::Timeout);
        match PROXY_VARIABLES.into_iter().find(is_set) {
            Some(name) if connecting => self.hint(format!(
                "{name} is set, but proxy variables are never used: give --proxy, or proxy in the profile"
            )),
            _ => self,
        }
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether a signal asked the command to end.
    pub(crate) fn is_interruption(&self) -> bool {
        self.exit_code > 128
    }

    pub(crate) fn exit_code(&self) -> u8 {
        self.exit_code
    }

    /// Whether there is nothing to say but the exit code.
    pub(crate) fn is_silent(&self) -> bool {
        self.is_silent
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn hints(&self) -> &[String] {
        &self.hints
    }

    /// One object, for `-o json`.
    pub(crate) fn to_json(&self) -> Value {
        let kind = match self.exit_code {
            2 => "usage",
            129.. => "interrupted",
            _ => self.kind.as_str(),
        };
        let mut object = json!({
            "error": kind,
            "message": self.message,
            "exit_code": self.exit_code,
            "retryable": self.facts.retryable,
        });
        if !self.hints.is_empty() {
            object["hint"] = json!(self.hints.join("; "));
        }
        if let Some(status) = self.facts.http_status {
            object["http_status"] = json!(status);
        }
        if let Some(wait) = self.facts.retry_after {
            object["retry_after"] = json!(wait.as_secs());
        }
        if !self.facts.problems.is_empty() {
            object["problems"] = json!(self.facts.problems);
        }
        object
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut failure = Self::new(error.kind(), error.to_string());
        failure.hints.extend(error.hint().map(str::to_owned));
        failure.facts.http_status = error.http_status();
        failure.facts.retryable = error.is_retryable();
        failure.facts.retry_after = error.retry_after();
        if let Some(wait) = error.retry_after().filter(|wait| !wait.is_zero()) {
            let wait = times::brief(wait);
            failure
                .hints
                .push(format!("wait {wait} before the next try"));
        }
        failure
    }
}

#[cfg(unix)]
impl From<prove_token_service::Failure> for Failure {
    fn from(error: prove_token_service::Failure) -> Self {
        let mut failure = Self::new(error.kind(), error.message());
        failure.hints.extend(error.hint_text().map(str::to_owned));
        failure
    }
}

impl From<prove_token_config::Error> for Failure {
    fn from(error: prove_token_config::Error) -> Self {
        Self::of_problems(error.kind(), error.to_string(), error.problems())
    }
}

impl Failure {
    /// The failure of a file whose profiles were listed all the same, if it has
    /// problems.
    pub(crate) fn of_file(config: &Config) -> Option<Self> {
        let summary = match config.problems() {
            [] => return None,
            [problem] => problem.to_string(),
            many => {
                let path = printable(&config.path().to_string_lossy());
                format!("{} problems in {path}", many.len())
            }
        };
        let kind = ErrorKind::Configuration;
        Some(Self::of_problems(kind, summary, config.problems()))
    }

    /// `summary`, and each problem below it if there are several.
    fn of_problems(kind: ErrorKind, summary: String, problems: &[Problem]) -> Self {
        let mut failure = Self::new(kind, summary);
        match problems {
            [problem] => failure.hints.extend(problem.hint.clone()),
            several => {
                for problem in several {
                    failure.message.push_str(&format!("\n  {problem}"));
                    if let Some(hint) = &problem.hint {
                        failure.message.push_str(&format!(" ({hint})"));
                    }
                }
            }
        }
        failure.facts.problems = problems
            .iter()
            .map(|problem| {
                json!({
                    "place": problem.place.as_ref().map(ToString::to_string),
                    "key": problem.key,
                    "message": problem.message,
                    "hint": problem.hint,
                })
            })
            .collect();
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_that_of_the_table() {
        for kind in ErrorKind::ALL {
            let failure = Failure::from(Error::new(kind, "x"));
            assert_eq!(failure.exit_code(), Outcome::of(kind).exit_code);
            assert_eq!(failure.to_json()["error"], kind.as_str());
        }
        assert_eq!(Failure::usage("x").exit_code(), 2);
        assert_eq!(Failure::usage("x").to_json()["error"], "usage");
        assert_eq!(Failure::interrupted(15).exit_code(), 143);
        assert_eq!(Failure::interrupted(2).to_json()["error"], "interrupted");
    }

    #[test]
    fn a_proxy_variable_is_named_where_connecting_failed() {
        let env: Env = [("https_proxy", "http://canary@proxy")]
            .into_iter()
            .collect();
        let hints = |kind| Failure::new(kind, "x").mind_proxies(&env).hints().join("");
        assert!(hints(ErrorKind::Connect).contains("https_proxy is set"));
        assert!(!hints(ErrorKind::Connect).contains("canary"));
        assert_eq!(hints(ErrorKind::Protocol), "");
        let empty: Env = [("HTTPS_PROXY", "")].into_iter().collect();
        let failure = Failure::new(ErrorKind::Connect, "x").mind_proxies(&empty);
        assert!(failure.hints().is_empty(), "an empty variable is no proxy");
    }
}
