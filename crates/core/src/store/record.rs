//! What is written into a store, before it is sealed: a token with its life, or a
//! failure with its pauses.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::MissReason;
use crate::clock::{BootId, Clock, Now};
use crate::error::{Error, ErrorKind};
use crate::renewal::{Failures, Pauses, RenewalPolicy, Setback};
use crate::secret::Secret;
use crate::token::{Details, Life, TokenData};

/// A moment by both clocks, as far as another process can make sense of it.
#[derive(Clone, Copy, Deserialize, Serialize)]
struct Moment {
    wall_ms: u64,
    boot_ms: u64,
    /// `None` where the machine does not tell: then the wall clock alone counts.
    boot_id: Option<[u8; 16]>,
}

impl Moment {
    fn new(at: Now, clock: &dyn Clock) -> Self {
        Self {
            wall_ms: millis(at.wall),
            boot_ms: millis(at.boot),
            boot_id: clock.boot_id().map(|BootId(id)| id),
        }
    }

    /// How long ago it was, by each clock: the boot clock counts only if it has not
    /// started anew. `None` if it has yet to come.
    fn age(&self, clock: &dyn Clock, now: Now) -> Option<(Duration, Duration)> {
        let wall = now.wall.checked_sub(Duration::from_millis(self.wall_ms))?;
        let is_same_boot =
            self.boot_id.is_some() && self.boot_id == clock.boot_id().map(|BootId(id)| id);
        let boot = match is_same_boot {
            true => now.boot.checked_sub(Duration::from_millis(self.boot_ms))?,
            false => wall,
        };
        Some((wall, boot))
    }
}

#[derive(Deserialize, Serialize)]
struct TokenRecord {
    access_token: String,
    scope: Option<String>,
    refresh_token: Option<String>,
    refresh_expires_in: Option<u64>,
    obtained: Moment,
    lifetime_ms: u64,
    jitter_ms: u64,
}

impl Drop for TokenRecord {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;
        self.access_token.zeroize();
        self.refresh_token.zeroize();
    }
}

/// The text of `token`.
pub(super) fn write_token(token: &TokenData, clock: &dyn Clock) -> Zeroizing<Vec<u8>> {
    let (life, details) = (token.life(), token.details());
    let refresh_token = details.refresh_token.as_ref();
    let record = TokenRecord {
        access_token: token.value().to_owned(),
        scope: details.scope.as_ref().map(ToString::to_string),
        refresh_token: refresh_token.map(|token| token.expose_secret().to_owned()),
        refresh_expires_in: details.refresh_expires_in.map(|left| left.as_secs()),
        obtained: Moment::new(life.obtained(), clock),
        lifetime_ms: millis(life.lifetime()),
        jitter_ms: millis(life.jitter()),
    };
    Zeroizing::new(serde_json::to_vec(&record).expect("plain fields make JSON"))
}

/// The token of `text`, if it can still be used.
pub(super) fn read_token(
    text: &[u8],
    clock: &Arc<dyn Clock>,
    policy: &RenewalPolicy,
) -> Result<TokenData, MissReason> {
    let record: TokenRecord = serde_json::from_slice(text).map_err(|_| MissReason::Damaged)?;
    let is_header_text =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    if !is_header_text(&record.access_token) {
        return Err(MissReason::Damaged);
    }
    let now = clock.now();
    let age = record.obtained.age(&**clock, now);
    let (wall, boot) = age.ok_or(MissReason::FromTheFuture)?;
    let lifetime = policy.believed(Duration::from_millis(record.lifetime_ms));
    // A life that another policy believed in longer is cut at its start.
    let end = Now {
        boot: now.boot.saturating_add(lifetime.saturating_sub(boot)),
        wall: now.wall.saturating_add(lifetime.saturating_sub(wall)),
    };
    let jitter = Duration::from_millis(record.jitter_ms);
    let life = Life::ending(end, lifetime, policy, jitter);
    if !life.is_usable(now) {
        return Err(MissReason::Expired);
    }
    let scope = match record.scope.as_deref().map(str::parse).transpose() {
        Ok(scope) => scope,
        Err(_) => return Err(MissReason::Damaged),
    };
    let details = Details {
        scope,
        refresh_token: record.refresh_token.as_deref().map(Secret::new),
        refresh_expires_in: record.refresh_expires_in.map(Duration::from_secs),
    };
    let value = Secret::new(record.access_token.as_str());
    Ok(TokenData::new(&value, life, details, Arc::clone(clock)).restored())
}

/// A failure that another process met with, or this one before.
#[derive(Clone, Debug)]
pub(crate) struct Remembered {
    pub(crate) setback: Setback,
    /// Whether there was no live token then, or the last of its life had begun.
    pub(crate) was_urgent: bool,
    /// How long ago.
    pub(crate) age: Duration,
}

impl Remembered {
    /// The error, with what is left of its pause as the time to wait.
    pub(crate) fn told(self, has_token: bool) -> Error {
        let pauses = self.setback.pauses;
        let pause = if has_token { pauses.renew } else { pauses.ask };
        let left = pause.saturating_sub(self.age);
        self.setback.error.with_retry_after(Some(left))
    }
}

#[derive(Deserialize, Serialize)]
struct FailureRecord {
    kind: String,
    message: String,
    hint: Option<String>,
    is_retryable: bool,
    http_status: Option<u16>,
    failed: Moment,
    failures: u32,
    rejections: u32,
    renew_ms: u64,
    ask_ms: u64,
    was_told: bool,
    was_urgent: bool,
}

pub(super) fn write_failure(setback: &Setback, was_urgent: bool, clock: &dyn Clock) -> Vec<u8> {
    let error = &setback.error;
    let record = FailureRecord {
        kind: error.kind().as_str().to_owned(),
        message: error.to_string(),
        hint: error.hint().map(str::to_owned),
        is_retryable: error.is_retryable(),
        http_status: error.http_status(),
        failed: Moment::new(clock.now(), clock),
        failures: setback.failures.all(),
        rejections: setback.failures.rejections(),
        renew_ms: millis(setback.pauses.renew),
        ask_ms: millis(setback.pauses.ask),
        was_told: setback.was_told,
        was_urgent,
    };
    serde_json::to_vec(&record).expect("plain fields make JSON")
}

pub(super) fn read_failure(text: &[u8], clock: &dyn Clock) -> Result<Remembered, MissReason> {
    let record: FailureRecord = serde_json::from_slice(text).map_err(|_| MissReason::Damaged)?;
    let kind = ErrorKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == record.kind)
        .ok_or(MissReason::Damaged)?;
    let age = record.failed.age(clock, clock.now());
    let (wall, boot) = age.ok_or(MissReason::FromTheFuture)?;
    let mut error = Error::new(kind, record.message).with_retryable(record.is_retryable);
    if let Some(hint) = record.hint {
        error = error.with_hint(hint);
    }
    if let Some(status) = record.http_status {
        error = error.with_response(status, None);
    }
    Ok(Remembered {
        setback: Setback {
            error,
            failures: Failures::new(record.failures, record.rejections),
            pauses: Pauses {
                renew: Duration::from_millis(record.renew_ms),
                ask: Duration::from_millis(record.ask_ms),
            },
            was_told: record.was_told,
        },
        was_urgent: record.was_urgent,
        // A clock that was set forward costs a request, and never blocks one.
        age: wall.max(boot),
    })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
