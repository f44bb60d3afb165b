//! What is wrong with a configuration, all of it at once.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use prove_token::ErrorKind;

use crate::place::{Place, printable};

/// Why there is no usable configuration: one word wide and cheap to clone.
///
/// A file is checked to its end, so that one run shows every problem. `Display`
/// is one line: the problem itself if it is the only one, else their number.
/// No text of it holds a secret, nor any value of the file that might be one.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: Option<Arc<Path>>,
    problems: Vec<Problem>,
}

/// One thing that is wrong, where, and what to do about it.
///
/// `Display` is one line without the hint: `place: key: message`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Where it stands. `None` for flags, environment variables, and what is
    /// missing from every place.
    pub place: Option<Place>,
    /// The dotted path of the key, such as `profiles.acme.scope`.
    pub key: Option<String>,
    /// What is wrong: lower case, without a full stop.
    pub message: String,
    /// One plain sentence on what to do.
    pub hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            place: None,
            key: None,
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    pub(crate) fn with_place(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl Error {
    /// A configuration error of these problems, which are of `file` if it is given.
    pub(crate) fn configuration(file: Option<&Arc<Path>>, problems: Vec<Problem>) -> Self {
        debug_assert!(!problems.is_empty(), "an error has a problem");
        Self(Arc::new(Inner {
            file: file.cloned(),
            problems,
        }))
    }

    /// Always `Configuration`. A secret that cannot be read shows later, as an
    /// error of the core, when a token is requested.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Configuration
    }

    /// Every problem, in the order of the file; at least one.
    pub fn problems(&self) -> &[Problem] {
        &self.0.problems
    }

    /// The configuration file that was read, if the problems are in one.
    pub fn file(&self) -> Option<&Path> {
        self.0.file.as_deref()
    }

    /// What to do, if there is a single problem; several have a hint each.
    pub fn hint(&self) -> Option<&str> {
        match self.problems() {
            [problem] => problem.hint.as_deref(),
            _ => None,
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        let file = problem.place.as_ref().map(|place| Arc::clone(&place.file));
        Self::configuration(file.as_ref(), vec![problem])
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.problems(), &self.0.file) {
            ([problem], _) => problem.fmt(f),
            (problems, Some(file)) => {
                write!(f, "{} problems in {}", problems.len(), printable(file))
            }
            (problems, None) => write!(f, "{} problems in the settings", problems.len()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("file", &self.0.file)
            .field("problems", &self.0.problems)
            .finish()
    }
}

impl std::error::Error for Error {}

/// For front ends that show every error alike. The hint is the only problem's,
/// or the first problem in full where there are several.
impl From<Error> for prove_token::Error {
    fn from(error: Error) -> Self {
        let converted = Self::new(error.kind(), error.to_string());
        let hint = match error.problems() {
            [problem] => problem.hint.clone(),
            problems => problems
                .first()
                .map(|problem| format!("the first one: {problem}")),
        };
        match hint {
            Some(hint) => converted.with_hint(hint),
            None => converted,
        }
        .with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(line: usize) -> Problem {
        let place = Place {
            file: Path::new("/c.toml").into(),
            line,
            column: 3,
        };
        Problem::new("is wrong")
            .with_key("a.b")
            .with_place(Some(place))
            .with_hint("put it right")
    }

    #[test]
    fn one_word_wide_and_shareable() {
        fn shareable<T: Send + Sync + Clone + 'static>() {}
        shareable::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn display_is_one_line() {
        let one = Error::from(problem(2));
        assert_eq!(one.to_string(), "/c.toml:2:3: a.b: is wrong");
        assert_eq!(one.hint(), Some("put it right"));
        let file: Arc<Path> = Path::new("/c.toml").into();
        let two = Error::configuration(Some(&file), vec![problem(2), problem(4)]);
        assert_eq!(two.to_string(), "2 problems in /c.toml");
        assert_eq!(two.hint(), None);
        assert_eq!(two.file(), Some(Path::new("/c.toml")));
    }

    #[test]
    fn the_core_error_keeps_text_and_hint() {
        let core = prove_token::Error::from(Error::from(problem(2)));
        assert_eq!(core.kind(), ErrorKind::Configuration);
        assert_eq!(core.to_string(), "/c.toml:2:3: a.b: is wrong");
        assert_eq!(core.hint(), Some("put it right"));
        let several = Error::configuration(None, vec![problem(2), problem(4)]);
        assert_eq!(
            prove_token::Error::from(several).hint(),
            Some("the first one: /c.toml:2:3: a.b: is wrong")
        );
    }
}
