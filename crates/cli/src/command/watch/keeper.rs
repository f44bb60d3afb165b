//! The loop: tokens come, files are written, systemd and the reader are told.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use prove_token::{AccessToken, Error, ErrorKind, Event, TokenWatch};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::sleep;

use super::input::inputs;
use super::notifier::{Notifier, State};
use super::outlook::{Outlook, Setback};
use super::reaction::Reaction;
use super::sink::{Outcome, Sinks};
use super::timer::{Timer, after};
use crate::args::ProfileFlags;
use crate::command::Context;
use crate::console::Console;
use crate::failure::Failure;
use crate::interrupt;
use crate::session::Session;
use crate::times;

/// The pause before a file that could not be written is tried again.
const PAUSE: Duration = Duration::from_secs(10);

/// Everything that one watch holds.
#[derive(Debug)]
pub(super) struct Keeper {
    sinks: Sinks,
    reaction: Reaction,
    once: bool,
    /// How long the first token may take.
    limit: Option<Duration>,
    outlook: Outlook,
    notifier: Notifier,
    console: Arc<Console>,
    profile: String,
    /// The token that the files should hold.
    token: Option<AccessToken>,
    /// Whether they have held one.
    is_ready: bool,
    /// Until a file is tried again.
    pause: Timer,
}

impl Keeper {
    pub(super) fn new(sinks: Sinks, reaction: Reaction, once: bool, context: &Context) -> Self {
        let console = Arc::clone(&context.console);
        Self {
            sinks,
            reaction,
            once,
            limit: context.global.timeout,
            outlook: Outlook::new(Arc::clone(&console)),
            notifier: Notifier::new(&context.env),
            console,
            profile: String::new(),
            token: None,
            is_ready: false,
            pause: None,
        }
    }

    /// Until a signal asks for an end, which is a success, or nothing can be done.
    pub(super) fn run(mut self, flags: &ProfileFlags, context: &Context) -> Result<(), Failure> {
        let (teller, setbacks) = unbounded_channel();
        let session = Session::start_watching(flags, context, move |event| {
            if let Some(setback) = setback(event) {
                // Nobody listens any more when the command ends.
                let _ = teller.send(setback);
            }
        })?;
        self.sinks.spare(&inputs(&session.profile, context))?;
        if let Some(url) = session.own_emulator() {
            self.console
                .notice(&format!("the built-in emulator listens at {url}"));
        }
        self.profile.clone_from(&session.profile.name);
        let watch = session.watch()?;
        let work = self.keep(watch, setbacks, &session);
        let ended = session.block_on(async { interrupt::or(asked_to_end(), work).await })?;
        self.notifier.tell(&[State::Stopping]);
        match ended {
            Ok(outcome) => outcome,
            // The terminal is gone: nobody asked this command to end.
            Err(HANG_UP) => Err(Failure::interrupted(HANG_UP)),
            Err(_) => Ok(()),
        }
    }

    async fn keep(
        &mut self,
        mut watch: TokenWatch,
        mut setbacks: UnboundedReceiver<Setback>,
        session: &Session,
    ) -> Result<(), Failure> {
        let mut reloads = Reloads::listen();
        let mut limit = self.limit.map(|limit| Box::pin(sleep(limit)));
        loop {
            tokio::select! {
                sight = watch.next() => match sight {
                    Ok(token) => self.take(token).await?,
                    Err(error) => self.has_no_token(error)?,
                },
                Some(setback) = setbacks.recv() => self.could_not_renew(&setback),
                () = reloads.next() => self.reload(session),
                () = self.reaction.step() => {}
                () = after(&mut self.pause) => self.write().await?,
                () = self.notifier.is_due() => self.notifier.tell(&[State::Alive]),
                () = after(&mut limit), if !self.is_ready => {
                    return Err(Failure::timed_out(self.limit.unwrap_or_default()));
                }
            }
            if self.once && self.is_ready && self.reaction.is_idle() {
                return self.reaction.take_failure().map_or(Ok(()), Err);
            }
        }
    }

    async fn take(&mut self, token: AccessToken) -> Result<(), Failure> {
        self.outlook.is_well();
        self.token = Some(token);
        self.write().await
    }

    /// Brings the files up to date. Only what was there before the first token is a
    /// reason to end: later, the next try may work.
    async fn write(&mut self) -> Result<(), Failure> {
        self.pause = None;
        let Some(token) = &self.token else {
            return Ok(());
        };
        let life = times::brief(token.expires_in());
        let mut failure = None;
        for Outcome { name, written } in self.sinks.put(token, &self.profile).await {
            match written {
                Ok(true) => {
                    self.console
                        .notice(&format!("{name} holds a new token, which lives {life}"));
                    self.reaction.changed();
                }
                Ok(false) if self.is_ready => {}
                Ok(false) => self.console.notice(&format!(
                    "{name} holds the token already, which lives {life}"
                )),
                Err(error) => failure = Some(unwritten(&name, &error)),
            }
        }
        match failure {
            Some(failure) if !self.is_ready => return Err(failure),
            Some(failure) => {
                self.outlook.cannot_write(&failure);
                self.notifier.tell(&[State::Status(failure.message())]);
                self.pause = Some(Box::pin(sleep(PAUSE)));
            }
            None => {
                self.outlook.can_write();
                self.is_written();
            }
        }
        Ok(())
    }

    fn is_written(&mut self) {
        let ends = self.token.as_ref().map(AccessToken::expires_at);
        let ends = ends.and_then(|ends| times::rfc3339(times::epoch(ends).try_into().ok()?));
        let status = match ends {
            Some(ends) => format!("the token in the files lives until {ends}"),
            None => "the token is in the files".to_owned(),
        };
        let was_ready = std::mem::replace(&mut self.is_ready, true);
        match was_ready {
            true => self.notifier.tell(&[State::Status(&status)]),
            false => self.notifier.tell(&[State::Ready, State::Status(&status)]),
        }
    }

    fn has_no_token(&mut self, error: Error) -> Result<(), Failure> {
        if !self.is_ready && !error.is_retryable() {
            return Err(error.into());
        }
        if let Some(words) = self.outlook.is_without(&error) {
            self.notifier.tell(&[State::Status(&words)]);
        }
        Ok(())
    }

    fn could_not_renew(&mut self, setback: &Setback) {
        if let Some(words) = self.outlook.is_late(setback) {
            self.notifier.tell(&[State::Status(&words)]);
        }
    }

    /// What comes of it is told as of any renewal, so the reload itself is done at once.
    fn reload(&mut self, session: &Session) {
        self.console
            .notice("SIGHUP: the client secret is read again, and the token renewed");
        // Who is not ready yet cannot reload.
        let tell = |state| self.is_ready.then(|| self.notifier.tell(&[state]));
        tell(State::Reloading);
        session.credentials_changed();
        tell(State::Ready);
    }
}

fn setback(event: &Event) -> Option<Setback> {
    match event {
        Event::RenewalFailed {
            error,
            valid_for,
            retry_in,
            ..
        } => Some(Setback {
            error: error.clone(),
            valid_for: *valid_for,
            retry_in: *retry_in,
        }),
        _ => None,
    }
}

fn unwritten(name: &str, error: &io::Error) -> Failure {
    Failure::new(
        ErrorKind::Internal,
        format!("the sink {name} cannot be written: {}", error.kind()),
    )
    .hint("see whether its folder may be written by the user that runs this, and has room")
}

const HANG_UP: u8 = 1;

/// Whoever started us at a terminal is gone when it hangs up; a service is told to
/// reload.
#[cfg(unix)]
fn is_at_terminal() -> bool {
    io::IsTerminal::is_terminal(&io::stderr())
}

#[cfg(unix)]
async fn asked_to_end() -> u8 {
    use tokio::signal::unix::SignalKind;
    let hang_up = is_at_terminal().then(SignalKind::hangup);
    let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
    interrupt::Signals::listen(kinds.into_iter().chain(hang_up))
        .next()
        .await
}

#[cfg(not(unix))]
async fn asked_to_end() -> u8 {
    std::future::pending().await
}

/// SIGHUP, where it means to reload.
struct Reloads {
    #[cfg(unix)]
    signals: interrupt::Signals,
}

impl Reloads {
    fn listen() -> Self {
        Self {
            #[cfg(unix)]
            signals: interrupt::Signals::listen(
                (!is_at_terminal()).then(tokio::signal::unix::SignalKind::hangup),
            ),
        }
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        self.signals.next().await;
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        std::future::pending().await
    }
}
