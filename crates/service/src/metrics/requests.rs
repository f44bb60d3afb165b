//! Requests by route, method and status: one addition each, and nothing to look up.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{Method, StatusCode};
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use serde::Serialize;

use crate::route::Route;

/// Statuses that are told apart; of the others the class is. Ascending.
const STATUSES: [u16; 21] = [
    200, 204, 304, 400, 401, 403, 404, 405, 406, 408, 413, 415, 421, 429, 431, 500, 501, 502, 503,
    504, 505,
];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
const SLOTS: usize = STATUSES.len() + CLASSES.len();

/// What a method does to what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MethodClass {
    /// `GET`, `HEAD`.
    Read,
    /// `POST`, `PUT`, `PATCH`, `DELETE`.
    Write,
    Other,
}

const METHODS: [&str; 3] = ["read", "write", "other"];

/// A counter for each.
#[derive(Debug)]
pub(crate) struct Requests([[[AtomicU64; SLOTS]; METHODS.len()]; Route::COUNT]);

/// How many there were of one kind.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RequestCount {
    pub(crate) route: &'static str,
    pub(crate) method: &'static str,
    pub(crate) status: String,
    pub(crate) count: u64,
}

impl Default for Requests {
    fn default() -> Self {
        let zeros = || std::array::from_fn(|_| AtomicU64::new(0));
        Self(std::array::from_fn(|_| std::array::from_fn(|_| zeros())))
    }
}

impl MethodClass {
    pub(crate) fn of(method: &Method) -> Self {
        match *method {
            Method::GET | Method::HEAD => Self::Read,
            Method::POST | Method::PUT | Method::PATCH | Method::DELETE => Self::Write,
            _ => Self::Other,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        METHODS[self as usize]
    }
}

impl Requests {
    pub(crate) fn count(&self, route: Route, method: MethodClass, status: StatusCode) {
        let counter = &self.0[route as usize][method as usize][slot(status.as_u16())];
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Those that there were.
    pub(crate) fn counts(&self) -> Vec<RequestCount> {
        let routes = [&Route::DATA[..], &Route::HEALTH, &Route::ADMIN].concat();
        let mut counts = Vec::new();
        for route in routes.into_iter().chain([Route::Nothing]) {
            for (method, slots) in METHODS.into_iter().zip(&self.0[route as usize]) {
                for (slot, counter) in slots.iter().enumerate() {
                    let count = counter.load(Ordering::Relaxed);
                    if count > 0 {
                        counts.push(RequestCount {
                            route: route.pattern(),
                            method,
                            status: name(slot),
                            count,
                        });
                    }
                }
            }
        }
        counts
    }

    pub(super) fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut family = encoder.encode_descriptor(
            "prove_token_requests",
            "Requests that were answered, by route, class of method and status",
            None,
            MetricType::Counter,
        )?;
        for one in self.counts() {
            let labels = [
                ("route", one.route),
                ("method", one.method),
                ("status", &one.status),
            ];
            ConstCounter::new(one.count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

fn slot(status: u16) -> usize {
    if status == STATUSES[0] {
        return 0;
    }
    let class = usize::from(status / 100).clamp(1, CLASSES.len()) - 1;
    let found = STATUSES.binary_search(&status);
    found.unwrap_or(STATUSES.len() + class)
}

fn name(slot: usize) -> String {
    match STATUSES.get(slot) {
        Some(status) => status.to_string(),
        None => CLASSES[(slot - STATUSES.len()).min(CLASSES.len() - 1)].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_place() {
        assert!(STATUSES.is_sorted());
        for status in 100..1000 {
            let name = name(slot(status));
            let class = format!("{}xx", (status / 100).min(5));
            assert!(
                name == status.to_string() || name == class,
                "{status}: {name}"
            );
        }
    }

    #[test]
    fn what_did_not_happen_is_not_there() {
        let requests = Requests::default();
        requests.count(Route::Token, MethodClass::Read, StatusCode::OK);
        requests.count(Route::Token, MethodClass::Read, StatusCode::OK);
        requests.count(Route::Nothing, MethodClass::Other, StatusCode::IM_A_TEAPOT);
        let counts: Vec<_> = requests
            .counts()
            .into_iter()
            .map(|one| (one.route, one.method, one.status, one.count))
            .collect();
        let teapot = ("none", "other", "4xx".to_owned(), 1);
        let token = ("/v1/token/{profile}", "read", "200".to_owned(), 2);
        assert_eq!(counts, [token, teapot]);
    }
}
