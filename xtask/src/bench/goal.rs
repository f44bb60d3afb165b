//! The goals, and how a figure is judged by one.

use super::figure::{Figures, Measured};

/// What a row is to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Goal {
    pub(crate) row: &'static str,
    pub(crate) what: &'static str,
    /// The subject of the row that is ours.
    pub(crate) ours: &'static str,
    /// Those it is measured against, of which the least figure counts; none if the figure
    /// itself is judged.
    pub(crate) peers: &'static [&'static str],
    pub(crate) limit: Limit,
    /// Whether missing it fails the run.
    pub(crate) is_hard: bool,
}

/// How far a figure may go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Limit {
    /// Ours divided by the peer's, at most.
    Ratio(f64),
    /// The peer's divided by ours, at least.
    Faster(f64),
    /// The figure itself, at most.
    Value(f64),
    /// The figure itself, exactly.
    Exactly(f64),
}

const PUBLISHED: &[&str] = &[
    "google-cloud-auth",
    "azure_identity",
    "aws-smithy-runtime",
    "yup-oauth2",
];

const BARE: &[&str] = &["bare reqwest"];

const fn hard(
    row: &'static str,
    what: &'static str,
    ours: &'static str,
    peers: &'static [&'static str],
    limit: Limit,
) -> Goal {
    Goal {
        row,
        what,
        ours,
        peers,
        limit,
        is_hard: true,
    }
}

/// Where we are going: missing it is said, and no more.
const fn aim(
    row: &'static str,
    what: &'static str,
    ours: &'static str,
    peers: &'static [&'static str],
    limit: Limit,
) -> Goal {
    Goal {
        is_hard: false,
        ..hard(row, what, ours, peers, limit)
    }
}

use Limit::{Exactly, Faster, Ratio, Value};

/// The hard goal of a subject stands before what it goes on to.
#[rustfmt::skip]
pub(crate) const GOALS: [Goal; 41] = [
    hard("1", "fresh access_token()", "prove-token", PUBLISHED, Faster(8.0)),
    aim("1", "fresh access_token()", "prove-token", PUBLISHED, Faster(12.0)),
    hard("2", "the same, 2 threads to 1", "prove-token, 2 threads", &["prove-token"], Ratio(1.3)),
    hard("3", "its header, 1 thread", "prove-token", &["static HeaderValue clone"], Ratio(2.5)),
    aim("3", "its header, 1 thread", "prove-token", &["static HeaderValue clone"], Ratio(1.5)),
    hard("3", "its header, 2 threads", "prove-token, 2 threads", &["static HeaderValue clone, 2 threads"], Ratio(2.5)),
    aim("3", "its header, 2 threads", "prove-token, 2 threads", &["static HeaderValue clone, 2 threads"], Ratio(1.5)),
    hard("4", "herd of 1,000: requests", "requests of 1000", &[], Exactly(1.0)),
    aim("4", "herd of 1,000: last caller", "last of 1000", BARE, Ratio(1.1)),
    hard("4", "herd of 10,000: requests", "requests of 10000", &[], Exactly(1.0)),
    aim("4", "herd of 10,000: last caller", "last of 10000", BARE, Ratio(1.1)),
    hard("5", "failing herd of 100: requests", "requests of 100", &[], Exactly(1.0)),
    hard("5", "failing herd of 100: last caller", "last of 100", BARE, Ratio(1.1)),
    hard("5", "failing herd of 1,000: requests", "requests of 1000", &[], Exactly(1.0)),
    hard("5", "failing herd of 1,000: last caller", "last of 1000", BARE, Ratio(1.1)),
    hard("6", "one token request", "prove-token", BARE, Ratio(1.25)),
    aim("7", "100,000 keys: memory of each", "beyond the token", &[], Value(1.5)),
    aim("7", "a hit among 100,000 keys", "a hit among 100000", &["access_token()"], Ratio(3.0)),
    hard("8", "command, kept token", "prove-token", &["clap hello"], Ratio(2.5)),
    aim("8", "command, kept token", "prove-token", &["curl"], Faster(4.0)),
    aim("8", "command, kept token", "prove-token", &["aws configure get"], Faster(80.0)),
    aim("8", "command, peak memory", "peak memory", &[], Value(6.0)),
    aim("9", "command, first token, CA file", "prove-token, CA file", &["curl, CA file"], Ratio(0.4)),
    aim("9", "command, first token, system roots", "prove-token, system roots", &["curl, system roots"], Ratio(0.8)),
    hard("10", "Python, fresh access_token()", "prove-token", &["empty PyO3 method"], Ratio(3.0)),
    aim("10", "Python, fresh access_token()", "prove-token", &["authlib", "google-auth"], Faster(4.0)),
    aim("10", "Python, await of a fresh token", "prove-token, awaited", &[], Value(1.5)),
    aim("11", "Python, added to a request", "added by httpx", &[], Value(1.5)),
    aim("11", "Python, added to a request", "added by requests", &[], Value(1.5)),
    hard("12", "a token, TCP: CPU", "prove-tokend, TCP", &["nginx, TCP"], Ratio(1.3)),
    aim("12", "a token, TCP: CPU", "prove-tokend, TCP", &["nginx, TCP"], Ratio(1.0)),
    hard("12", "a token, Unix socket: CPU", "prove-tokend, Unix socket", &["nginx, Unix socket"], Ratio(1.3)),
    aim("12", "a token, Unix socket: CPU", "prove-tokend, Unix socket", &["nginx, Unix socket"], Ratio(1.0)),
    aim("13", "a token at half load: p99", "prove-tokend, p99", &["nginx, p99"], Ratio(1.5)),
    hard("14", "proxy, small request: CPU", "prove-tokend, small", &["nginx, small"], Ratio(1.3)),
    aim("14", "proxy, small request: CPU", "prove-tokend, small", &["nginx, small"], Ratio(1.0)),
    aim("14", "proxy, 1 GiB: CPU", "prove-tokend, 1 GiB", &["nginx, 1 GiB"], Ratio(1.2)),
    aim("14", "proxy, 1 GiB: memory", "memory of 1 GiB", &[], Value(8.0)),
    aim("15", "a hit, 100,000 keys to 1", "100000 keys", &["1 key"], Ratio(3.0)),
    aim("15", "service: 1,000 connections", "1000 connections", &[], Value(20.0)),
    aim("15", "service: 10 million requests", "memory, 10 million", &["memory, few requests"], Ratio(1.05)),
];

/// The names of the rows, each once.
pub(crate) fn rows() -> Vec<&'static str> {
    let mut rows: Vec<&str> = GOALS.iter().map(|goal| goal.row).collect();
    rows.dedup();
    rows
}

/// What came of a goal.
#[derive(Debug)]
pub(crate) struct Verdict<'a> {
    pub(crate) goal: &'a Goal,
    /// Why there is no verdict, if there is none.
    pub(crate) judged: Result<Judged, String>,
}

/// The figures that were compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judged {
    pub(crate) ours: (f64, String),
    /// The peer that counts, and its figure.
    pub(crate) peer: Option<(&'static str, f64)>,
    /// What the limit is for.
    pub(crate) reached: f64,
}

impl Goal {
    pub(crate) fn judge(&self, figures: &Figures) -> Verdict<'_> {
        Verdict {
            goal: self,
            judged: self.compare(figures),
        }
    }

    fn compare(&self, figures: &Figures) -> Result<Judged, String> {
        let (ours, unit) = match figures.find(self.row, self.ours) {
            Some(Measured::Value { value, unit }) => (*value, unit.clone()),
            Some(Measured::Missing(why)) => return Err(why.clone()),
            None => return Err(format!("no figure for {}", self.ours)),
        };
        let peer = self.best_peer(figures)?;
        let reached = match (self.limit, peer) {
            (Ratio(_), Some((_, peer))) => ours / peer,
            (Faster(_), Some((_, peer))) => peer / ours,
            _ => ours,
        };
        Ok(Judged {
            ours: (ours, unit),
            peer,
            reached,
        })
    }

    /// The peer with the least figure. One that is missing hides no other.
    fn best_peer(&self, figures: &Figures) -> Result<Option<(&'static str, f64)>, String> {
        let mut best: Option<(&'static str, f64)> = None;
        let mut missing = None;
        for peer in self.peers {
            match figures.find(self.row, peer) {
                Some(Measured::Value { value, .. }) => {
                    if best.is_none_or(|(_, least)| *value < least) {
                        best = Some((peer, *value));
                    }
                }
                Some(Measured::Missing(why)) => missing = Some(format!("{peer}: {why}")),
                None => missing = Some(format!("no figure for {peer}")),
            }
        }
        match (best, missing) {
            (None, Some(why)) => Err(why),
            (best, _) => Ok(best),
        }
    }
}

impl Limit {
    fn is_met_by(self, reached: f64) -> bool {
        match self {
            Self::Ratio(most) | Self::Value(most) => reached <= most,
            Self::Faster(least) => reached >= least,
            Self::Exactly(value) => reached == value,
        }
    }
}

impl Verdict<'_> {
    /// `None` if it was not measured.
    pub(crate) fn is_met(&self) -> Option<bool> {
        let judged = self.judged.as_ref().ok()?;
        Some(self.goal.limit.is_met_by(judged.reached))
    }
}

#[cfg(test)]
impl<'a> Verdict<'a> {
    /// The verdict on a goal that reached so much, or was not measured.
    pub(crate) fn for_test(goal: &'a Goal, reached: Option<f64>) -> Self {
        let judged = reached.map(|reached| Judged {
            ours: (10.0, "ns".to_owned()),
            peer: Some(("peer", 10.0 * reached)),
            reached,
        });
        Self {
            goal,
            judged: judged.ok_or_else(|| "the machine is busy".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = r#"{"row":"1","subject":"ours","value":10,"unit":"ns"}
{"row":"1","subject":"slow","value":200,"unit":"ns"}
{"row":"1","subject":"quick","value":85,"unit":"ns"}
{"row":"1","subject":"gone","missing":"peer missing"}
"#;

    fn judged(peers: &'static [&'static str], limit: Limit) -> (Option<bool>, f64) {
        let mut figures = Figures::default();
        figures.read(LINES).unwrap();
        let goal = hard("1", "it", "ours", peers, limit);
        let verdict = goal.judge(&figures);
        let reached = verdict.judged.as_ref().map_or(f64::NAN, |j| j.reached);
        (verdict.is_met(), reached)
    }

    #[test]
    fn the_best_peer_that_is_there_counts() {
        const ALL: &[&str] = &["slow", "gone", "quick"];
        assert_eq!(judged(ALL, Faster(8.0)), (Some(true), 8.5));
        assert_eq!(judged(ALL, Faster(8.6)), (Some(false), 8.5));
        assert_eq!(judged(&["slow"], Ratio(0.05)), (Some(true), 0.05));
        assert_eq!(judged(&["slow"], Ratio(0.04)), (Some(false), 0.05));
    }

    #[test]
    fn a_figure_is_judged_by_itself_without_peers() {
        assert_eq!(judged(&[], Value(10.0)), (Some(true), 10.0));
        assert_eq!(judged(&[], Value(9.0)), (Some(false), 10.0));
        assert_eq!(judged(&[], Exactly(10.0)), (Some(true), 10.0));
        assert_eq!(judged(&[], Exactly(11.0)), (Some(false), 10.0));
    }

    #[test]
    fn what_is_missing_is_neither_met_nor_missed() {
        assert_eq!(judged(&["gone"], Ratio(1.0)).0, None);
        assert_eq!(judged(&["never heard of"], Ratio(1.0)).0, None);
    }

    #[test]
    fn rows_stand_together() {
        let mut rows = rows();
        let named = rows.len();
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len(), named, "{rows:?}");
    }
}
