use std::sync::{Arc, Mutex};

use super::*;

/// Keeps what is written.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is written while `act` runs.
fn written(format: LogFormat, level: Level, act: impl FnOnce()) -> String {
    let paper = Paper::default();
    let log = Log {
        format,
        level,
        is_timed: true,
        has_colour: false,
    };
    let writer = paper.clone();
    tracing::subscriber::with_default(log.subscriber(move || writer.clone()), act);
    String::from_utf8(paper.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn libraries_are_not_heard_at_any_level() {
    let text = written(LogFormat::Text, Level::TRACE, || {
        tracing::trace!(target: "hyper::proto::h1", "authorization: canary");
        tracing::error!(target: "reqwest", "canary");
        tracing::trace!(target: "rustls", "canary");
        tracing::trace!("ours");
    });
    assert!(text.contains("ours"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn a_line_of_json_is_an_object() {
    let text = written(LogFormat::Json, Level::INFO, || {
        tracing::info!(profile = "a\nb", "renewed");
        tracing::debug!("not at this level");
    });
    assert_eq!(text.lines().count(), 1, "{text}");
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["message"], "renewed");
    assert_eq!(line["profile"], "a\nb");
    assert_eq!(line["level"], "INFO");
}

#[test]
fn a_panic_has_a_place_and_no_words() {
    let text = written(LogFormat::Text, Level::INFO, || {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(note_panic));
        let caught = std::panic::catch_unwind(|| panic!("canary"));
        std::panic::set_hook(before);
        assert!(caught.is_err());
    });
    assert!(text.contains("log/tests.rs:"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}
