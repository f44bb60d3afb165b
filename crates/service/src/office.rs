//! Everything that requests share, and the way of each: guard, caller, route.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::{Request, Response};
use hyper::body::Incoming;
use prove_token_config::Caller;
use tracing::{Level, enabled};

use crate::body::Body;
use crate::caller::Callers;
use crate::connection::{Answer, Visitor};
use crate::desk::Desk;
use crate::guard;
use crate::lookout::{By, Id, Lookout};
use crate::proxy;
use crate::reply::Refusal;
use crate::route::{self, Route, Visit};
use crate::trace::{self, Serving};

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

/// Answers at the data listeners.
#[derive(Debug)]
pub(crate) struct Front {
    /// What is open now: a request that began in one office ends there.
    open: ArcSwap<Office>,
    pub(crate) lookout: Arc<Lookout>,
}

impl Front {
    pub(crate) fn new(office: Arc<Office>, lookout: Arc<Lookout>) -> Self {
        Self {
            open: ArcSwap::new(office),
            lookout,
        }
    }

    /// From the next request on, this is the office.
    pub(crate) fn replace(&self, office: Arc<Office>) {
        self.open.store(office);
        // Who may hear what is decided anew.
        self.lookout.news.close();
    }

    /// The office as it is now.
    pub(crate) fn office(&self) -> Arc<Office> {
        self.open.load_full()
    }

    /// The edition of the news, for those who ask for them. It is to be looked at before the
    /// office: whom one lets in that is replaced just then hears nothing.
    fn edition(&self, route: Route) -> u64 {
        match route {
            Route::Events => self.lookout.news.number(),
            _ => 0,
        }
    }

    async fn pass(
        &self,
        visitor: Visitor<'_>,
        request: Request<Incoming>,
        (id, route): (Id, Route),
    ) -> Result<Response<Body>, Refusal> {
        let (parts, body) = request.into_parts();
        let (peer, headers) = (visitor.peer, &parts.headers);
        guard::check(peer, parts.version, &parts.uri, headers)?;
        // The office is not counted: all threads share the count.
        let (edition, office) = (self.edition(route), self.open.load());
        if route == Route::Proxy {
            return Box::pin(proxy::forward(&office, peer, parts, body)).await;
        }
        // The façade's callers name themselves in its own way.
        let caller = match route {
            Route::Grant | Route::NamedGrant => None,
            _ => Some(office.callers.authenticate(peer, headers)?),
        };
        if let Some(caller) = caller {
            trace::note_caller(&parts.extensions, &caller.name);
            caller.admit()?;
        }
        let visit = Visit {
            office: &office,
            lookout: &self.lookout,
            visitor,
            edition,
            caller,
        };
        let outcome = route::answer(route, visit, &parts, body).await;
        match caller.filter(|_| enabled!(Level::DEBUG)) {
            None => outcome,
            Some(by) => {
                let mut response = outcome.unwrap_or_else(|refusal| refusal.answer(&id));
                response.extensions_mut().insert(By(Arc::clone(by)));
                Ok(response)
            }
        }
    }
}

impl Answer for Front {
    async fn answer(&self, visitor: Visitor<'_>, mut request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path();
        let route = match proxy::is_proxy(path) {
            true => Route::Proxy,
            false => Route::of(&Route::DATA, path),
        };
        let mut watched = self.lookout.begin(route, request.method());
        let is_profile = |name: &str| self.open.load().desks.contains_key(name);
        watched.span = Serving::begin(&watched, visitor.peer, &mut request, is_profile);
        let work = pin!(self.pass(visitor, request, (watched.id, route)));
        self.lookout.follow(watched, work).await
    }
}
