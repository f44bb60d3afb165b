//! What happens to the service itself, told to whoever logs and counts.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use crate::failure::Failure;

/// Something that happened to the service, as opposed to one request. `Display` is one
/// line for a log; it holds no secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<'n> {
    /// A new configuration is in use, or one that came to the same.
    #[non_exhaustive]
    Reloaded {
        /// What is different, in words; empty if nothing is.
        changes: &'n [String],
        /// What is served from now on, in a few words.
        status: &'n str,
    },
    /// A new configuration was refused; the old one goes on.
    #[non_exhaustive]
    ReloadFailed {
        /// What is wrong with it.
        failure: &'n Failure,
    },
    /// Something about the configuration has no effect, or less than was meant.
    #[non_exhaustive]
    Ineffective {
        /// What, and what to do.
        what: &'n str,
    },
    /// Changes of files are found by looking every few seconds alone.
    #[non_exhaustive]
    NotWatching {
        /// Why.
        problem: &'n str,
    },
    /// A sink holds a new token.
    #[non_exhaustive]
    SinkWritten {
        /// Of which profile.
        profile: &'n str,
        /// The file.
        path: &'n str,
    },
    /// A sink could not be written; it is tried again.
    #[non_exhaustive]
    SinkFailed {
        /// Of which profile.
        profile: &'n str,
        /// The file.
        path: &'n str,
        /// Why.
        problem: &'n str,
    },
}

impl Notice<'_> {
    /// Whether somebody has to do something.
    pub fn is_problem(&self) -> bool {
        !matches!(self, Self::Reloaded { .. } | Self::SinkWritten { .. })
    }
}

impl fmt::Display for Notice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reloaded { changes: [], .. } => f.write_str("reloaded: nothing is different"),
            Self::Reloaded { changes, .. } => write!(f, "reloaded: {}", changes.join(", ")),
            Self::ReloadFailed { failure } => {
                let message = failure.message().replace('\n', ";");
                write!(f, "not reloaded, the old configuration goes on: {message}")?;
                match failure.hint_text() {
                    Some(hint) => write!(f, " (hint: {hint})"),
                    None => Ok(()),
                }
            }
            Self::Ineffective { what } => f.write_str(what),
            Self::NotWatching { problem } => write!(
                f,
                "files are not watched, and looked at every few seconds instead: {problem}"
            ),
            Self::SinkWritten { profile, path } => {
                write!(f, "the token of {profile} is in {path}")
            }
            Self::SinkFailed {
                profile,
                path,
                problem,
            } => write!(
                f,
                "the token of {profile} cannot be put into {path}: {problem}"
            ),
        }
    }
}

/// Who is told. It must not block for long. A panic in it is contained.
#[derive(Clone)]
pub(crate) struct Observer(Arc<dyn Fn(&Notice<'_>) + Send + Sync>);

impl Observer {
    pub(crate) fn new(observe: impl Fn(&Notice<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observe))
    }

    pub(crate) fn tell(&self, notice: &Notice<'_>) {
        let observe = AssertUnwindSafe(|| (self.0)(notice));
        // A defect of the observer must not end what it observes.
        let _ = std::panic::catch_unwind(observe);
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
