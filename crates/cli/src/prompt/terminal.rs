//! The terminal's settings, given back whatever ends a question.

#[cfg(unix)]
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// How the terminal was; it is so again when this goes out of scope.
#[cfg(unix)]
pub(super) struct Terminal(Option<Termios>);

#[cfg(unix)]
impl Terminal {
    /// Of standard input.
    pub(super) fn remember() -> Self {
        Self(tcgetattr(std::io::stdin()).ok())
    }

    /// As [`remember`](Self::remember), and what is typed from now on does not show: who
    /// pastes a secret may be faster than whoever reads it. Keys send no signals either:
    /// Ctrl-\ and Ctrl-Z would leave the terminal so, and Ctrl-C is read as what it is.
    pub(super) fn hide() -> Self {
        let terminal = Self::remember();
        if let Some(settings) = &terminal.0 {
            let mut hidden = settings.clone();
            hidden
                .local_modes
                .remove(LocalModes::ECHO | LocalModes::ISIG);
            // What reads the secret does it as well, and fails where it cannot.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &hidden);
        }
        terminal
    }
}

#[cfg(unix)]
impl Drop for Terminal {
    fn drop(&mut self) {
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

    pub(super) fn hide() -> Self {
        Self
    }
}
