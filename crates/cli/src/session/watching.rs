//! A session that keeps its token renewed for as long as it lasts.

use std::fmt;
use std::future::Future;

use prove_token::{Event, TokenWatch};

use super::{Session, resolve_to_hold};
use crate::args::ProfileFlags;
use crate::command::Context;
use crate::failure::Failure;

/// How long a session is there.
pub(super) enum Habit {
    /// For one token: a renewal in the background would end with the command.
    OneShot,
    /// As long as nobody ends it; events go here.
    Watching(Box<dyn Fn(&Event) + Send + Sync>),
}

impl Session {
    /// As [`start`](Session::start), to [`watch`](Session::watch). `listener` is told
    /// of events on the thread that carries the requests, and must not block it.
    pub(crate) fn start_watching(
        flags: &ProfileFlags,
        context: &Context,
        listener: impl Fn(&Event) + Send + Sync + 'static,
    ) -> Result<Self, Failure> {
        let profile = resolve_to_hold(flags, context)?;
        let habit = Habit::Watching(Box::new(listener));
        Self::open_as(habit, profile, None, context)
    }

    /// Follows the tokens of the profile.
    pub(crate) fn watch(&self) -> Result<TokenWatch, Failure> {
        self.set_up_transport()?;
        Ok(self.client.watch(Some(&self.profile.request)))
    }

    /// The secret may have changed: a renewal is due now.
    pub(crate) fn credentials_changed(&self) {
        self.client.credentials_changed();
    }

    /// Runs `work` to its end, whatever signals come.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        self.stage.block_on(work)
    }
}

impl fmt::Debug for Habit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneShot => "OneShot",
            Self::Watching(_) => "Watching",
        })
    }
}
