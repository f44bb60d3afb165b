//! What operators and probes see, on listeners of their own: nothing of it holds a secret
//! or a token.

mod page;
mod probe;
mod state;

use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, State};
use axum::routing::{any, get, post};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::json;
use tower_service::Service as _;

use crate::body::Body;
use crate::connection::{Answer, Visitor};
use crate::guard;
use crate::lookout::{Id, Lookout};
use crate::metrics::{Scrape, TEXT};
use crate::office::{Front, Office};
use crate::openapi;
use crate::peer::Peer;
use crate::reply::{Refusal, json_result, result};
use crate::roster::Roster;
use crate::route::{Route, intended};
use crate::steward::Reloader;

/// Whom a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Operators, on this machine.
    Admin,
    /// Probes, from anywhere: to look, and at little.
    Health,
}

/// Answers at the admin listener, or at the health listener.
#[derive(Debug)]
pub(crate) struct Admin {
    kind: Kind,
    view: Arc<View>,
    router: Router,
}

/// What there is to be seen.
#[derive(Debug)]
pub(crate) struct View {
    front: Arc<Front>,
    reloader: Reloader,
    rosters: Vec<(&'static str, Arc<Roster>)>,
}

impl View {
    pub(crate) fn new(
        front: Arc<Front>,
        reloader: Reloader,
        rosters: Vec<(&'static str, Arc<Roster>)>,
    ) -> Self {
        Self {
            front,
            reloader,
            rosters,
        }
    }

    fn office(&self) -> Arc<Office> {
        self.front.office()
    }

    fn lookout(&self) -> &Arc<Lookout> {
        &self.front.lookout
    }
}

impl Kind {
    /// The one that leads to `path`.
    fn route(self, path: &str) -> Route {
        match Route::of(&Route::HEALTH, path) {
            Route::Nothing if self == Self::Admin => Route::of(&Route::ADMIN, path),
            route => route,
        }
    }
}

impl Admin {
    pub(crate) fn new(kind: Kind, view: Arc<View>) -> Self {
        Self {
            kind,
            router: router(kind, Arc::clone(&view)),
            view,
        }
    }

    async fn pass(
        &self,
        peer: &Peer,
        mut request: Request<Incoming>,
        id: Id,
    ) -> Result<Response<Body>, Refusal> {
        match self.kind {
            Kind::Admin => {
                guard::check(peer, request.version(), request.uri(), request.headers())?;
            }
            // Probes come by any name, and do nothing but look.
            Kind::Health if request.method() != Method::GET => return Err(Refusal::method("GET")),
            Kind::Health => {}
        }
        request.extensions_mut().insert(id);
        let Ok(response) = self.router.clone().call(request).await;
        Ok(response.map(Body::Page))
    }
}

impl Answer for Admin {
    async fn answer(&self, visitor: Visitor<'_>, request: Request<Incoming>) -> Response<Body> {
        let lookout = self.view.lookout();
        let route = self.kind.route(request.uri().path());
        let watched = lookout.begin(route, request.method());
        let work = pin!(self.pass(visitor.peer, request, watched.id));
        lookout.follow(watched, work).await
    }
}

fn router(kind: Kind, view: Arc<View>) -> Router {
    let routes = match kind {
        Kind::Admin => [&Route::HEALTH[..], &Route::ADMIN].concat(),
        Kind::Health => Route::HEALTH.to_vec(),
    };
    let mut router = Router::new();
    for route in routes {
        let methods = match route {
            Route::Live => get(probe::live),
            Route::Ready => get(probe::ready),
            Route::Started => get(probe::started),
            Route::Metrics => get(metrics),
            Route::OpenApi => get(description),
            Route::State => get(state::state),
            Route::Dashboard => get(page::dashboard),
            Route::Script => get(page::script),
            Route::Style => get(page::style),
            _ => continue,
        };
        router = router.route(route.pattern(), methods.fallback(only_get));
    }
    if kind == Kind::Admin {
        let methods = post(reload).fallback(only_post);
        router = router.route(Route::Reload.pattern(), methods);
    }
    router.fallback(any(nothing)).with_state(view)
}

async fn only_get(id: Id) -> Response<Body> {
    Refusal::method("GET, HEAD").answer(&id)
}

async fn only_post(id: Id) -> Response<Body> {
    Refusal::method("POST").answer(&id)
}

async fn nothing(id: Id) -> Response<Body> {
    Refusal::no_such_path().answer(&id)
}

/// `POST /admin/reload`: the configuration is read anew, with every secret.
async fn reload(State(view): State<Arc<View>>, id: Id, request: Parts) -> Response<Body> {
    let outcome = async {
        intended(&request.headers)?;
        let changes = view.reloader.reload().await.map_err(|failure| {
            let description = failure.message().to_owned();
            let refusal = Refusal::new(StatusCode::CONFLICT, "configuration", description);
            match failure.hint_text() {
                Some(hint) => refusal.hint(hint),
                None => refusal,
            }
        })?;
        Ok(json_result(&json!({ "changes": changes })))
    };
    outcome
        .await
        .unwrap_or_else(|refusal: Refusal| refusal.answer(&id))
}

/// `GET /metrics`
async fn metrics(State(view): State<Arc<View>>) -> Response<Body> {
    let scrape = Scrape {
        lookout: Arc::clone(view.lookout()),
        office: view.office(),
        rosters: view.rosters.clone(),
    };
    result(TEXT, scrape.text())
}

/// `GET /openapi.json`
async fn description() -> Response<Body> {
    json_result(&openapi::document())
}

impl<S: Sync> FromRequestParts<S> for Id {
    type Rejection = Response<Body>;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response<Body>> {
        let id = parts.extensions.get::<Self>().cloned();
        id.ok_or_else(|| Refusal::defect().answer(""))
    }
}
