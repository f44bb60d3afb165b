//! Who calls: by a key or a local bearer on TCP, by the kernel's word on the Unix socket.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use prove_token::{Clock as _, SystemClock};
use prove_token_config::{Caller, Identity};

use crate::bearer::Bearers;
use crate::metrics::{CallerTally, Metrics};
use crate::peer::Peer;
use crate::reply::Refusal;

/// Everybody who may call.
#[derive(Debug)]
pub(crate) struct Callers {
    known: Vec<Arc<Known>>,
    /// Who may call without being named: the owner of the Unix socket, if there are no
    /// callers.
    owner: Option<Arc<Known>>,
    /// What some are given in place of tokens.
    pub(crate) bearers: Bearers,
}

/// A caller, and what is counted of it.
#[derive(Debug)]
pub(crate) struct Known {
    caller: Caller,
    pub(crate) tally: Arc<CallerTally>,
}

/// Who calls the API through the proxy.
#[derive(Debug)]
pub(crate) struct AtProxy<'h> {
    pub(crate) caller: Arc<Known>,
    /// The one profile that its bearer is for; `None` for all of the caller's.
    pub(crate) profile: Option<&'h str>,
}

/// The name of the caller that is the service's own user.
const OWNER: &str = "owner";

impl Callers {
    /// `callers`; without any, the service's own user (`uid`) gets `profiles`.
    pub(crate) fn new(
        callers: &[Caller],
        uid: u32,
        profiles: &[String],
        bearers: Bearers,
        metrics: &Metrics,
    ) -> Self {
        let known = |caller: Caller| {
            let tally = metrics.caller(&caller.name);
            Arc::new(Known { caller, tally })
        };
        let owner = || Caller::new(OWNER, Identity::Uid(uid), profiles.to_vec());
        Self {
            known: callers.iter().cloned().map(known).collect(),
            owner: callers.is_empty().then(|| known(owner())),
            bearers,
        }
    }

    /// Every caller there is.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Known>> {
        self.known.iter().chain(&self.owner)
    }

    /// Whether the kernel's word decides on the Unix socket, so that everybody may
    /// connect.
    pub(crate) fn are_told_by_the_kernel(&self) -> bool {
        !self.known.is_empty()
    }

    /// Who sent a request with these headers; one answer to whoever is not known.
    pub(crate) fn authenticate(
        &self,
        peer: &Peer,
        headers: &HeaderMap,
    ) -> Result<&Arc<Known>, Refusal> {
        let mut given = headers.get_all(AUTHORIZATION).iter();
        match (given.next(), given.next()) {
            (None, _) => self.by_peer(peer).ok_or_else(Refusal::unauthorized),
            (Some(_), Some(_)) => Err(Refusal::unauthorized()),
            (Some(value), None) => {
                let key = bearer(value.as_bytes()).ok_or_else(Refusal::unauthorized)?;
                self.by_key(key).ok_or_else(Refusal::unauthorized)
            }
        }
    }

    /// Who sent a request to the proxy: by a key or a local bearer or else, on the Unix
    /// socket, by the kernel's word, whatever the program says that it is.
    pub(crate) fn at_proxy<'h>(
        &self,
        peer: &Peer,
        headers: &'h HeaderMap,
    ) -> Result<AtProxy<'h>, Refusal> {
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let credential = match (given.next(), given.next()) {
            (Some(_), Some(_)) => return Err(unauthorized_at_proxy()),
            (value, _) => value.and_then(|value| bearer(value.as_bytes())),
        };
        let whole = |caller: &Arc<Known>| AtProxy {
            caller: Arc::clone(caller),
            profile: None,
        };
        let by_bearer = credential.and_then(|bearer| self.by_bearer(peer, bearer));
        let known = by_bearer
            .or_else(|| self.by_key(credential?).map(whole))
            .or_else(|| self.by_peer(peer).map(whole));
        known.ok_or_else(unauthorized_at_proxy)
    }

    /// The caller that a local bearer was given to. One that the kernel names is
    /// nobody where the kernel does not name it.
    fn by_bearer<'h>(&self, peer: &Peer, bearer: &'h [u8]) -> Option<AtProxy<'h>> {
        let bearer = self.bearers.check(std::str::from_utf8(bearer).ok()?)?;
        let is_meant = |caller: &&Arc<Known>| caller.name == bearer.caller;
        let caller = match self.by_peer(peer).filter(is_meant) {
            Some(caller) => Arc::clone(caller),
            None => {
                let has_key =
                    |caller: &&Arc<Known>| matches!(caller.identity, Identity::KeyHash(_));
                let mut known = self.known.iter();
                known
                    .find(|caller| is_meant(caller) && has_key(caller))
                    .cloned()?
            }
        };
        Some(AtProxy {
            caller,
            profile: bearer.profile,
        })
    }

    /// The caller of this name, if this is its key.
    pub(crate) fn by_name(&self, name: &str, key: &[u8]) -> Option<&Arc<Known>> {
        self.by_key(key).filter(|caller| caller.name == name)
    }

    /// Takes the same time whoever it is, and whether or not.
    fn by_key(&self, key: &[u8]) -> Option<&Arc<Known>> {
        let given = digest(&SHA256, key);
        let mut found = None;
        for caller in &self.known {
            if let Identity::KeyHash(hash) = &caller.identity
                && verify_slices_are_equal(hash, given.as_ref()).is_ok()
            {
                found = Some(caller);
            }
        }
        found
    }

    /// The caller that the kernel says it is.
    pub(crate) fn by_peer(&self, peer: &Peer) -> Option<&Arc<Known>> {
        let credentials = peer.credentials()?;
        let is_meant = |caller: &&Arc<Known>| match caller.identity {
            Identity::Uid(uid) => credentials.uid == uid,
            Identity::Gid(gid) => credentials.gid == gid,
            _ => false,
        };
        self.known.iter().chain(&self.owner).find(is_meant)
    }
}

/// The one answer to whoever is not known at the proxy.
fn unauthorized_at_proxy() -> Refusal {
    Refusal::unauthorized().hint(
        "send the caller's key as Authorization: Bearer KEY; an SDK that gets its bearer from \
         POST /token needs hands_out = \"proxy\" for its caller, for access tokens are not \
         accepted here",
    )
}

impl Known {
    /// Notes a request of this caller, and refuses it if there were too many in the last
    /// second.
    pub(crate) fn admit(&self) -> Result<(), Refusal> {
        self.tally.requests.fetch_add(1, Ordering::Relaxed);
        let Some(most) = self.rate_limit else {
            return Ok(());
        };
        if self.tally.window.take(most, SystemClock.coarse().monotonic) {
            return Ok(());
        }
        self.tally.over_quota.fetch_add(1, Ordering::Relaxed);
        Err(Refusal::over_quota())
    }
}

impl Deref for Known {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

/// The key of `Bearer KEY`.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = value.split_at_checked(7)?;
    let is_bearer = scheme.eq_ignore_ascii_case(b"bearer ");
    (is_bearer && !key.is_empty()).then(|| key.trim_ascii())
}
