//! `GET /state`: the whole service at one look, for people and their programs.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::UNIX_EPOCH;

use axum::extract::State;
use http::Response;
use prove_token::{Clock as _, SystemClock};
use prove_token_config::{HandsOut, Identity};
use serde::Serialize;

use super::View;
use crate::body::Body;
use crate::caller::Known;
use crate::desk::Desk;
use crate::lookout::Lookout;
use crate::metrics::{OK, RequestCount};
use crate::reply::{JSON, result};

/// How everything stands.
#[derive(Debug, Serialize)]
pub(super) struct Overview {
    pub(super) version: &'static str,
    /// Seconds since 1970, as all times here.
    pub(super) started_at: u64,
    pub(super) now: u64,
    pub(super) profiles: Vec<ProfileView>,
    pub(super) callers: Vec<CallerView>,
    pub(super) requests: Vec<RequestCount>,
    pub(super) connections: Vec<ConnectionsView>,
}

#[derive(Debug, Serialize)]
pub(super) struct ProfileView {
    pub(super) profile: String,
    pub(super) token: Option<TokenView>,
    pub(super) renewal_in: Option<u64>,
    pub(super) failure: Option<FailureView>,
    /// Since the service began.
    pub(super) renewed: u64,
    pub(super) failed: u64,
    pub(super) insecure: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
pub(super) struct TokenView {
    pub(super) expires_at: u64,
    pub(super) expires_in: u64,
    pub(super) lifetime: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct FailureView {
    pub(super) error: &'static str,
    pub(super) error_description: String,
    pub(super) hint: Option<String>,
    pub(super) retry_after: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct CallerView {
    pub(super) caller: String,
    pub(super) known_by: &'static str,
    pub(super) hands_out: &'static str,
    pub(super) profiles: Vec<String>,
    pub(super) rate_limit: Option<u32>,
    pub(super) requests: u64,
    pub(super) over_quota: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct ConnectionsView {
    pub(super) listener: &'static str,
    pub(super) open: usize,
    pub(super) refused: u64,
    pub(super) given_up: u64,
}

/// `GET /state`
pub(super) async fn state(State(view): State<Arc<View>>) -> Response<Body> {
    let text = serde_json::to_vec(&view.overview());
    result(JSON, text.unwrap_or_default())
}

impl View {
    pub(super) fn overview(&self) -> Overview {
        let (office, lookout) = (self.office(), self.lookout());
        let desks = office.desks.values();
        let connections = self
            .rosters
            .iter()
            .map(|(listener, roster)| ConnectionsView {
                listener,
                open: roster.len(),
                refused: roster.refused(),
                given_up: roster.given_up(),
            });
        Overview {
            version: env!("CARGO_PKG_VERSION"),
            started_at: lookout.metrics.started,
            now: SystemClock.now().wall.as_secs(),
            profiles: desks.map(|desk| profile(desk, lookout)).collect(),
            callers: office.callers.all().map(|known| caller(known)).collect(),
            requests: lookout.metrics.requests.counts(),
            connections: connections.collect(),
        }
    }
}

fn profile(desk: &Desk, lookout: &Lookout) -> ProfileView {
    // Without credentials there is no desk.
    let status = desk.client.status(None).unwrap_or_default();
    let renewals = lookout.metrics.profile(&desk.name).renewals.all();
    let sum = |is_ok| {
        let of = renewals.iter().filter(|(word, _)| (*word == OK) == is_ok);
        of.map(|(_, count)| count).sum()
    };
    ProfileView {
        profile: desk.name.clone(),
        token: status.token.as_ref().map(|token| TokenView {
            expires_at: token
                .expires_at()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |ends| ends.as_secs()),
            expires_in: token.expires_in().as_secs(),
            lifetime: token.lifetime().as_secs(),
        }),
        renewal_in: status.renewal_in.map(|due| due.as_secs()),
        failure: status.failure.as_ref().map(|error| FailureView {
            error: error.kind().as_str(),
            error_description: error.to_string(),
            hint: error.hint().map(str::to_owned),
            retry_after: error.retry_after().map(|wait| wait.as_secs()),
        }),
        renewed: sum(true),
        failed: sum(false),
        insecure: desk.insecure.clone(),
    }
}

fn caller(known: &Known) -> CallerView {
    CallerView {
        caller: known.name.clone(),
        known_by: match known.identity {
            Identity::KeyHash(_) => "key",
            Identity::Uid(_) => "uid",
            Identity::Gid(_) => "gid",
            _ => "other",
        },
        hands_out: match known.hands_out {
            HandsOut::Proxy => "proxy",
            _ => "token",
        },
        profiles: known.profiles.clone(),
        rate_limit: known.rate_limit,
        requests: known.tally.requests.load(Ordering::Relaxed),
        over_quota: known.tally.over_quota.load(Ordering::Relaxed),
    }
}
