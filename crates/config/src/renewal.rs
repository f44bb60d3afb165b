//! The numbers of `[profiles.NAME.renewal]`: when tokens are renewed, and what
//! happens when that fails.
//!
//! Their ranges are the core's: what it refuses is reported here with the key and
//! its place.

use std::time::Duration;

use prove_token::{Error, RenewalPolicy, RetryPolicy};

use crate::document::{Item, Report, Section};
use crate::duration::Timeouts;
use crate::error::Problem;
use crate::schema::{Key, Kind, Preset, Table};
use crate::setting::{Origin, Setting};

/// The units of the table below.
const fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const SECOND: Duration = secs(1);
const MINUTE: Duration = secs(60);
const HOUR: Duration = secs(3600);
const DAY: Duration = secs(24 * 3600);

/// The default of a number, as the table of keys has it.
macro_rules! preset {
    (u32, $default:expr) => {
        Preset::Number($default)
    };
    (Duration, $default:expr) => {
        Preset::Time($default)
    };
}

/// A row for each key: its type, its default, its range, the group of keys that are
/// checked together, and what it is for. The ranges are the core's, written down for
/// `config schema`; a test compares the two.
macro_rules! numbers {
    ($($key:ident: $kind:ident = $default:expr, $range:expr, $group:literal, $about:literal;)*) => {
        /// The keys of `[profiles.NAME.renewal]`.
        pub(crate) static TABLE: Table = Table::of(&[
            $(Key::new(stringify!($key), $range, $about).or(preset!($kind, $default)),)*
        ]);

        /// What one layer says about renewal; `None` is left to the layer below.
        #[derive(Clone, Debug, Default)]
        pub(crate) struct Renewal {
            $(pub(crate) $key: Option<Setting<$kind>>,)*
        }

        /// Every number, given or not.
        struct Numbers {
            $($key: $kind,)*
        }

        impl Renewal {
            /// Takes every key of the table. What is wrong is noted and left out.
            fn take(section: &mut Section<'_>, report: &mut Report<'_>) -> Self {
                Self {
                    $($key: number(section, stringify!($key), report),)*
                }
            }

            /// This layer on top of `below`.
            pub(crate) fn over(self, below: Self) -> Self {
                Self {
                    $($key: self.$key.or(below.$key),)*
                }
            }

            /// Every key with its value in words and where it came from.
            pub(crate) fn rows(&self) -> Vec<(&'static str, String, Origin)> {
                vec![$(row(stringify!($key), &self.$key, $default),)*]
            }

            /// Every key with another value than its default.
            #[cfg(test)]
            fn other() -> Self {
                Self {
                    $($key: Some(Setting::new($default / 2, Origin::Flag)),)*
                }
            }

            fn numbers(&self) -> Numbers {
                Numbers {
                    $($key: self.$key.as_ref().map_or($default, |setting| setting.value),)*
                }
            }

            /// The keys that are given: key, group and origin, in the order of the
            /// table above.
            fn given(&self) -> Vec<(&'static str, &'static str, &Origin)> {
                let all = [$((
                    stringify!($key),
                    $group,
                    self.$key.as_ref().map(|setting| &setting.origin),
                ),)*];
                let given = all.into_iter();
                given.filter_map(|(key, group, origin)| Some((key, group, origin?))).collect()
            }

            /// Takes the keys that `keep` refuses for not given.
            fn retain(&mut self, keep: impl Fn(&str) -> bool) {
                $(if !keep(stringify!($key)) {
                    self.$key = None;
                })*
            }
        }
    };
}

numbers! {
    advisory_percent: u32 = 20, Kind::percent(1, 80), "advisory",
        "Below this share of its life a token is renewed in the background; at most 80 together with jitter_percent";
    advisory_limit: Duration = secs(3600), Kind::time(Duration::ZERO, DAY), "advisory",
        "The longest that share is in time";
    jitter_percent: u32 = 10, Kind::percent(0, 20), "advisory",
        "The share of its life by which a token may be renewed earlier, drawn for each";
    jitter_limit: Duration = secs(300), Kind::time(Duration::ZERO, HOUR), "advisory",
        "The longest that share is in time";
    mandatory_percent: u32 = 10, Kind::percent(1, 50), "mandatory",
        "Below this share of its life callers wait for a renewal, once";
    mandatory_limit: Duration = secs(60), Kind::time(Duration::ZERO, HOUR), "mandatory",
        "The longest that share is in time";
    mandatory_wait: Duration = secs(2), Kind::time(Duration::ZERO, secs(30)), "mandatory_wait",
        "How long they wait while a live token is there";
    guard_percent: u32 = 5, Kind::percent(1, 50), "guard",
        "Below this share of its life a token is not handed out";
    guard_least: Duration = millis(500), Kind::time(Duration::ZERO, MINUTE), "guard",
        "The shortest that share is in time; no more than guard_limit";
    guard_limit: Duration = secs(10), Kind::time(Duration::ZERO, MINUTE), "guard",
        "The longest that share is in time";
    default_lifetime: Duration = secs(300), Kind::time(SECOND, DAY), "default_lifetime",
        "The life of a token when the server names none";
    longest_lifetime: Duration = secs(24 * 3600), Kind::time(MINUTE, DAY), "longest_lifetime",
        "The longest life of a token that is believed";
    renewal_pause: Duration = secs(5), Kind::time(SECOND, HOUR), "renewal_pause",
        "The pause after a failed renewal of a live token; it doubles with each further failure";
    renewal_pause_limit: Duration = secs(60), Kind::time(SECOND, HOUR), "renewal_pause",
        "The longest such pause; no less than renewal_pause";
    failure_pause: Duration = secs(1), Kind::time(millis(10), MINUTE), "failure_pause",
        "The pause after a failure while there is no usable token; it doubles with each further one";
    failure_pause_limit: Duration = secs(4), Kind::time(millis(10), MINUTE), "failure_pause",
        "The longest such pause; no less than failure_pause";
    rejection_pause_least: Duration = secs(1), Kind::time(millis(100), HOUR), "rejection_pause",
        "The shortest pause after the server rejected the credentials or the request";
    rejection_pause_most: Duration = secs(5), Kind::time(millis(100), HOUR), "rejection_pause",
        "The longest first such pause; no less than rejection_pause_least";
    rejection_pause_limit: Duration = secs(60), Kind::time(millis(100), HOUR), "rejection_pause",
        "The longest such pause after several rejections; no less than rejection_pause_most";
    no_gain_pause: Duration = secs(10), Kind::time(SECOND, HOUR), "no_gain_pause",
        "The shortest pause after a renewal that gained nothing";
    forced_renewal_interval: Duration = secs(30), Kind::time(SECOND, HOUR), "forced_renewal_interval",
        "How often rejections by an API may force a renewal, at most";
    cool_down_limit: Duration = secs(3600), Kind::time(SECOND, HOUR), "cool_down_limit",
        "The longest pause that a Retry-After can impose";
    attempts: u32 = 3, Kind::count(1, 10, "tries"), "attempts",
        "How often a token request is tried";
    retry_base: Duration = millis(200), Kind::time(millis(1), MINUTE), "retry",
        "The pause before the second try; it doubles with each further one";
    retry_cap: Duration = secs(2), Kind::time(millis(1), MINUTE), "retry",
        "The longest such pause; no less than retry_base";
}

/// Reads the table. What is wrong is noted and left out.
pub(crate) fn read(mut section: Section<'_>, report: &mut Report<'_>) -> Renewal {
    let mut renewal = Renewal::take(&mut section, report);
    let wrong = renewal.problems();
    for (key, problem) in &wrong {
        report.add(problem.clone().with_key(format!("{}.{key}", section.key())));
    }
    renewal.retain(|key| wrong.iter().all(|(other, _)| *other != key));
    section.finish(report);
    renewal
}

impl Renewal {
    /// When tokens are renewed.
    pub(crate) fn policy(&self) -> RenewalPolicy {
        let numbers = self.numbers();
        RenewalPolicy::default()
            .advisory(numbers.advisory_percent, numbers.advisory_limit)
            .jitter(numbers.jitter_percent, numbers.jitter_limit)
            .mandatory(numbers.mandatory_percent, numbers.mandatory_limit)
            .mandatory_wait(numbers.mandatory_wait)
            .guard(
                numbers.guard_percent,
                numbers.guard_least,
                numbers.guard_limit,
            )
            .default_lifetime(numbers.default_lifetime)
            .longest_lifetime(numbers.longest_lifetime)
            .renewal_pause(numbers.renewal_pause, numbers.renewal_pause_limit)
            .failure_pause(numbers.failure_pause, numbers.failure_pause_limit)
            .rejection_pause(
                numbers.rejection_pause_least,
                numbers.rejection_pause_most,
                numbers.rejection_pause_limit,
            )
            .no_gain_pause(numbers.no_gain_pause)
            .forced_renewal_interval(numbers.forced_renewal_interval)
            .cool_down_limit(numbers.cool_down_limit)
    }

    /// How often a request is tried, within these time-outs.
    pub(crate) fn retry_policy(&self, timeouts: Timeouts) -> RetryPolicy {
        let numbers = self.numbers();
        RetryPolicy::default()
            .attempts(numbers.attempts)
            .base(numbers.retry_base)
            .cap(numbers.retry_cap)
            .connect_timeout(timeouts.connect)
            .attempt_timeout(timeouts.attempt)
            .flight_timeout(timeouts.flight)
    }

    /// What is wrong with the numbers that are given: each with its key, and its
    /// place if it stands in a file.
    pub(crate) fn problems(&self) -> Vec<(&'static str, Problem)> {
        let mut problems = Vec::new();
        let mut right = Vec::new();
        for group in self.given().chunk_by(|one, other| one.1 == other.1) {
            let mut keys: Vec<_> = group.iter().map(|(key, ..)| *key).collect();
            while let Some((guilty, error)) = self.guilty(&right, &keys) {
                let origin = group.iter().find(|(key, ..)| *key == guilty);
                let origin = origin.map(|(.., origin)| *origin);
                problems.push((guilty, problem(&error, origin)));
                keys.retain(|key| *key != guilty);
            }
            right.extend(keys);
        }
        problems
    }

    /// The key to blame if the core refuses `keys` beside those that are right: the one
    /// without which it does not, or else one that it refuses by itself.
    fn guilty<'k>(&self, right: &[&str], keys: &[&'k str]) -> Option<(&'k str, Error)> {
        let refusal = |keys: &[&str]| self.refusal(&[right, keys].concat());
        let error = refusal(keys)?;
        let without = |key: &str| -> Vec<&str> {
            let others = keys.iter().filter(|other| **other != key);
            others.copied().collect()
        };
        if let Some(key) = keys.iter().find(|key| refusal(&without(key)).is_none()) {
            return Some((key, error));
        }
        let mut alone = keys.iter().filter_map(|key| Some((*key, refusal(&[key])?)));
        alone.next().or_else(|| Some((keys.first()?, error)))
    }

    /// What the core says about these keys alone, beside the defaults of all others.
    fn refusal(&self, keys: &[&str]) -> Option<Error> {
        let mut part = self.clone();
        part.retain(|key| keys.contains(&key));
        let retry = part.retry_policy(Timeouts::default());
        part.policy().check().and_then(|()| retry.check()).err()
    }
}

fn problem(error: &Error, origin: Option<&Origin>) -> Problem {
    let place = match origin {
        Some(Origin::File(place)) => Some(place.clone()),
        _ => None,
    };
    let problem = Problem::new("out of range").with_place(place);
    match error.hint() {
        Some(hint) => problem.with_hint(hint),
        None => problem,
    }
}

fn row<T: Number>(
    key: &'static str,
    setting: &Option<Setting<T>>,
    default: T,
) -> (&'static str, String, Origin) {
    match setting {
        Some(setting) => (key, setting.value.show(), setting.origin.clone()),
        None => (key, default.show(), Origin::Default),
    }
}

fn number<T: Number>(
    section: &mut Section<'_>,
    key: &'static str,
    report: &mut Report<'_>,
) -> Option<Setting<T>> {
    let item = section.take(key)?;
    let value = T::read(&item, report)?;
    Some(item.setting(value, report))
}

/// What a key of the table may hold.
trait Number: Copy {
    fn read(item: &Item<'_>, report: &mut Report<'_>) -> Option<Self>;
    fn show(self) -> String;
}

/// A count, or a number of hundredths.
impl Number for u32 {
    fn read(item: &Item<'_>, report: &mut Report<'_>) -> Option<Self> {
        let number = item.integer(report)?;
        let number = number.try_into().ok();
        if number.is_none() {
            item.note(Problem::new("the number is out of range"), report);
        }
        number
    }

    fn show(self) -> String {
        self.to_string()
    }
}

impl Number for Duration {
    fn read(item: &Item<'_>, report: &mut Report<'_>) -> Option<Self> {
        // Its range is judged together with the other numbers', by the core.
        item.duration_in(Self::ZERO..=Self::MAX, report)
    }

    fn show(self) -> String {
        humantime::format_duration(self).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_core() {
        let nothing = Renewal::default();
        assert_eq!(nothing.policy(), RenewalPolicy::default());
        let retry = nothing.retry_policy(Timeouts::default());
        assert_eq!(retry, RetryPolicy::default());
        assert!(nothing.problems().is_empty());
    }

    fn flag<T>(value: T) -> Option<Setting<T>> {
        Some(Setting::new(value, Origin::Flag))
    }

    /// Each key changes one of the policies: none is read for nothing.
    #[test]
    fn every_key_has_an_effect() {
        for (key, ..) in Renewal::default().rows() {
            let mut one = Renewal::other();
            one.retain(|other| other == key);
            assert_eq!(one.given().len(), 1, "{key}");
            let same = one.policy() == RenewalPolicy::default()
                && one.retry_policy(Timeouts::default()) == RetryPolicy::default();
            assert!(!same, "{key}");
        }
    }

    #[test]
    fn the_key_to_blame_is_named() {
        let renewal = Renewal {
            advisory_percent: flag(81),
            advisory_limit: flag(secs(60)),
            jitter_percent: flag(5),
            guard_percent: flag(6),
            guard_limit: flag(secs(61)),
            retry_base: flag(secs(3)),
            ..Renewal::default()
        };
        let keys: Vec<_> = renewal.problems().iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["advisory_percent", "guard_limit", "retry_base"]);
        let fits = Renewal {
            guard_least: flag(secs(20)),
            guard_limit: flag(secs(30)),
            ..Renewal::default()
        };
        let together = Renewal {
            advisory_percent: flag(80),
            jitter_percent: flag(0),
            ..fits
        };
        assert!(
            together.problems().is_empty(),
            "checked together, not one by one"
        );
        let both = Renewal {
            advisory_percent: flag(75),
            jitter_limit: flag(secs(7200)),
            ..Renewal::default()
        };
        let keys: Vec<_> = both.problems().iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["advisory_percent", "jitter_limit"]);
    }
}
