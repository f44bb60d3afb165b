//! Everything that requests share, and the way of each: guard, caller, route.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use prove_token_config::Caller;
use tower_service::Service as _;

use crate::caller::Callers;
use crate::connection::Answer;
use crate::desk::Desk;
use crate::guard;
use crate::peer::Peer;
use crate::proxy;
use crate::reply::{REQUEST_ID, Refusal};
use crate::route;

/// The profiles that are served, and to whom.
#[derive(Debug)]
pub(crate) struct Office {
    pub(crate) desks: BTreeMap<String, Arc<Desk>>,
    pub(crate) callers: Callers,
}

impl Office {
    /// The desk of a profile that `caller` may use; one answer to every other name.
    pub(crate) fn desk(&self, profile: &str, caller: &Caller) -> Result<&Arc<Desk>, Refusal> {
        let may_use = caller.profiles.iter().any(|name| name == profile);
        let desk = self.desks.get(profile).filter(|_| may_use);
        desk.ok_or_else(Refusal::no_such_profile)
    }
}

/// What a handler knows of its request beside what it says.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) id: Arc<str>,
    /// Who calls; `None` at the façade, which finds out itself.
    pub(crate) caller: Option<Arc<Caller>>,
}

impl Visit {
    /// Who calls.
    pub(crate) fn caller(&self) -> Result<&Arc<Caller>, Refusal> {
        self.caller.as_ref().ok_or_else(Refusal::unauthorized)
    }
}

/// Answers at the data listeners.
#[derive(Debug)]
pub(crate) struct Front {
    open: ArcSwap<Open>,
    ids: Ids,
}

/// What is open now: a request that began in one office ends there.
#[derive(Debug)]
struct Open {
    office: Arc<Office>,
    router: Router,
}

impl Open {
    fn new(office: Arc<Office>) -> Arc<Self> {
        let router = route::data(Arc::clone(&office));
        Arc::new(Self { office, router })
    }
}

impl Front {
    pub(crate) fn new(office: Arc<Office>) -> Self {
        Self {
            open: ArcSwap::new(Open::new(office)),
            ids: Ids::default(),
        }
    }

    /// From the next request on, this is the office.
    pub(crate) fn replace(&self, office: Arc<Office>) {
        self.open.store(Open::new(office));
    }

    /// The office as it is now.
    pub(crate) fn office(&self) -> Arc<Office> {
        Arc::clone(&self.open.load().office)
    }

    async fn pass(
        &self,
        peer: &Peer,
        mut request: Request<Incoming>,
        id: &Arc<str>,
    ) -> Result<Response<Body>, Refusal> {
        let headers = request.headers();
        guard::check(peer, request.version(), request.uri(), headers)?;
        let open = self.open.load_full();
        if proxy::is_proxy(request.uri().path()) {
            return proxy::forward(&open.office, peer, request).await;
        }
        // The façade's callers name themselves in its own way.
        let caller = match route::is_facade(request.uri().path()) {
            true => None,
            false => Some(open.office.callers.authenticate(peer, headers)?),
        };
        request.extensions_mut().insert(*peer);
        request.extensions_mut().insert(Visit {
            id: Arc::clone(id),
            caller,
        });
        let Ok(response) = open.router.clone().call(request).await;
        Ok(response)
    }
}

impl Answer for Front {
    async fn answer(self: Arc<Self>, peer: Peer, request: Request<Incoming>) -> Response<Body> {
        let id = self.ids.next();
        let passed = self.pass(&peer, request, &id).await;
        let mut response = passed.unwrap_or_else(|refusal| refusal.answer(&id));
        if let Ok(id) = HeaderValue::from_str(&id) {
            // An API's own name for the request is worth more to whoever asks there.
            response.headers_mut().entry(REQUEST_ID).or_insert(id);
        }
        response
    }
}

/// Names for requests: unique within the process, and told apart from those of others.
#[derive(Debug)]
pub(crate) struct Ids {
    process: String,
    next: AtomicU64,
}

impl Default for Ids {
    fn default() -> Self {
        let mut random = [0; 6];
        // Without randomness they are still told apart within the process.
        let _ = aws_lc_rs::rand::fill(&mut random);
        Self {
            process: random.iter().map(|byte| format!("{byte:02x}")).collect(),
            next: AtomicU64::new(1),
        }
    }
}

impl Ids {
    pub(crate) fn next(&self) -> Arc<str> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number:x}", self.process).into()
    }
}
