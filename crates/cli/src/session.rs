//! From flags to a token: the profile resolved, the emulator started if it is the
//! provider, the events wired to the console.
//!
//! Most runs print a token that is kept. So what costs time (the runtime, the trust
//! store, threads) is made when nothing usable is kept, and not before.

mod emulator;
mod flags;
mod late;
mod misses;
mod stage;
mod watching;
mod wish;

use std::cell::RefCell;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{Request, Response};
use prove_token::store::MissReason;
use prove_token::transport::{Body, Transport, TransportError};
use prove_token::{
    AccessToken, CallOptions, Error, ErrorKind, RequestBudget, SystemClock, TokenClient,
    TokenStatus,
};
use prove_token_config::{Origin, Overrides, Profile, Row, SecretOverride, Store, Target};
use prove_token_emulator::Emulator;
use tokio::sync::oneshot;

pub(crate) use self::emulator::with_emulator;
pub(crate) use self::flags::overrides;
pub(crate) use self::flags::secret_from_stdin;
use self::late::LateTransport;
use self::misses::Misses;
pub(crate) use self::stage::{Stage, blocking, check_room, runtime};
use self::watching::Habit;
pub(crate) use self::wish::Wish;
use crate::args::{ProfileFlags, TokenFlags};
use crate::command::Context;
use crate::console::Console;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{report, screen};

/// Everything that is set up for one command.
pub(crate) struct Session {
    pub(crate) profile: Profile,
    client: TokenClient,
    /// Shared with the client, so that a call to the same host reuses the
    /// connection that brought the token.
    transport: Arc<LateTransport>,
    stage: Stage,
    console: Arc<Console>,
    misses: Arc<Misses>,
    /// Whether `PROVE_EMULATOR` says that one is running.
    needs_emulator: bool,
    /// Ends with the session.
    emulator: Option<Emulator>,
}

impl Session {
    /// Resolves the profile that `flags` and the environment ask for. Nothing is
    /// sent yet; what is sent later has to end within `limit`.
    pub(crate) fn start(
        flags: &ProfileFlags,
        limit: Option<Duration>,
        context: &Context,
    ) -> Result<Self, Failure> {
        let profile = resolve(flags, context)?;
        explain(&profile, &context.console);
        Self::open(profile, limit, context)
    }

    /// As [`start`](Self::start), with a profile that is resolved.
    pub(crate) fn open(
        profile: Profile,
        limit: Option<Duration>,
        context: &Context,
    ) -> Result<Self, Failure> {
        Self::open_as(Habit::OneShot, profile, limit, context)
    }

    fn open_as(
        habit: Habit,
        profile: Profile,
        limit: Option<Duration>,
        context: &Context,
    ) -> Result<Self, Failure> {
        let needs_emulator = matches!(profile.target, Target::Emulator { url: Some(_) });
        let (profile, emulator) = with_emulator(profile, &context.console)?;
        let progress = progress(&profile, context);
        let (transport, misses) = (Arc::default(), Arc::default());
        Ok(Self {
            client: client(habit, &profile, &transport, &misses, &context.console)?,
            profile,
            misses,
            transport,
            stage: Stage::new(limit, progress),
            console: Arc::clone(&context.console),
            needs_emulator,
            emulator,
        })
    }

    /// A token for what the profile asks for.
    pub(crate) fn access_token(&self, wish: Wish) -> Result<AccessToken, Failure> {
        match self.kept_token(wish)? {
            Some(token) => Ok(token),
            None if wish.cached_only => Err(self.nothing_kept()),
            None => self.run(self.obtain(wish)),
        }
    }

    /// Where the emulator listens that ends with this process; `None` without one.
    pub(crate) fn own_emulator(&self) -> Option<&str> {
        self.emulator.as_ref().map(Emulator::url)
    }

    /// The token that is kept, if it will do. Nobody is asked.
    pub(crate) fn kept_token(&self, wish: Wish) -> Result<Option<AccessToken>, Failure> {
        if wish.no_cache {
            return Ok(None);
        }
        if let Some(problem) = &self.profile.store_problem {
            report::not_kept(&self.console, problem);
        }
        if wish.force || self.profile.store != Store::File {
            return Ok(None);
        }
        if !self.profile.reads_secret_slowly() {
            return Ok(self.client.cached_access_token(None, self.options(wish))?);
        }
        // A command or a keyring takes its time, which the limit and signals end: see
        // `obtain`, which looks for what is kept as well.
        match wish.cached_only {
            true => self.run(self.look(wish)),
            false => Ok(None),
        }
    }

    /// What is known of the token. Nobody is asked for it.
    pub(crate) fn status(&self) -> Result<TokenStatus, Failure> {
        match self.profile.reads_secret_slowly() {
            false => Ok(self.client.stored_status(None)?),
            true => self.run(self.apart(|client| client.stored_status(None))),
        }
    }

    /// When the token that is kept ends, as its entry says; no secret is read.
    pub(crate) fn stored_until(&self) -> Result<Option<SystemTime>, Failure> {
        Ok(self.client.stored_until(None)?)
    }

    /// The token that is kept, if it will do.
    async fn look(&self, wish: Wish) -> Result<Option<AccessToken>, Failure> {
        let options = self.options(wish);
        self.apart(move |client| client.cached_access_token(None, options))
            .await
    }

    /// Reads on a thread, for the secret may take its time.
    async fn apart<T: Send + 'static>(
        &self,
        read: impl FnOnce(TokenClient) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Failure> {
        let client = self.client.clone();
        let (done, outcome) = oneshot::channel();
        let work = move || done.send(read(client));
        // Without a thread, or after a panic, nothing is sent.
        let thread = std::thread::Builder::new().spawn(work);
        match outcome.await {
            Ok(read) => Ok(read?),
            Err(_) => Err(Failure::new(
                ErrorKind::Internal,
                match thread {
                    Ok(_) => "reading the client secret panicked".to_owned(),
                    Err(error) => format!("cannot start a thread: {}", error.kind()),
                },
            )),
        }
    }

    /// A token, from the server if none that is kept will do.
    pub(crate) async fn obtain(&self, wish: Wish) -> Result<AccessToken, Failure> {
        self.set_up_transport()?;
        if wish.no_cache || self.profile.store == Store::None {
            let request = &self.profile.request;
            return Ok(self.client.request_access_token(request).await?);
        }
        let options = self.options(wish);
        if !wish.force || self.profile.store != Store::File {
            return Ok(self.client.access_token_with_options(None, options).await?);
        }
        // If there is no new one, this one still lives.
        let kept = self.look(Wish::default()).await?;
        let token = self.client.access_token_with_options(None, options).await?;
        if kept.is_some_and(|kept| kept.value() == token.value()) {
            self.console.notice(
                "no new token could be had: this is the one that was kept (--verbose says why)",
            );
        }
        Ok(token)
    }

    /// Another token than `rejected`, which an API did not accept.
    pub(crate) async fn replace(
        &self,
        rejected: &AccessToken,
        wish: Wish,
    ) -> Result<AccessToken, Failure> {
        self.client.invalidate(rejected);
        let wish = Wish {
            force: false,
            ..wish
        };
        self.obtain(wish).await
    }

    /// Sends a request to the API, within the budget of its origin.
    pub(crate) async fn send(
        &self,
        request: Request<Body>,
    ) -> Result<Result<Response<Body>, TransportError>, Failure> {
        self.set_up_transport()?;
        if let Some(api) = &self.profile.api_base {
            self.stage.waits_for(api.origin());
        }
        if let Some(budget) = self.budget_of_api() {
            budget.admit(&SystemClock).await?;
        }
        Ok(self.transport.send(request).await)
    }

    /// Runs `work` to its end or to the limit.
    pub(crate) fn run<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let done = self.stage.run(work);
        done.map_err(|failure| mind_emulator(failure, self.needs_emulator))
    }

    fn set_up_transport(&self) -> Result<(), Failure> {
        let make = || Ok(self.profile.transport()?.build());
        self.transport.set_up(make)
    }

    /// A request ends by its own limits, and the command by `--timeout`: a wait that
    /// ended before would end the request with the process.
    fn options(&self, wish: Wish) -> CallOptions {
        CallOptions::new()
            .force(wish.force)
            .min_validity(wish.min_validity)
            .max_wait(self.profile.timeouts.flight * 3)
    }

    /// The rate limit is of an origin, which the API may share with the tokens.
    fn budget_of_api(&self) -> Option<&RequestBudget> {
        let (api, tokens) = (
            self.profile.api_base.as_ref()?,
            self.profile.token_endpoint.as_ref()?,
        );
        (api.origin() == tokens.origin()).then_some(&self.profile.budget)
    }

    /// Why `--cached-only` found nothing.
    pub(crate) fn nothing_kept(&self) -> Failure {
        let failure = Failure::new(ErrorKind::Expired, "no usable token is kept")
            .hint("leave out --cached-only to request one");
        match (self.profile.store, self.misses.last()) {
            (Store::File, None) => failure.hint("there is one, and it is time to renew it"),
            (Store::File, Some(MissReason::Absent)) => failure,
            (Store::File, Some(reason)) => failure.hint(format!(
                "there is one that cannot be used: {}",
                reason.as_str()
            )),
            (other, _) => failure.hint(format!(
                "tokens outlive a command with store = \"file\" alone, and it is \"{}\"",
                other.as_str()
            )),
        }
    }
}

/// The profile that `flags`, the environment and the configuration file make.
pub(crate) fn resolve(flags: &ProfileFlags, context: &Context) -> Result<Profile, Failure> {
    let overrides = overrides(flags, context)?;
    Ok(Profile::resolve(&overrides, &context.env)?)
}

/// As [`resolve`], for a token that is held for as long as the command lasts; what is to
/// be known of the profile is said.
pub(crate) fn resolve_to_hold(flags: &ProfileFlags, context: &Context) -> Result<Profile, Failure> {
    let profile = resolve(flags, context)?;
    explain(&profile, &context.console);
    if let Some(problem) = &profile.store_problem {
        report::not_kept(&context.console, problem);
    }
    Ok(profile)
}

/// `failure`, where `needs_emulator` says that one was to run already.
pub(crate) fn mind_emulator(failure: Failure, needs_emulator: bool) -> Failure {
    match failure.kind() {
        ErrorKind::Connect if needs_emulator => failure
            .hint("no emulator listens there: start prove-token emulator, or unset PROVE_EMULATOR"),
        _ => failure,
    }
}

/// What `flags` and the global flags say about a token.
pub(crate) fn token_overrides(flags: &TokenFlags, context: &Context) -> Result<Overrides, Failure> {
    flags::of_token(flags, context)
}

/// A client that forgets tokens, and could obtain none: no secret is looked for.
/// `None` for the built-in emulator, which keeps none.
pub(crate) fn without_secret(
    flags: &TokenFlags,
    context: &Context,
) -> Result<Option<TokenClient>, Failure> {
    let overrides = Overrides {
        client_secret: Some(SecretOverride::None),
        ..flags::of_token(flags, context)?
    };
    let profile = Profile::resolve(&overrides, &context.env)?;
    if matches!(profile.target, Target::Emulator { url: None }) {
        return Ok(None);
    }
    if let Some(problem) = &profile.store_problem {
        report::not_kept(&context.console, problem);
    }
    let (profile, _) = with_emulator(profile, &context.console)?;
    let (transport, misses) = (Arc::default(), Arc::default());
    let habit = Habit::OneShot;
    client(habit, &profile, &transport, &misses, &context.console).map(Some)
}

fn client(
    habit: Habit,
    profile: &Profile,
    transport: &Arc<LateTransport>,
    misses: &Arc<Misses>,
    console: &Arc<Console>,
) -> Result<TokenClient, Failure> {
    let (misses, console) = (Arc::clone(misses), Arc::clone(console));
    let builder = profile
        .client_builder(Arc::clone(transport))?
        .background_renewal(matches!(habit, Habit::Watching(_)))
        .on_event(move |event| {
            if misses.is_news(event) {
                report::event(&console, event);
            }
            if let Habit::Watching(listener) = &habit {
                listener(event);
            }
        });
    Ok(builder.build()?)
}

/// What a person at a terminal sees of a wait; a command that prints the secret may ask
/// something there, and is left alone.
pub(crate) fn progress(profile: &Profile, context: &Context) -> Option<Progress> {
    let endpoint = profile.token_endpoint.as_ref()?;
    let is_seen = context.console.shows_progress(&context.env) && !profile.reads_secret_slowly();
    is_seen.then(|| Progress {
        console: Arc::clone(&context.console),
        unicode: screen::shows_unicode(&context.env),
        waits_for: RefCell::new(endpoint.origin().to_owned()),
    })
}

fn explain(profile: &Profile, console: &Console) {
    if !console.verbose {
        return;
    }
    let is_news = |row: &Row| row.origin != Origin::Default || !row.key.starts_with("renewal.");
    for row in profile.explain().into_iter().filter(is_news) {
        report::note(
            console,
            "setting",
            &format!("{} = {} ({})", row.key, row.value, row.origin),
        );
    }
}
