//! Everything that requests share, and the way of each: guard, caller, route.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use prove_token_config::Caller;
use tower_service::Service as _;
use tracing::{Level, enabled};

use crate::caller::{Callers, Known};
use crate::connection::Answer;
use crate::desk::Desk;
use crate::guard;
use crate::lookout::{By, Lookout};
use crate::peer::Peer;
use crate::proxy;
use crate::reply::Refusal;
use crate::route::{self, Route};

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
    pub(crate) caller: Option<Arc<Known>>,
}

impl Visit {
    /// Who calls.
    pub(crate) fn caller(&self) -> Result<&Arc<Known>, Refusal> {
        self.caller.as_ref().ok_or_else(Refusal::unauthorized)
    }
}

/// Answers at the data listeners.
#[derive(Debug)]
pub(crate) struct Front {
    open: ArcSwap<Open>,
    pub(crate) lookout: Arc<Lookout>,
}

/// What is open now: a request that began in one office ends there.
#[derive(Debug)]
struct Open {
    office: Arc<Office>,
    router: Router,
}

impl Open {
    fn new(office: Arc<Office>, lookout: &Arc<Lookout>) -> Arc<Self> {
        let router = route::data(Arc::clone(&office), Arc::clone(lookout));
        Arc::new(Self { office, router })
    }
}

impl Front {
    pub(crate) fn new(office: Arc<Office>, lookout: Arc<Lookout>) -> Self {
        Self {
            open: ArcSwap::new(Open::new(office, &lookout)),
            lookout,
        }
    }

    /// From the next request on, this is the office.
    pub(crate) fn replace(&self, office: Arc<Office>) {
        self.open.store(Open::new(office, &self.lookout));
        // Who may hear what is decided anew.
        self.lookout.news.close();
    }

    /// The office as it is now.
    pub(crate) fn office(&self) -> Arc<Office> {
        Arc::clone(&self.open.load().office)
    }

    async fn pass(
        &self,
        peer: &Peer,
        mut request: Request<Incoming>,
        watched: (Arc<str>, Route),
    ) -> Result<Response<Body>, Refusal> {
        let headers = request.headers();
        guard::check(peer, request.version(), request.uri(), headers)?;
        let open = self.open.load_full();
        let (id, route) = watched;
        if route == Route::Proxy {
            return proxy::forward(&open.office, peer, request).await;
        }
        // The façade's callers name themselves in its own way.
        let caller = match route {
            Route::Grant | Route::NamedGrant => None,
            _ => Some(open.office.callers.authenticate(peer, headers)?),
        };
        if let Some(caller) = &caller {
            caller.admit()?;
        }
        let by = caller.clone().filter(|_| enabled!(Level::DEBUG));
        request.extensions_mut().insert(*peer);
        request.extensions_mut().insert(Visit { id, caller });
        let Ok(mut response) = open.router.clone().call(request).await;
        if let Some(by) = by {
            response.extensions_mut().insert(By(by));
        }
        Ok(response)
    }
}

impl Answer for Front {
    async fn answer(self: Arc<Self>, peer: Peer, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path();
        let route = match proxy::is_proxy(path) {
            true => Route::Proxy,
            false => Route::of(&Route::DATA, path),
        };
        let watched = self.lookout.begin(route, request.method());
        let known = (Arc::clone(&watched.id), route);
        let work = self.pass(&peer, request, known);
        self.lookout.follow(watched, work).await
    }
}
