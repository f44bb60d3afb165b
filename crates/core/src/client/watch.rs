//! A token kept warm: renewed on time whether anybody asks for it or not.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;

use super::voyage::Voyage;
use super::{Inner, TokenClient};
use crate::cache::{Demand, Slot};
use crate::clock::{Clock, Now};
use crate::error::{Error, ErrorKind};
use crate::obtain::within;
use crate::options::CallOptions;
use crate::process::Owned;
use crate::renewal::Failures;
use crate::request::AccessTokenRequest;
use crate::token::{AccessToken, Flag, TokenData};

/// How far a keeper looks ahead at most: its timer stands still while the machine is
/// suspended, and knows nothing of a wall clock that is set.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Should a slot be due again right after it was seen to, its keeper takes a breath.
const BREATH: Duration = Duration::from_millis(250);

/// Of so many tokens in a row that nobody read, the last is not renewed.
const UNREAD: u32 = 2;

/// What a watch has last seen.
type Sight = Option<Result<Arc<TokenData>, Error>>;

/// Follows the tokens of one request, and keeps them renewed as long as it lives; see
/// [`TokenClient::watch`].
pub struct TokenWatch {
    voyage: Voyage,
    /// A forked child needs a keeper of its own.
    sights: Option<Owned<watch::Receiver<Sight>>>,
}

impl TokenWatch {
    pub(super) fn new(voyage: Voyage) -> Self {
        Self {
            voyage,
            sights: None,
        }
    }

    /// The next token: at first the current one, then each that replaces it. It may
    /// be cancelled; nothing is missed but tokens that were replaced in between.
    ///
    /// # Errors
    ///
    /// As [`access_token`](TokenClient::access_token), once for each request that fails
    /// while there is no usable token; its [`retry_after`](Error::retry_after) is the time
    /// until the next one. The watch goes on: call it again to wait for what comes. While
    /// a token is usable, failures are events alone.
    pub async fn next(&mut self) -> Result<AccessToken, Error> {
        loop {
            let sights = self.sights()?;
            if sights.changed().await.is_err() {
                self.sights = None;
                return Err(cut_off());
            }
            match &*sights.borrow_and_update() {
                Some(Ok(token)) => return Ok(AccessToken::new(Arc::clone(token))),
                Some(Err(error)) => return Err(error.clone()),
                None => {}
            }
        }
    }

    fn sights(&mut self) -> Result<&mut watch::Receiver<Sight>, Error> {
        let is_ours = self.sights.as_ref().is_some_and(Owned::is_ours);
        if !is_ours {
            let (sender, sights) = watch::channel(None);
            let voyage = self.voyage.clone();
            let lane = voyage.client.0.lane.handle()?;
            lane.spawn(async move { watch_over(&voyage, &sender).await });
            self.sights = Some(Owned::new(sights));
        }
        let sights = self.sights.as_mut().expect("set above");
        Ok(sights.get_mut())
    }
}

impl fmt::Debug for TokenWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenWatch")
            .field("slot", &self.voyage.slot)
            .finish_non_exhaustive()
    }
}

/// Tells `sender` of each new token, until nobody listens.
async fn watch_over(voyage: &Voyage, sender: &watch::Sender<Sight>) {
    let work = async {
        let mut lookout = voyage.slot.lookout();
        let mut told = Failures::default();
        loop {
            // A failure is looked for where a request is due or has just failed: the slot
            // repeats the last one to whoever asks.
            let is_due = voyage.slot.due_in(voyage.now()) == Some(Duration::ZERO);
            let failure = match is_due || voyage.slot.failures() != told {
                true => see_to(voyage).await.map(|error| with_pause(voyage, error)),
                false => None,
            };
            told = voyage.slot.failures();
            tell(voyage, sender, failure);
            let sleep = until_due(voyage);
            within(
                lookout.changed(),
                voyage.client.0.obtainer.clock.sleep(sleep),
            )
            .await;
        }
    };
    within(work, sender.closed()).await;
}

/// Tells of a token that was not told before, or of the failure that there is none.
fn tell(voyage: &Voyage, sender: &watch::Sender<Sight>, failure: Option<Error>) {
    let current = voyage
        .slot
        .current()
        .filter(|token| token.is_usable(voyage.now()));
    let sight = match (current, failure) {
        (Some(token), _) => Ok(token),
        (None, Some(error)) => Err(error),
        (None, None) => return,
    };
    sender.send_if_modified(|seen| {
        let is_known = match (seen.as_ref(), &sight) {
            (Some(Ok(old)), Ok(new)) => old.has_same_value(new),
            _ => false,
        };
        if !is_known {
            *seen = Some(sight);
        }
        !is_known
    });
}

/// Starts what is due in the slot, and says how it failed if there is no token.
async fn see_to(voyage: &Voyage) -> Option<Error> {
    let demand = Demand::new(CallOptions::new(), true);
    voyage.slot.token(&demand, &voyage.gate()).await.err()
}

/// `error` with the time until the next request, if that is known.
fn with_pause(voyage: &Voyage, error: Error) -> Error {
    let last = voyage.slot.last_failure(false, voyage.now());
    last.unwrap_or(error)
}

/// How long to sleep; what was due just now has been seen to.
fn until_due(voyage: &Voyage) -> Duration {
    match voyage.slot.due_in(voyage.now()) {
        // The beacon tells when the flight has landed.
        None => LONGEST_SLEEP,
        Some(due) => due.clamp(BREATH, LONGEST_SLEEP),
    }
}

impl Voyage {
    fn now(&self) -> Now {
        self.client.0.obtainer.clock.now()
    }

    /// Keeps the slot warm from now on, until two of its tokens in a row have gone
    /// unread or the last has ended, the slot has made room for others, or the client
    /// is gone. The next call that has to wait starts anew.
    pub(super) fn keep_warm(&self) {
        let Ok(lane) = self.client.0.lane.handle() else {
            self.slot.is_left_alone();
            return;
        };
        let keeper = Keeper {
            client: Arc::downgrade(&self.client.0),
            slot: Arc::downgrade(&self.slot),
            request: self.request.clone(),
            clock: Arc::clone(&self.client.0.obtainer.clock),
        };
        lane.spawn(async move { keeper.run().await });
    }
}

/// Keeps a slot warm without holding on to it.
struct Keeper {
    client: Weak<Inner>,
    slot: Weak<Slot>,
    request: AccessTokenRequest,
    clock: Arc<dyn Clock>,
}

impl Keeper {
    async fn run(&self) {
        let mut unread = 0;
        let mut last: Option<Arc<TokenData>> = None;
        let Some(mut lookout) = self.slot.upgrade().map(|slot| slot.lookout()) else {
            return;
        };
        while let Some(voyage) = self.voyage() {
            let current = voyage.slot.current();
            let is_due = voyage
                .slot
                .due_in(voyage.now())
                .is_some_and(|due| due.is_zero());
            let is_live = current
                .as_ref()
                .is_some_and(|token| token.is_usable(voyage.now()));
            if is_due && !is_same(&last, &current) {
                let was_read = current.as_ref().is_some_and(|token| token.has(Flag::Used));
                unread = if was_read { 0 } else { unread + 1 };
                last = current;
            }
            if unread >= UNREAD || !is_live {
                voyage.slot.is_left_alone();
                return;
            }
            if is_due {
                see_to(&voyage).await;
            }
            let sleep = until_due(&voyage);
            drop(voyage);
            within(lookout.changed(), self.clock.sleep(sleep)).await;
        }
    }

    fn voyage(&self) -> Option<Voyage> {
        Some(Voyage {
            client: TokenClient(self.client.upgrade()?),
            slot: self.slot.upgrade()?,
            request: self.request.clone(),
            is_apart: false,
        })
    }
}

fn is_same(a: &Option<Arc<TokenData>>, b: &Option<Arc<TokenData>>) -> bool {
    a.as_ref().map(Arc::as_ptr) == b.as_ref().map(Arc::as_ptr)
}

fn cut_off() -> Error {
    Error::new(ErrorKind::Internal, "the watch over a token was cut off")
        .with_hint("the runtime given to the token client may have been shut down")
}
