//! What an API says before its answer: interim heads (RFC 9110 §15.2), which hyper reads
//! past without a look at anything else for as long as they come.

use std::error::Error;
use std::fmt;

/// Interim heads of one request together, in bytes: as many as the head of an answer may
/// have.
const LONGEST: usize = 64 * 1024;

/// How the line of an interim head begins, but for its minor version.
const START: &[u8] = b"HTTP/1._ 1";

/// Counts what comes before the head of an answer. It need not know where an answer ends:
/// what comes next follows a request, and what is no interim head is not looked at.
#[derive(Debug)]
pub(super) struct Foreword {
    part: Part,
    length: usize,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    /// So many bytes of the start of a head, or empty lines before it.
    Start(usize),
    /// An interim head, and whether nothing of its next line came yet.
    Interim { is_line_empty: bool },
    /// The answer.
    Over,
}

/// An API said too much before its answer.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct TooLong;

impl Foreword {
    /// From the beginning of a connection.
    pub(super) fn new() -> Self {
        Self {
            part: Part::Start(0),
            length: 0,
        }
    }

    /// Something was sent: if the last answer had begun, another one may follow.
    pub(super) fn sent(&mut self) {
        if matches!(self.part, Part::Over) {
            *self = Self::new();
        }
    }

    /// Takes note of what came.
    pub(super) fn came(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        for byte in bytes {
            self.part = match self.part {
                Part::Start(0) if matches!(byte, b'\r' | b'\n') => Part::Start(0),
                Part::Start(at) if START[at] != *byte && START[at] != b'_' => Part::Over,
                Part::Start(at) if at + 1 < START.len() => Part::Start(at + 1),
                Part::Start(_) => Part::Interim {
                    is_line_empty: false,
                },
                Part::Interim { is_line_empty } => match byte {
                    b'\n' if is_line_empty => Part::Start(0),
                    b'\r' => self.part,
                    _ => Part::Interim {
                        is_line_empty: *byte == b'\n',
                    },
                },
                Part::Over => return Ok(()),
            };
            self.length += 1;
        }
        let is_over = matches!(self.part, Part::Over);
        match self.length > LONGEST && !is_over {
            true => Err(TooLong),
            false => Ok(()),
        }
    }
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too much before an answer")
    }
}

impl Error for TooLong {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `text` is too much, however it is cut.
    fn is_too_long(foreword: &mut Foreword, text: &[u8]) -> bool {
        text.chunks(7).any(|bytes| foreword.came(bytes).is_err())
    }

    #[test]
    fn interim_heads_are_counted_and_answers_are_not() {
        let long = LONGEST + 100;
        for (is_counted, start, again) in [
            (true, "", "HTTP/1.1 100 Continue\r\n\r\n"),
            (true, "", "HTTP/1.0 103 \nLink: <x>\n\n"),
            (true, "\r\n\n", "HTTP/1.1 199 x\r\n\r\n\r\n"),
            (true, "HTTP/1.1 100 x\r\n", "x: y\r\n"),
            (true, "", "\r\n"),
            (false, "HTTP/1.1 200 OK\r\n", "x: y\r\n"),
            (
                false,
                "HTTP/1.1 100 x\r\n\r\nHTTP/1.1 200 x\r\n\r\n",
                "HTTP/1.1 100 x\r\n\r\n",
            ),
            (false, "", "HTTP/2"),
        ] {
            let text = start.to_owned() + &again.repeat(long / again.len() + 1);
            let mut foreword = Foreword::new();
            let is_long = is_too_long(&mut foreword, text.as_bytes());
            assert_eq!(is_long, is_counted, "{start}{again}");
        }
    }

    #[test]
    fn each_request_has_its_own() {
        let interim = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(LONGEST / 28 - 1);
        let mut foreword = Foreword::new();
        for _ in 0..3 {
            foreword.sent();
            assert!(!is_too_long(&mut foreword, interim.as_bytes()));
            // A part of the body changes nothing.
            foreword.sent();
            assert!(!is_too_long(&mut foreword, b"HTTP/1.1 200 OK\r\n\r\n"));
        }
        foreword.sent();
        assert!(!is_too_long(&mut foreword, interim.as_bytes()));
        foreword.sent();
        assert!(is_too_long(&mut foreword, interim.as_bytes()));
    }
}
