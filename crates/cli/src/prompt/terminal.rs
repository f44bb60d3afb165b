//! The terminal's settings, given back whatever ends a question.

/// How the terminal was; it is so again when this goes out of scope.
#[cfg(unix)]
pub(super) struct Terminal(Option<rustix::termios::Termios>);

#[cfg(unix)]
impl Terminal {
    /// Of standard input.
    pub(super) fn remember() -> Self {
        Self(rustix::termios::tcgetattr(std::io::stdin()).ok())
    }
}

#[cfg(unix)]
impl Drop for Terminal {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Some(settings) = &self.0 {
            // Whoever hung up has no terminal any more.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, settings);
        }
    }
}

/// The console's settings are not changed there while a signal can end the question.
#[cfg(not(unix))]
pub(super) struct Terminal;

#[cfg(not(unix))]
impl Terminal {
    pub(super) fn remember() -> Self {
        Self
    }
}
