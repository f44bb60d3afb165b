//! The one table from an error's kind to what each front end makes of it.

use prove_token::ErrorKind;

/// What an [`ErrorKind`] is at the edges of the product: the exit code of the
/// command, the status of the service, the exception in Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The exit code of `prove-token`. (0 is success, 2 a usage error.)
    pub exit_code: u8,
    /// The status of the service's answer. [`ErrorKind::RateLimited`] comes with
    /// a `Retry-After` header.
    pub http_status: u16,
    /// The exception class in the Python package, below `ProveTokenError`.
    pub python_exception: &'static str,
    /// What it means, in words that follow a colon; code is in backquotes.
    pub meaning: &'static str,
}

impl Outcome {
    /// The outcome of an error of `kind`.
    pub fn of(kind: ErrorKind) -> Self {
        let (exit_code, http_status, python_exception) = match kind {
            ErrorKind::Configuration => (3, 500, "ConfigurationError"),
            ErrorKind::SecretSource => (5, 503, "SecretSourceError"),
            ErrorKind::CredentialsRejected => (4, 502, "RejectedError"),
            ErrorKind::RequestRejected => (6, 502, "RejectedError"),
            ErrorKind::Connect | ErrorKind::Unavailable => (7, 503, "UnavailableError"),
            ErrorKind::Timeout => (7, 504, "TimeoutError"),
            ErrorKind::RateLimited => (8, 503, "RateLimitedError"),
            ErrorKind::Protocol => (9, 502, "ProtocolError"),
            ErrorKind::Expired => (10, 503, "ExpiredError"),
            ErrorKind::Internal => (1, 500, "ProveTokenError"),
        };
        Self {
            exit_code,
            http_status,
            python_exception,
            meaning: meaning(kind),
        }
    }
}

fn meaning(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Configuration => "a setting is missing, malformed or contradicts another one",
        ErrorKind::SecretSource => "the client secret could not be read from where it is kept",
        ErrorKind::CredentialsRejected => "`invalid_client`, `unauthorized_client`, status 401",
        ErrorKind::RequestRejected => {
            "`invalid_scope`, `invalid_request`, status 403 and the other 4xx"
        }
        ErrorKind::Connect => "no connection: name resolution, TCP or TLS failed",
        ErrorKind::Unavailable => "the authorization server cannot answer now",
        ErrorKind::Timeout => "no complete answer in time",
        ErrorKind::RateLimited => "too many requests",
        ErrorKind::Protocol => "the answer is not what RFC 6749 §5 describes",
        ErrorKind::Expired => "no usable token within the caller's limits",
        ErrorKind::Internal => "a defect of the library, or of the machine",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The rows of the section "Errors" of `crates/README.md`:
    /// kind → meaning, exit code, status, exception.
    fn documented() -> BTreeMap<String, [String; 4]> {
        include_str!("../../README.md")
            .lines()
            .skip_while(|line| *line != "## Errors")
            .skip(1)
            .take_while(|line| !line.starts_with("## "))
            .filter_map(|line| line.strip_prefix("| `"))
            .map(|row| {
                let cells: Vec<&str> = row.trim_end_matches('|').split('|').collect();
                let cell = |index: usize| cells[index].trim().to_owned();
                let code = |index: usize| cell(index).trim_matches('`').to_owned();
                (code(0), [cell(1), cell(2), cell(3), code(4)])
            })
            .collect()
    }

    #[test]
    fn code_and_documentation_hold_the_same_table() {
        let expected: BTreeMap<_, _> = ErrorKind::ALL
            .into_iter()
            .map(|kind| {
                let outcome = Outcome::of(kind);
                let status = match kind {
                    ErrorKind::RateLimited => format!("{} + Retry-After", outcome.http_status),
                    _ => outcome.http_status.to_string(),
                };
                (
                    kind.as_str().to_owned(),
                    [
                        outcome.meaning.to_owned(),
                        outcome.exit_code.to_string(),
                        status,
                        outcome.python_exception.to_owned(),
                    ],
                )
            })
            .collect();
        assert_eq!(documented(), expected);
    }

    #[test]
    fn success_and_usage_keep_their_codes() {
        for kind in ErrorKind::ALL {
            assert!(![0, 2].contains(&Outcome::of(kind).exit_code), "{kind:?}");
        }
    }
}
