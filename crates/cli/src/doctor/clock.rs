//! The machine's clock against the server's: the lives of tokens are counted by it.

use std::time::{Duration, SystemTime};

use prove_token::ErrorKind;

use super::finding::{Check, Finding};
use super::witness::Answer;
use crate::times::brief;

pub(super) const CLOCK: Check = Check::new("clock.skew", "clock");

/// More than this is worth a word.
const NOTABLE: Duration = Duration::from_secs(30);

/// More than this breaks things: signed requests, certificates, ends of tokens.
const TOO_MUCH: Duration = Duration::from_secs(5 * 60);

/// How far the clocks are apart at least. The server wrote its time, in whole seconds,
/// at some moment between the request and the answer: what that explains is no skew.
fn skew(answer: &Answer) -> Option<(Duration, &'static str)> {
    let date = answer.date?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let second = Duration::from_secs(1);
    let ahead = date.checked_sub(answer.received);
    let behind = answer.sent.checked_sub(date + second);
    Some(match (ahead, behind) {
        (Some(ahead), _) => (ahead, "behind"),
        (None, Some(behind)) => (behind, "ahead of"),
        (None, None) => (Duration::ZERO, "with"),
    })
}

/// What an answer tells; `None` if nothing was answered.
pub(super) fn examine(answer: Option<Answer>) -> Finding {
    let Some(answer) = answer else {
        return CLOCK.not_tried("no answer came that could tell the time");
    };
    let Some((apart, side)) = skew(&answer) else {
        return CLOCK.idle("the server's answer does not tell the time");
    };
    if apart < Duration::from_secs(1) {
        return CLOCK.good("as the server's");
    }
    let sentence = format!("this machine is {} {side} the server", brief(apart));
    if apart <= NOTABLE {
        return CLOCK.good(sentence);
    }
    let remedy =
        "set this machine's clock, by NTP: the ends of tokens and certificates are judged by it";
    match apart > TOO_MUCH {
        true => CLOCK.failed(ErrorKind::Configuration, sentence),
        false => CLOCK.warning(sentence),
    }
    .remedy(remedy)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Status;
    use super::*;

    /// A request at second 1000 that took so many seconds.
    fn told(date: u64, took: u64) -> Finding {
        examine(Some(Answer {
            date: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(date)),
            sent: Duration::from_secs(1000),
            received: Duration::from_secs(1000 + took),
        }))
    }

    #[test]
    fn the_round_trip_explains_what_it_can() {
        for (date, took) in [(1000, 0), (999, 0), (1007, 8), (1000, 8)] {
            assert_eq!(told(date, took).sentence, "as the server's", "{date}");
        }
        assert_eq!(
            told(1010, 8).sentence,
            "this machine is 2s behind the server"
        );
        assert_eq!(
            told(989, 8).sentence,
            "this machine is 10s ahead of the server"
        );
    }

    #[test]
    fn half_a_minute_is_notable_and_five_are_too_much() {
        let failed = Status::Failed(ErrorKind::Configuration);
        for (date, status) in [
            (1030, Status::Good),
            (1031, Status::Warning),
            (1300, Status::Warning),
            (1301, failed),
            (969, Status::Good),
            (968, Status::Warning),
            (698, failed),
        ] {
            assert_eq!(told(date, 0).status, status, "{date}");
        }
    }

    #[test]
    fn a_server_may_not_tell() {
        let answer = Answer {
            date: None,
            sent: Duration::ZERO,
            received: Duration::ZERO,
        };
        assert_eq!(examine(Some(answer)).status, Status::NotTried);
        assert_eq!(examine(None).status, Status::NotTried);
    }
}
