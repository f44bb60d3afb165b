//! What the engine does, told to whoever wants to know.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::store::{MissReason, StoreError};

/// Something that happened while a token was obtained. No event holds a token or
/// a secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A request is about to be sent.
    #[non_exhaustive]
    AttemptStarted {
        /// The token endpoint.
        endpoint: Endpoint,
        /// Counts from 1 within a flight.
        attempt: u32,
    },
    /// A request failed.
    #[non_exhaustive]
    AttemptFailed {
        /// Counts from 1 within a flight.
        attempt: u32,
        /// Why.
        error: Error,
        /// How long the request took.
        took: Duration,
        /// The pause before the next attempt; `None` if there is none.
        retry_in: Option<Duration>,
    },
    /// A token was obtained.
    #[non_exhaustive]
    TokenObtained {
        /// How many requests it took.
        attempts: u32,
        /// How long the flight took.
        took: Duration,
        /// The token's life, counted from before its request.
        lifetime: Duration,
    },
    /// A flight failed while a live token was there, which goes on being handed
    /// out.
    #[non_exhaustive]
    RenewalFailed {
        /// Why.
        error: Error,
        /// How long the live token will be handed out.
        valid_for: Duration,
        /// The pause before the next try.
        retry_in: Duration,
    },
    /// An API rejected a token; it is not handed out again.
    #[non_exhaustive]
    TokenRejected {
        /// What was left of its life.
        expires_in: Duration,
    },
    /// The server asked for a pause: until it is over, a live token is handed out, or
    /// the failure.
    #[non_exhaustive]
    CoolDownEntered {
        /// How long it lasts.
        wait: Duration,
    },
    /// A token was taken from the store.
    #[non_exhaustive]
    TokenRestored {
        /// What is left of its life.
        expires_in: Duration,
    },
    /// The store had nothing that could be used.
    #[non_exhaustive]
    StoreMissed {
        /// Why.
        reason: MissReason,
    },
    /// The store does not work: tokens are kept in memory alone. Told once by a client.
    #[non_exhaustive]
    StoreUnavailable {
        /// Why.
        error: StoreError,
    },
}

/// The hook that events go to. It must not block: it runs on the thread that
/// carries the flights. A panic in it is contained.
#[derive(Clone, Default)]
pub(crate) struct EventHook(Option<Arc<Hook>>);

type Hook = dyn Fn(&Event) + Send + Sync;

impl EventHook {
    pub(crate) fn new(hook: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hook)))
    }

    pub(crate) fn emit(&self, event: impl FnOnce() -> Event) {
        if let Some(hook) = &self.0 {
            let event = event();
            // A defect of the observer must not cost the observed its token.
            let _ = std::panic::catch_unwind(AssertUnwindSafe(|| hook(&event)));
        }
    }
}

impl fmt::Debug for EventHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "EventHook(set)"
        } else {
            "EventHook(none)"
        })
    }
}
