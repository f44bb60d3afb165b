//! A sign of life while a server lets us wait.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use prove_token::{Clock as _, SystemClock};

use crate::console::Console;
use crate::times;

/// What takes less is not worth a word.
const PATIENCE: Duration = Duration::from_millis(300);

/// How often the line moves.
const BEAT: Duration = Duration::from_millis(100);

/// The longest name of what is waited for, so that the line fits the narrowest terminal.
const LONGEST: usize = 50;

/// How the line is drawn.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) console: Arc<Console>,
    /// Whether characters beyond ASCII may be drawn.
    pub(crate) unicode: bool,
    /// What is waited for.
    pub(crate) waits_for: RefCell<String>,
}

impl Progress {
    /// The output of `work`; after a moment, and until it is there, a line says what is
    /// waited for and for how long.
    pub(crate) async fn beside<T>(&self, work: impl Future<Output = T>) -> T {
        let _wiped_at_the_end = Line(&self.console);
        let mut work = pin!(work);
        let started = SystemClock.now().boot;
        let mut pause = PATIENCE;
        for beat in 0_usize.. {
            if let Ok(output) = tokio::time::timeout(pause, work.as_mut()).await {
                return output;
            }
            let waited = SystemClock.now().boot.saturating_sub(started);
            self.console.progress(Some(&self.line(beat, waited)));
            pause = BEAT;
        }
        work.await
    }

    fn line(&self, beat: usize, waited: Duration) -> String {
        let signs = match self.unicode {
            true => ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'].as_slice(),
            false => ['|', '/', '-', '\\'].as_slice(),
        };
        let sign = signs[beat % signs.len()];
        let name: String = self.waits_for.borrow().chars().take(LONGEST).collect();
        let dots = if self.unicode { "…" } else { "..." };
        match Duration::from_secs(waited.as_secs()) {
            Duration::ZERO => format!("{sign} waiting for {name} {dots}"),
            waited => format!("{sign} waiting for {name} {dots} {}", times::brief(waited)),
        }
    }
}

/// Takes the line back, however the wait ends.
struct Line<'a>(&'a Console);

impl Drop for Line<'_> {
    fn drop(&mut self) {
        self.0.progress(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_fits_and_says_how_long() {
        let mut progress = Progress {
            console: Arc::default(),
            unicode: false,
            waits_for: RefCell::new("https://api.example.com".to_owned()),
        };
        assert_eq!(
            progress.line(1, Duration::from_millis(400)),
            "/ waiting for https://api.example.com ..."
        );
        progress.unicode = true;
        assert_eq!(
            progress.line(10, Duration::from_millis(65_300)),
            "⠋ waiting for https://api.example.com … 1m 5s"
        );
        progress.waits_for.replace("x".repeat(200));
        assert!(progress.line(0, Duration::from_secs(3599)).chars().count() < 80);
    }
}
