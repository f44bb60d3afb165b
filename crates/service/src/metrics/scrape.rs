//! One look at everything, in the text format of OpenMetrics.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::HeaderValue;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::{CallerTally, Counts, Metrics, ProfileTally};
use crate::log::lost_lines;
use crate::lookout::Lookout;
use crate::office::Office;
use crate::roster::Roster;

/// The type of the text.
pub(crate) const TEXT: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

type Label<'l> = (&'static str, &'l str);

/// What is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Scrape {
    pub(crate) lookout: Arc<Lookout>,
    pub(crate) office: Arc<Office>,
    /// By the name of the listeners.
    pub(crate) rosters: Vec<(&'static str, Arc<Roster>)>,
}

impl Scrape {
    pub(crate) fn text(self) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut text = String::with_capacity(8 * 1024);
        // A string takes everything.
        let _ = encode(&mut text, &registry);
        text
    }

    fn process(&self, to: &mut Writer<'_, '_>, metrics: &Metrics) -> fmt::Result {
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        to.gauges("prove_token_build_info", "What runs", [(version, 1_u64)])?;
        let help = "When the process began to serve, in seconds since 1970";
        to.gauges::<0, _>("process_start_time_seconds", help, [([], metrics.started)])?;
        let help = "Defects that were met and contained";
        let panics = metrics.panics.load(Ordering::Relaxed);
        to.counters::<0>("prove_token_panics", help, [([], panics)])?;
        let help = "Lines of the log that were lost, for nobody took them";
        let lost = lost_lines();
        to.counters::<0>("prove_token_log_lines_lost", help, [([], lost)])?;
        let help = "Times the configuration was read anew, by outcome";
        to.counts("prove_token_reloads", help, "outcome", &metrics.reloads)
    }

    /// What each profile stands at now.
    fn tokens(&self, to: &mut Writer<'_, '_>) -> fmt::Result {
        let desks = || self.office.desks.values();
        let life = desks().map(|desk| {
            let token = desk
                .client
                .status(None)
                .ok()
                .and_then(|status| status.token);
            let left = token.map_or(0.0, |token| token.expires_in().as_secs_f64());
            ([("profile", desk.name.as_str())], left)
        });
        let help = "How long the token that is held can be used; 0 without one";
        to.gauges("prove_token_life_left_seconds", help, life)?;
        let insecure = desks().flat_map(|desk| {
            let label = |setting| [("profile", desk.name.as_str()), ("setting", setting)];
            desk.insecure
                .iter()
                .map(move |setting| (label(setting), 1_u64))
        });
        let help = "Safeguards that the configuration switches off";
        to.gauges("prove_token_insecure_settings", help, insecure)
    }

    fn renewals(&self, to: &mut Writer<'_, '_>, metrics: &Metrics) -> fmt::Result {
        let profiles = metrics.profiles();
        let by = |label, counts: fn(&ProfileTally) -> &Counts| {
            by_word("profile", label, &profiles, counts)
        };
        for (name, help, values) in [
            (
                "prove_token_renewals",
                "Tokens that were asked for, by outcome: ok or a kind of error",
                by("outcome", |profile| &profile.renewals),
            ),
            (
                "prove_token_upstream_attempts",
                "Requests to the token endpoint, by outcome: ok or a kind of error",
                by("outcome", |profile| &profile.attempts),
            ),
            (
                "prove_token_store_misses",
                "Looks into the store that found no token, by reason",
                by("reason", |profile| &profile.store_misses),
            ),
            (
                "prove_token_sink_writes",
                "Files of tokens that were written, or could not be, by outcome",
                by("outcome", |profile| &profile.sinks),
            ),
        ] {
            to.owned(name, help, &values)?;
        }
        self.tokens_by_fate(to, &profiles)?;
        to.histograms(&profiles)
    }

    /// What became of tokens.
    fn tokens_by_fate(
        &self,
        to: &mut Writer<'_, '_>,
        profiles: &[(String, Arc<ProfileTally>)],
    ) -> fmt::Result {
        for (name, help, counter) in [
            (
                "prove_token_restored_tokens",
                "Tokens that were taken from the store",
                (|profile| profile.restored.load(Ordering::Relaxed)) as fn(&ProfileTally) -> u64,
            ),
            (
                "prove_token_rejected_tokens",
                "Tokens that an API rejected",
                |profile| profile.rejected.load(Ordering::Relaxed),
            ),
            (
                "prove_token_cool_downs",
                "Pauses that a token endpoint asked for",
                |profile| profile.cool_downs.load(Ordering::Relaxed),
            ),
        ] {
            let one =
                |(name, tally): &'_ (String, Arc<ProfileTally>)| (name.clone(), counter(tally));
            let values: Vec<_> = profiles.iter().map(one).collect();
            let values = values
                .iter()
                .map(|(name, value)| ([("profile", name.as_str())], *value));
            to.counters(name, help, values)?;
        }
        Ok(())
    }

    fn callers(&self, to: &mut Writer<'_, '_>, metrics: &Metrics) -> fmt::Result {
        let help = "Requests that were refused, by why";
        to.counts("prove_token_refusals", help, "reason", &metrics.refusals)?;
        let callers = metrics.callers();
        for (name, help, counter) in [
            (
                "prove_token_caller_requests",
                "Requests of callers who are known",
                (|caller| caller.requests.load(Ordering::Relaxed)) as fn(&CallerTally) -> u64,
            ),
            (
                "prove_token_caller_over_quota",
                "Requests of a caller over its quota",
                |caller| caller.over_quota.load(Ordering::Relaxed),
            ),
        ] {
            let values = callers.iter().map(|(name, tally)| {
                let value = counter(tally);
                ([("caller", name.as_str())], value)
            });
            to.counters(name, help, values)?;
        }
        let help = "Readers of events now";
        let readers = self.lookout.news.readers() as u64;
        to.gauges::<0, _>("prove_token_event_readers", help, [([], readers)])?;
        let help = "Readers of events that were given up, for they did not keep up";
        let slow = metrics.slow_readers.load(Ordering::Relaxed);
        to.counters::<0>("prove_token_event_readers_given_up", help, [([], slow)])
    }

    fn connections(&self, to: &mut Writer<'_, '_>) -> fmt::Result {
        let each = |value: fn(&Roster) -> u64| {
            let one = move |(name, roster): &(&'static str, Arc<Roster>)| {
                ([("listener", *name)], value(roster))
            };
            self.rosters.iter().map(one).collect::<Vec<_>>()
        };
        let help = "Connections that are open";
        to.gauges(
            "prove_token_connections",
            help,
            each(|roster| roster.len() as u64),
        )?;
        let help = "Connections that there was no room for";
        let refused = each(Roster::refused);
        to.counters("prove_token_connections_refused", help, refused)?;
        let help = "Connections that were slow to ask and made room for others";
        let given_up = each(Roster::given_up);
        to.counters("prove_token_connections_given_up", help, given_up)
    }
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let metrics = &self.lookout.metrics;
        metrics.requests.encode(&mut encoder)?;
        let mut writer = Writer(&mut encoder);
        self.process(&mut writer, metrics)?;
        self.tokens(&mut writer)?;
        self.renewals(&mut writer, metrics)?;
        self.callers(&mut writer, metrics)?;
        self.connections(&mut writer)
    }
}

/// A count with its two labels.
type Owned = ([(&'static str, String); 2], u64);

fn by_word<T>(
    who: &'static str,
    label: &'static str,
    tallies: &[(String, Arc<T>)],
    counts: fn(&T) -> &Counts,
) -> Vec<Owned> {
    let mut all = Vec::new();
    for (name, tally) in tallies {
        for (word, count) in counts(tally).all() {
            all.push(([(who, name.clone()), (label, word.to_owned())], count));
        }
    }
    all
}

struct Writer<'w, 'e>(&'w mut DescriptorEncoder<'e>);

impl Writer<'_, '_> {
    fn gauges<'l, const N: usize, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = ([Label<'l>; N], V)>,
    ) -> fmt::Result {
        let mut family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in values {
            let gauge = ConstGauge::new(value);
            match N {
                0 => gauge.encode(family.encode_family::<[Label<'_>; 0]>(&[])?)?,
                _ => gauge.encode(family.encode_family(&labels)?)?,
            }
        }
        Ok(())
    }

    fn counters<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = ([Label<'l>; N], u64)>,
    ) -> fmt::Result {
        let mut family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn counts(&mut self, name: &str, help: &str, by: &'static str, counts: &Counts) -> fmt::Result {
        let all = counts.all();
        self.counters(
            name,
            help,
            all.iter().map(|(word, count)| ([(by, *word)], *count)),
        )
    }

    fn owned(&mut self, name: &str, help: &str, values: &[Owned]) -> fmt::Result {
        let borrowed = values.iter().map(|([one, two], count)| {
            ([(one.0, one.1.as_str()), (two.0, two.1.as_str())], *count)
        });
        self.counters(name, help, borrowed)
    }

    fn histograms(&mut self, profiles: &[(String, Arc<ProfileTally>)]) -> fmt::Result {
        let mut family = self.0.encode_descriptor(
            "prove_token_upstream_attempt_seconds",
            "How long requests to the token endpoint took",
            None,
            MetricType::Histogram,
        )?;
        for (name, tally) in profiles {
            let labels = [("profile", name.as_str())];
            tally.durations.encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
