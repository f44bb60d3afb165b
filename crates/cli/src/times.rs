//! Times in words and in RFC 3339.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// A duration in its two largest units: `59m 20s`, `12ms`.
pub(crate) fn brief(duration: Duration) -> String {
    let rounded = match duration {
        long if long >= Duration::from_secs(1) => Duration::from_secs(long.as_secs()),
        short if short >= Duration::from_millis(1) => {
            Duration::from_millis(u64::try_from(short.as_millis()).unwrap_or(u64::MAX))
        }
        tiny => Duration::from_micros(u64::try_from(tiny.as_micros()).unwrap_or(u64::MAX)),
    };
    let words = humantime::format_duration(rounded).to_string();
    let mut largest: Vec<_> = words.split(' ').take(2).collect();
    if largest.is_empty() {
        largest.push("0s");
    }
    largest.join(" ")
}

/// Seconds since 1970, as JSON has them.
pub(crate) fn epoch(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// `2026-11-23T20:39:00Z`, or nothing for a time that no calendar reaches.
pub(crate) fn rfc3339(epoch: i64) -> Option<String> {
    Timestamp::from_second(epoch)
        .ok()
        .map(|time| time.to_string())
}

/// `in 59m 20s`, `12s ago` or `now`.
pub(crate) fn relative(epoch: i64, now: i64) -> String {
    let distance = Duration::from_secs(epoch.abs_diff(now));
    match epoch.cmp(&now) {
        std::cmp::Ordering::Less => format!("{} ago", brief(distance)),
        std::cmp::Ordering::Equal => "now".to_owned(),
        std::cmp::Ordering::Greater => format!("in {}", brief(distance)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_units_are_enough() {
        for (milliseconds, words) in [
            (0, "0s"),
            (12, "12ms"),
            (1_999, "1s"),
            (3_560_000, "59m 20s"),
            (90_061_000, "1day 1h"),
        ] {
            assert_eq!(brief(Duration::from_millis(milliseconds)), words);
        }
    }

    #[test]
    fn before_and_after() {
        assert_eq!(relative(100, 40), "in 1m");
        assert_eq!(relative(40, 100), "1m ago");
        assert_eq!(relative(40, 40), "now");
        assert_eq!(rfc3339(1_700_000_000).unwrap(), "2023-11-14T22:13:20Z");
        assert_eq!(rfc3339(i64::MAX), None);
    }
}
