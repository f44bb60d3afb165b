//! A token client of the core with what Python needs beside it; shared by all clients of
//! the same profile.

use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;
use prove_token::{
    AccessToken as Token, AccessTokenRequest, CallOptions, Endpoint, Error, TokenClient,
};
use prove_token_config::{Env, Overrides, Profile, Store};
use pyo3::prelude::*;

use crate::arguments::Settings;
use crate::call::Obtaining;
use crate::emulator::OwnEmulator;
use crate::error::exception;
use crate::event::Hub;
use crate::token::AccessToken;
use crate::{courier, profile};

pub(crate) struct Engine {
    client: TokenClient,
    request: AccessTokenRequest,
    /// `store = "none"`: every call is a request.
    keeps_nothing: bool,
    pub(crate) api_base: Option<Endpoint>,
    pub(crate) hub: Arc<Hub>,
    /// What it was made of, by which others find it.
    source: Option<(Profile, Env)>,
    /// The last token, as Python has it.
    last: ArcSwapOption<Py<AccessToken>>,
    /// Ends with the engine.
    _emulator: Option<OwnEmulator>,
}

/// The engines of profiles that are in use. Without a lock, which a forked child could
/// find taken.
static SHARED: ArcSwapOption<Vec<Weak<Engine>>> = ArcSwapOption::const_empty();

impl Engine {
    /// An engine of its own.
    pub(crate) fn of_arguments(py: Python<'_>, settings: &Settings) -> PyResult<Arc<Self>> {
        if settings.secret.is_some() {
            courier::WAKES.ensure(py)?;
        }
        let profile = profile::of_arguments(py, settings)?;
        Self::build(py, profile, None).map(Arc::new)
    }

    /// The engine of the profile that `overrides` and the environment lead to; the one
    /// that is in use already, if all that it was made of is the same.
    pub(crate) fn of_profile(py: Python<'_>, overrides: &Overrides) -> PyResult<Arc<Self>> {
        let env = Env::from_process();
        let profile = profile::resolve(py, overrides, &env)?;
        if let Some(engine) = find(&profile, &env) {
            return Ok(engine);
        }
        let source = Some((profile.clone(), env));
        let engine = Arc::new(Self::build(py, profile, source)?);
        Ok(share(engine))
    }

    fn build(py: Python<'_>, profile: Profile, source: Option<(Profile, Env)>) -> PyResult<Self> {
        let (profile, emulator) = profile::settle(py, profile)?;
        let hub = Arc::new(Hub::default());
        let told = Arc::clone(&hub);
        let built = || -> Result<TokenClient, Error> {
            let transport = profile.transport()?.build();
            let builder = profile.client_builder(transport)?;
            builder.on_event(move |event| told.tell(event)).build()
        };
        Ok(Self {
            client: built().map_err(|error| exception(py, &error))?,
            request: profile.request,
            keeps_nothing: profile.store == Store::None,
            api_base: profile.api_base,
            hub,
            source,
            last: ArcSwapOption::empty(),
            _emulator: emulator,
        })
    }

    /// The token that is fresh, if there is one. Nothing is locked, sent or made.
    #[inline]
    pub(crate) fn fresh(&self) -> Option<Token> {
        match self.keeps_nothing {
            true => None,
            false => self.client.fresh_access_token(),
        }
    }

    /// A token, when it is there.
    pub(crate) fn obtaining(&self, options: CallOptions) -> Obtaining {
        let client = self.client.clone();
        if self.keeps_nothing {
            let request = self.request.clone();
            return Box::pin(async move { client.request_access_token(&request).await });
        }
        Box::pin(async move { client.access_token_with_options(None, options).await })
    }

    pub(crate) fn invalidate(&self, token: &AccessToken) {
        self.client.invalidate(&token.token);
    }

    pub(crate) fn token_endpoint(&self) -> &Endpoint {
        self.client.token_endpoint()
    }

    /// `token` as Python has it: the same object for the same token.
    pub(crate) fn hand_out(&self, py: Python<'_>, token: &Token) -> PyResult<Py<AccessToken>> {
        let last = self.last.load();
        if let Some(held) = &*last
            // It is alive, so no other text can be where its text is.
            && std::ptr::eq(held.get().token.value(), token.value())
        {
            return Ok(held.clone_ref(py));
        }
        let made = Py::new(py, AccessToken::keeping(token))?;
        self.last.store(Some(Arc::new(made.clone_ref(py))));
        Ok(made)
    }

    fn is_of(&self, profile: &Profile, env: &Env) -> bool {
        let source = self.source.as_ref();
        source.is_some_and(|(mine, my_env)| mine.is_same_as(profile) && my_env == env)
    }
}

fn find(profile: &Profile, env: &Env) -> Option<Arc<Engine>> {
    let shared = SHARED.load();
    let engines = shared.iter().flat_map(|engines| engines.iter());
    engines
        .filter_map(Weak::upgrade)
        .find(|engine| engine.is_of(profile, env))
}

/// Makes `engine` known, unless somebody else was faster, whose engine it is then.
fn share(engine: Arc<Engine>) -> Arc<Engine> {
    let Some((profile, env)) = &engine.source else {
        return engine;
    };
    loop {
        let seen = SHARED.load();
        if let Some(other) = find(profile, env) {
            return other;
        }
        let engines = seen.iter().flat_map(|engines| engines.iter());
        let living = engines.filter(|engine| engine.strong_count() > 0).cloned();
        let all: Vec<_> = living.chain([Arc::downgrade(&engine)]).collect();
        let before = SHARED.compare_and_swap(&seen, Some(Arc::new(all)));
        if before.as_ref().map(Arc::as_ptr) == seen.as_ref().map(Arc::as_ptr) {
            return Arc::clone(&engine);
        }
    }
}
